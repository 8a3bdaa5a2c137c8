package consumer

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// A request to the target may carry several messages. It is one slot, one token and one
// look at the target; everything else is a message's own: its visibility, its group, its
// strikes, its end.
//
//   - A request carries those that wait and may start: it waits for more only as long as
//     BatchWait says, and takes at most one of each group of a FIFO queue.
//   - Where the answer names those that failed, each of these has failed alone, and the
//     others are delivered. On a FIFO queue a function stops at the first that fails, and
//     names those that it has not come to as well
//     (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html):
//     where several are named, they have failed as a whole.
//   - Where it failed as a whole, nobody knows whose fault that was. Nobody gets a strike,
//     and each message is tried alone from then on, also if it is lost and comes again.
//   - Where it was refused as a whole (a 429, a Retry-After), or there was no connection, they
//     are tried together again, unless the gate finds that they have to be tried alone, too.
//     Those that were refused alone go with their like only.
//   - Those to be tried alone for others' sake go before other held messages, and take turns with
//     the untried: those that are refused for what they are would take all tokens else.
//   - A probe carries one message, and so does a message that is known bad.

// maxRequest bounds a request in bytes: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const maxRequest = 6 << 20

// batch are the messages of one request, two or more.
type batch struct{ lives []*life }

// wanted reports whether some of them is still ours.
func (b *batch) wanted() bool {
	if b == nil {
		return false
	}
	for _, l := range b.lives {
		if !l.lost {
			return true
		}
	}
	return false
}

// nextUntried is the message to start next of those that were never tried, unless it still
// waits for others.
func (h *hand) nextUntried(now time.Time) *life {
	l := h.nextWaiting(now)
	if l == nil || h.options.Batch == 1 || !now.Before(h.gathered(l)) {
		return l
	}
	if _, full := h.along(now, l); full {
		return l
	}
	return nil
}

// gathered is when l has waited long enough for others. In a drain, and while the gate is
// half-open, hardly any are received that it could wait for.
func (h *hand) gathered(l *life) time.Time {
	if h.drain.begun || h.options.Gate.State() == gate.HalfOpen {
		return l.since
	}
	return l.since.Add(h.options.BatchWait)
}

// gatherWake returns when the oldest message that waits for others has waited long enough, or
// the zero time.
func (h *hand) gatherWake(now time.Time) time.Time {
	if h.options.Batch == 1 || h.options.BatchWait == 0 {
		return time.Time{}
	}
	if l := h.nextWaiting(now); l != nil {
		return h.gathered(l)
	}
	return time.Time{}
}

// joins reports whether l may go with others.
func (h *hand) joins(l *life) bool { return h.gate.Joins(&l.try) && h.pace.Joins() }

// along is what goes with l in one request: more of its kind, untried or held, that may
// start now, and whether the request is full.
func (h *hand) along(now time.Time, l *life) (others []*life, full bool) {
	if !h.joins(l) {
		return nil, true
	}
	from := h.untried
	if l.state == held {
		from = h.holding.lives
	}
	room := maxRequest - h.sizeInBatch(l)
	for _, other := range from {
		if other == nil || other == l || other.state != l.state || other.lost || other.releaseDue ||
			l.state == waiting && other.group.blocked() ||
			!other.mayStart(now, h.options.Timeout) || !h.gate.Together(&l.try, &other.try) ||
			l.state == held && h.gate.Next(&other.try).After(now) {
			continue
		}
		if room -= h.sizeInBatch(other); room < 0 {
			return others, true
		}
		if others = append(others, other); len(others) == h.options.Batch-1 {
			return others, true
		}
	}
	return others, false
}

// sizeInBatch is how much of a request l takes at most, found out once.
func (h *hand) sizeInBatch(l *life) int {
	if l.inBatch == 0 {
		l.inBatch = h.batches.SizeInBatch(l.message)
	}
	return l.inBatch
}

// deliverBatch is what a courier does for several messages. The mutex is held when it is
// called, and not when it returns.
func (c *Consumer) deliverBatch(ctx context.Context, m *member[*life], b *batch, cut context.CancelCauseFunc) {
	all := make([]*message.Message, len(b.lives))
	for i, l := range b.lives {
		l.cut, all[i] = cut, l.message
	}
	if !b.wanted() { // lost before it had begun
		cut(errLost)
	}
	c.mu.Unlock()

	begun := time.Now()
	whole, each := c.hand.batches.DeliverBatch(ctx, c.options.Queue, all)

	for _, result := range each {
		if result.Span != nil {
			defer result.Span.End() // with what follows from it
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.finishBatch(ctx, now, begun, b, whole, each)
	c.deliveries.rest(now, m)
	c.turn(now)
}

// finishBatch records what the delivery of several messages came to.
func (c *Consumer) finishBatch(ctx context.Context, now, begun time.Time, b *batch, whole message.Result, each []message.Result) {
	took := now.Sub(begun)
	head := b.lives[0]
	whole = c.paced(now, took, head, len(b.lives), whole)
	slots := c.pace.Limits().Concurrency
	tries, fates := make([]*gate.Message, len(b.lives)), make([]gate.Fate, len(b.lives))
	apart := each != nil && whole.Outcome == message.Delivered
	if each == nil {
		each = make([]message.Result, len(b.lives))
	}
	for i, l := range b.lives {
		tries[i] = &l.try
		if !apart { // with what was found out about all since
			span := each[i].Span
			each[i] = whole
			each[i].Span = span
		}
		l.began(begun, each[i].Span)
	}
	if whole.Outcome == message.Delivered {
		c.gate.EndEach(now, tries, each, head.group != nil, slots, fates)
		c.demand.delivered(took)
	} else {
		if c.gate.Dissolve(now, tries, whole, slots) {
			c.stats.batches.dissolved++
		}
		for i := range fates {
			if !whole.Canceled {
				fates[i] = gate.Held
			}
		}
	}
	c.paceLog.sayIgnored(now, whole.LimitsIgnored)
	for i, l := range b.lives {
		c.conclude(ctx, now, took, l, each[i], fates[i])
	}
}
