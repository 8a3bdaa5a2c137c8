package consumer

import (
	"context"
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// courier delivers on one goroutine of the crew. Its context is made once and
// again only after it was cut: a context a message would cost more than the rest
// of the engine does.
func (c *Consumer) courier(work context.Context) worker[*life] {
	ctx, cut := context.WithCancelCause(work)
	run := func(m *member[*life], l *life) {
		if ctx.Err() != nil {
			ctx, cut = context.WithCancelCause(work) //nolint:fatcontext // of work anew, not of the one before
		}
		c.mu.Lock()
		if l.cut = cut; l.batch != nil {
			c.deliverBatch(ctx, m, l.batch, cut)
			return
		}
		if l.lost { // before it had begun
			cut(errLost)
		}
		c.mu.Unlock()

		begun := time.Now()
		result := c.options.Deliver.Deliver(ctx, c.options.Queue, l.message)

		if result.Span != nil {
			defer result.Span.End() // with what follows from it
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.finish(ctx, now, begun, l, result)
		c.deliveries.rest(now, m)
		c.turn(now)
	}
	return worker[*life]{run: run, end: func() { cut(nil) }}
}

// standstill is how much longer than its timeout a delivery must take to show that it was
// this process that stood still (a SIGSTOP, a suspended machine), not the target: whether
// that had answered, nobody knows.
const standstill = 2 * time.Second

// stoodStill reports whether a delivery that timed out says nothing of its target.
func stoodStill(took, timeout time.Duration, result message.Result) bool {
	return result.Reason == "timeout" && took >= timeout+standstill
}

// finish records what the delivery of one message came to.
func (c *Consumer) finish(ctx context.Context, now, begun time.Time, l *life, result message.Result) {
	took := now.Sub(begun)
	result = c.paced(now, took, l, 1, result)
	l.began(begun, result.Span)
	fate := c.gate.End(now, &l.try, result, c.pace.Limits().Concurrency)
	if result.Outcome == message.Delivered {
		c.demand.delivered(took)
	}
	c.paceLog.sayIgnored(now, result.LimitsIgnored)
	c.conclude(ctx, now, took, l, result, fate)
}

// paced ends a request for the pace, and adds to its result what the pace knows of it. l is
// the message whose slot and token it has, n how many it carried.
func (c *Consumer) paced(now time.Time, took time.Duration, l *life, n int, result message.Result) message.Result {
	c.running--
	if stoodStill(took, c.options.Timeout, result) {
		result.Outcome, result.Unseen = message.Connection, true // no strike, and no sign of trouble
	}
	switch {
	case n > 1 && l.try.Tries() > 1, n == 1 && (l.solo || c.gate.Again(&l.try)):
		n = 0 // no first try, of several or alone
	case n == 1:
		l.solo = true
	}
	result.Announced = c.pace.End(now, &l.pace, result, n)
	result.Crowded = c.pace.Adapt(now, &l.pace, result, func() (bool, int) { return c.gate.Load(&l.try) })
	return result
}

// conclude settles or holds one message, whose delivery has ended.
func (c *Consumer) conclude(ctx context.Context, now time.Time, took time.Duration, l *life, result message.Result, fate gate.Fate) {
	l.cut, l.batch = nil, nil
	l.struckBy(now)
	l.last = result
	c.stats.delivered(now, result)
	c.hist.observe(took, result)
	if result.Outcome == message.Delivered {
		c.stats.durations.add(took)
	}
	c.logDelivery(ctx, now, took, l, result)
	switch {
	case l.lost:
		if c.hand.has(l) { // the request was for others too
			c.hand.lose(now, l, "SQS no longer knew its receipt handle")
		}
		c.gate.Leave(&l.try)
		if result.Outcome == message.Delivered {
			c.hand.deliveredAfterLoss(now, l)
		}
	case result.Outcome == message.Delivered:
		c.hand.delete(now, l)
	case c.drain.over:
		l.outcome, l.delay = doneCutOff, 0
		c.hand.release(now, l)
	case fate == gate.Held:
		c.hand.hold(now, l)
	case result.Outcome == message.Rejected:
		c.hand.reject(now, l, result)
	default:
		c.hand.fail(now, l)
	}
}

func (c *Consumer) logDelivery(ctx context.Context, now time.Time, took time.Duration, l *life, result message.Result) {
	ok := result.Outcome == message.Delivered
	if !ok {
		f := Failure{
			At: now, MessageID: l.message.ID, ReceiveCount: l.message.ReceiveCount,
			Outcome: result.Outcome.String(), Status: result.Status, Reason: result.Reason,
		}
		if result.Err != nil {
			f.Detail = result.Err.Error()
		}
		c.recent.add(f)
	}
	level := slog.LevelDebug
	more := 0
	if !ok {
		var say bool
		if more, say = c.notices.say(now, result.Outcome.String()+" "+result.Reason, false); say {
			level = slog.LevelWarn
		}
	}
	if !c.log.Enabled(ctx, level) {
		return
	}
	attributes := []slog.Attr{
		slog.String("message_id", l.message.ID),
		slog.Int("receive_count", l.message.ReceiveCount),
		slog.String("outcome", result.Outcome.String()),
		slog.String("reason", result.Reason),
		slog.Int("status", result.Status),
		slog.Duration("duration", took),
	}
	if result.Span != nil {
		attributes = append(attributes, slog.String("trace_id", result.Span.TraceID()))
	}
	if level == slog.LevelDebug {
		c.log.LogAttrs(ctx, level, "delivery ended", attributes...)
		return
	}
	if result.Err != nil {
		attributes = append(attributes, slog.Any("error", result.Err))
	}
	attributes = append(attributes, slog.Int("failures", more))
	c.log.LogAttrs(ctx, level, "deliveries fail", attributes...)
}
