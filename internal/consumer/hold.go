package consumer

import (
	"slices"
	"time"

	"poller/internal/message"
	"poller/internal/ratelimit"
)

// heldVisibility is what a held message's extension asks for at least.
const heldVisibility = 2 * time.Minute

// holding is what is held: messages whose delivery failed, kept in hand while it is
// not proven whose fault that was. A hold costs no receive; a release costs one.
type holding struct {
	lives []*life   // in the order of their receives
	due   time.Time // when the first of them may be tried again; zero: none
	turn  bool      // an untried message goes first
}

// answerOf sorts what a delivery came to for the gate.
func answerOf(result message.Result) ratelimit.Answer {
	if result.Canceled {
		return ratelimit.Canceled
	}
	return [...]ratelimit.Answer{
		message.Delivered:   ratelimit.Delivered,
		message.Rejected:    ratelimit.Rejected,
		message.Failed:      ratelimit.Failed,
		message.Unavailable: ratelimit.Unavailable,
		message.Throttled:   ratelimit.Throttled,
		message.Connection:  ratelimit.Connection,
	}[result.Outcome]
}

// hold keeps l in hand, if it is still ours and can stay so: else it could not be tried
// again, and as the one to probe with it would keep a closed gate shut for ever.
func (c *Consumer) hold(now time.Time, l *life) {
	switch {
	case !now.Before(l.deadline):
		c.pace.Leave(&l.try)
		c.lose(now, l, "its visibility ended while it was delivered")
		return
	case l.extendAt.IsZero(): // in flight for nearly as long as SQS allows
		c.releaseUntried(now, l)
		return
	}
	c.keep(now, l)
	c.pace.Offer(&l.try, true)
}

// keep puts l among those that are held.
func (c *Consumer) keep(now time.Time, l *life) {
	c.hand.move(l, held, now)
	i, _ := slices.BinarySearchFunc(c.holding.lives, l, func(a, b *life) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	c.holding.lives = slices.Insert(c.holding.lives, i, l)
}

// started takes l out, if it is held, and gives the next turn to the other kind.
func (h *holding) started(l *life) {
	h.turn = l.state == held
	h.drop(l)
}

func (h *holding) drop(l *life) {
	if l.state != held {
		return
	}
	if i := slices.Index(h.lives, l); i >= 0 {
		h.lives = slices.Delete(h.lives, i, i+1)
	}
}

// nextHeld is the oldest held message that is due and may be tried.
func (c *Consumer) nextHeld(now time.Time) *life {
	c.holding.due = time.Time{}
	if len(c.holding.lives) == 0 || !c.mayTryHeld(now) {
		return nil
	}
	for _, l := range c.holding.lives {
		if l.goesBack {
			continue
		}
		again := c.pace.Again(&l.try)
		if again.After(now) {
			c.holding.due = earlier(c.holding.due, again)
		} else if c.mayStart(now, l) {
			return l
		}
	}
	return nil
}

// mayTryHeld says, at a stop, that enough of the drain is left for another try.
func (c *Consumer) mayTryHeld(now time.Time) bool {
	if !c.draining {
		return true
	}
	mean := time.Duration(c.demand.delivery.value * float64(time.Second))
	return c.deadline.Sub(now) >= min(c.options.Timeout, max(time.Second, 4*mean))
}

// judge releases the held messages about which the gate has decided.
func (c *Consumer) judge(now time.Time) {
	c.pace.Tick(now)
	if !c.pace.Judged() {
		return
	}
	for _, l := range slices.Clone(c.holding.lives) {
		if l.goesBack {
			continue
		}
		switch c.pace.Verdict(&l.try) {
		case ratelimit.GivenUp:
			c.giveUp(now, l)
		case ratelimit.MadeRoom:
			l.outcome, l.delay = doneFailed, int(ratelimit.RoomDelay/time.Second)
			c.release(now, l)
		case ratelimit.NoVerdict:
		}
	}
}

// giveUp releases a message whose fault it was.
func (c *Consumer) giveUp(now time.Time, l *life) {
	l.outcome, l.delay = c.verdict(l.message, l.last)
	if refusals[l.last.Status] {
		l.outcome = doneRejected
	}
	c.goBack(now, l)
}

// refusals are the statuses that a target refuses by, whoever is to blame: a message
// given up after one of them was rejected.
var refusals = map[int]bool{401: true, 403: true, 404: true, 405: true, 407: true, 421: true}

// releaseHeld gives back, at once, everything that is held.
func (c *Consumer) releaseHeld(now time.Time) {
	for _, l := range slices.Clone(c.holding.lives) {
		c.releaseUntried(now, l)
	}
}
