package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// startWaiting starts what may be started, as far as pace and gate allow.
func (c *Consumer) startWaiting(now time.Time) {
	if c.drain.begun && !c.drain.leaves(now, c.options.Timeout) {
		c.hand.releaseWaiting(now) // what came in the drain and has not found a slot in time
	}
	want := ratelimit.Nothing
	for {
		l := c.next(now)
		if l == nil {
			break
		}
		begin := func() bool { return c.gate.Begin(now, &l.try) }
		if want = c.pace.Start(now, &l.pace, c.gate.Slots(c.pace.Limits().Concurrency), begin); want != ratelimit.Nothing {
			break
		}
		c.launch(now, l)
	}
	if c.blocked = want; want == ratelimit.Nothing {
		c.pace.Rest()
	}
}

// next is the message to start next. While the gate is closed that is the one to probe
// with; else held ones that are due and untried ones take turns, the oldest of each first.
func (c *Consumer) next(now time.Time) *life {
	if c.options.Gate.State() == gate.Closed {
		return c.hand.nextProbe(now)
	}
	if c.hand.tooManyUnsettled() {
		return nil
	}
	c.hand.countDue(now)
	first, second := c.hand.nextHeld, c.hand.nextUntried
	// What asks the target anew is a message that it has not refused: those in hand may all
	// be refused for what they are.
	if c.pace.Asks() || !c.hand.holding.heldFirst(c.gate.RetriesPay()) {
		first, second = second, first
	}
	if l := first(now); l != nil {
		return l
	}
	return second(now)
}

// launch makes the request for l, whose slot and token are taken, with what goes along.
func (c *Consumer) launch(now time.Time, l *life) {
	var along []*life
	if c.options.Batch > 1 {
		along, _ = c.hand.along(now, l)
	}
	c.begin(now, l)
	if len(along) > 0 {
		l.batch = &batch{lives: []*life{l}}
		for _, other := range along {
			c.gate.BeginWith(&other.try, &l.try)
			other.batch = l.batch
			l.batch.lives = append(l.batch.lives, other)
			c.begin(now, other)
		}
	}
	if c.options.Batch > 1 {
		c.hist.of(batchSizes).Observe(float64(1 + len(along)))
		c.stats.batches.add(1 + len(along))
	}
	c.stats.started.add(now)
	c.requests++
	c.running++
	c.deliveries.hire(l)
}

// begin has the delivery of one message begin.
func (c *Consumer) begin(now time.Time, l *life) {
	c.hist.waited(c.blocked).Observe(now.Sub(l.since).Seconds())
	c.stats.waits.add(c.blocked, now.Sub(l.since))
	c.hist.of(ages).Observe(c.view.clock.age(now, l.message).Seconds())
	c.hand.holding.started(l)
	c.hand.move(l, delivering, now)
}

// nextProbe is the message to probe the target with: of those in hand that may be started
// the one with the fewest tries, the oldest among equals; if all were tried before, none while
// another queue has one that was not.
func (h *hand) nextProbe(now time.Time) *life {
	if l := h.nextWaiting(now); l != nil || !h.mayTryHeld(now) || !h.gate.Repeats(now) {
		return l
	}
	var best *life
	for _, l := range h.holding.lives {
		if !l.releaseDue && l.mayStart(now, h.options.Timeout) && (best == nil || l.try.Tries() < best.try.Tries()) {
			best = l
		}
	}
	return best
}

// nextHeld is the oldest held message that is due and may be tried. Those that failed only
// together with others, and are to be tried alone, go first. countDue has counted them.
func (h *hand) nextHeld(now time.Time) *life {
	g := &h.holding
	if g.due == 0 || !h.mayTryHeld(now) {
		return nil
	}
	var oldest *life
	for _, l := range g.lives {
		if l.releaseDue || h.gate.Next(&l.try).After(now) || !l.mayStart(now, h.options.Timeout) {
			continue
		}
		if g.deserves == 0 || h.gate.Deserves(&l.try) {
			return l
		}
		if oldest == nil {
			oldest = l
		}
	}
	return oldest
}

// mayTryHeld reports whether a held message may be tried: at a stop, whether enough of the
// drain is left for it.
func (h *hand) mayTryHeld(now time.Time) bool {
	if !h.drain.begun {
		return true
	}
	mean := time.Duration(h.demand.delivery.value * float64(time.Second))
	return h.drain.deadline.Sub(now) >= min(h.options.Timeout, max(time.Second, 4*mean))
}

// nextWaiting is the oldest message that was never tried and may be: on a strict queue not while
// one that was delivered before has come again, and is deleted.
func (h *hand) nextWaiting(now time.Time) *life {
	begin := 0 // what is before it waits no longer
	defer func() { h.untried = h.untried[begin:] }()
	for i, l := range h.untried {
		if l != nil && l.state == waiting && !l.lost {
			if l.mayStart(now, h.options.Timeout) && !l.group.blocked() {
				return l
			}
			continue
		}
		if i == begin {
			h.untried[i] = nil
			begin++
		}
	}
	return nil
}

// queueUp has l wait for its start; on a FIFO queue it first waits to be the head
// of its group. Who stands in the row stays there until it starts.
func (h *hand) queueUp(l *life) {
	if g := l.group; !l.queued && (g == nil || !g.blocked() && g.waiting[0] == l) {
		l.queued = true
		h.untried = append(h.untried, l)
	}
}

// unblock lets the next of l's group start, if l was what it waited for.
func (h *hand) unblock(l *life) {
	if g := l.group; g != nil && g.strict && len(g.waiting) > 0 {
		h.queueUp(g.waiting[0])
	}
}
