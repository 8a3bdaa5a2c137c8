package consumer

import (
	"context"
	"log/slog"
	"time"

	"poller/internal/gate"
	"poller/internal/message"
	"poller/internal/ratelimit"
)

// queueUp has l wait for its start; on a FIFO queue it first waits to be the head
// of its group.
func (c *Consumer) queueUp(l *life) {
	if g := l.group; g == nil || !g.blocked() && g.waiting[0] == l {
		c.waiting = append(c.waiting, l)
	}
}

// startWaiting starts what may be started, as far as pace and gate allow.
func (c *Consumer) startWaiting(now time.Time) {
	if c.draining && !c.enoughLeft(now) {
		c.releaseWaiting(now) // what came in the drain and has found no slot in time
	}
	want := ratelimit.Nothing
	for {
		l := c.next(now)
		if l == nil {
			break
		}
		begin := func() bool { return c.gate.Begin(now, &l.try) }
		if want = c.pace.Start(now, c.gate.Slots(c.pace.Limits().Concurrency), begin); want != ratelimit.Nothing {
			break
		}
		c.begin(now, l)
	}
	if c.blocked = want; want == ratelimit.Nothing {
		c.pace.Rest()
	}
}

// next is the message to start next. While the gate is closed that is the one to probe
// with; else held ones that are due and untried ones take turns, the oldest of each first.
func (c *Consumer) next(now time.Time) *life {
	if c.options.Gate.State() == gate.Closed {
		return c.nextProbe(now)
	}
	if c.tooManyUnsettled() {
		return nil
	}
	first, second := c.nextHeld, c.nextWaiting
	if !c.holding.heldFirst(c.gate.RetriesPay()) {
		first, second = second, first
	}
	if l := first(now); l != nil {
		return l
	}
	return second(now)
}

// nextProbe is the message to probe the target with: of those in hand that may be started
// the one with the fewest tries, the oldest among equals.
func (c *Consumer) nextProbe(now time.Time) *life {
	if l := c.nextWaiting(now); l != nil || !c.mayTryHeld(now) {
		return l
	}
	var best *life
	for _, l := range c.holding.lives {
		if !l.goesBack && c.mayStart(now, l) && (best == nil || l.try.Tries() < best.try.Tries()) {
			best = l
		}
	}
	return best
}

// nextWaiting is the oldest message that was never tried and may be.
func (c *Consumer) nextWaiting(now time.Time) *life {
	begin := 0 // what is before it waits no longer
	defer func() { c.waiting = c.waiting[begin:] }()
	for i, l := range c.waiting {
		if l != nil && l.state == waiting && !l.lost {
			if c.mayStart(now, l) {
				return l
			}
			continue
		}
		if i == begin {
			c.waiting[i] = nil
			begin++
		}
	}
	return nil
}

// begin starts the delivery of one message, whose slot and token are taken.
func (c *Consumer) begin(now time.Time, l *life) {
	c.hist.waited(c.blocked).Observe(now.Sub(l.since).Seconds())
	c.hist.age.Observe(c.clock.age(now, l.message).Seconds())
	c.stats.started.add(now)
	c.holding.started(l)
	c.hand.move(l, delivering, now)
	c.running++
	c.deliveries.hire(l)
}

// mayStart says whether enough visibility is left for a delivery: the smaller of
// its time-out and half of the visibility. If not, the extension that is due at
// half-life has not been made yet, and comes first.
func (c *Consumer) mayStart(now time.Time, l *life) bool {
	return l.deadline.Sub(now) >= min(c.options.Timeout, l.visibility/2)
}

// courier delivers on one goroutine of the crew. Its context is made once and
// again only after it was cut: a context a message would cost more than the rest
// of the engine does.
func (c *Consumer) courier(work context.Context) func(*member[*life], *life) {
	ctx, cut := context.WithCancelCause(work)
	return func(m *member[*life], l *life) {
		if ctx.Err() != nil {
			ctx, cut = context.WithCancelCause(work) //nolint:fatcontext // of work anew, not of the one before
		}
		c.mu.Lock()
		l.cut = cut
		if l.lost { // before it had begun
			cut(errLost)
		}
		c.mu.Unlock()

		begun := time.Now()
		result := c.options.Deliver.Deliver(ctx, c.options.Queue, l.message)

		c.mu.Lock()
		defer c.mu.Unlock()
		now := time.Now()
		c.finish(ctx, now, now.Sub(begun), l, result)
		c.deliveries.rest(m)
		c.turn(now)
	}
}

// standstill is how much longer than its time-out a delivery must take to show that it was
// this process that stood still (a SIGSTOP, a suspended machine), not the target: whether
// that had answered, nobody knows.
const standstill = 2 * time.Second

// stoodStill reports whether a delivery that timed out says nothing of its target.
func (c *Consumer) stoodStill(took time.Duration, result message.Result) bool {
	return result.Reason == "timeout" && took >= c.options.Timeout+standstill
}

// finish records what a delivery came to, and settles or holds its message.
func (c *Consumer) finish(ctx context.Context, now time.Time, took time.Duration, l *life, result message.Result) {
	c.running--
	if c.stoodStill(took, result) {
		result.Outcome = message.Connection // no strike, and no sign of trouble by an answer
	}
	c.pace.End()
	fate := c.gate.End(now, &l.try, result, c.pace.Limits().Concurrency)
	l.cut = nil
	c.stats.delivered(now, result)
	c.hist.took(result.Outcome).Observe(took.Seconds())
	if result.Outcome == message.Delivered {
		c.demand.delivery.add(took.Seconds())
	}
	c.logDelivery(ctx, now, took, l, result)
	switch {
	case l.lost:
		// It went to somebody else and is out of hand. If it was delivered after all
		// and comes back, it is deleted.
		c.gate.Leave(&l.try)
		if result.Outcome == message.Delivered {
			c.ledger.deleted(l.key, now.Add(2*l.visibility))
		}
	case result.Outcome == message.Delivered:
		c.delete(now, l)
	case c.over:
		l.outcome, l.delay = doneCutOff, 0
		c.release(now, l)
	case fate == gate.Held:
		l.last = result
		c.hold(now, l)
	case result.Outcome == message.Rejected:
		c.rejected(now, l, result)
	default:
		l.last = result
		c.giveUp(now, l)
	}
}

// verdict says how a message that was not delivered is released.
func (c *Consumer) verdict(m *message.Message, result message.Result) (settled, int) {
	o := &c.options
	delay := releaseDelay(m.ReceiveCount, o.Backoff, o.BackoffMax, jitter(o.Seed, m.ID)(m.ReceiveCount))
	if result.RetryAfter > 0 {
		delay = wholeSeconds(min(result.RetryAfter, maxRetryAfter))
	}
	if most := c.attributes.MaxReceiveCount; most > 0 && m.ReceiveCount >= most {
		delay = 0 // the next receive is the dead-letter queue's: it need not wait
	}
	if result.Outcome == message.Rejected {
		return doneRejected, delay
	}
	return doneFailed, delay
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
