package consumer

import (
	"log/slog"
	"slices"
	"time"

	"poller/internal/gate"
	"poller/internal/message"
)

// heldVisibility is what a held message's extension asks for at least.
const heldVisibility = 2 * time.Minute

// holding is what is held: messages whose delivery failed, kept in hand while it is not
// known whose fault that was. A hold costs no receive; a release costs one.
type holding struct {
	lives    []*life   // in the order of their receives
	next     time.Time // when the first of them is due that is not yet; zero: none
	due      int       // how many are
	counted  uint64    // the gate's version by which next and due were found; 0: not since a change
	reviewed uint64    // and the one by which they were reviewed last,
	at       time.Time // and when
	starts   int       // untried messages that have started since the last held one
	roomMade time.Time // when one was last released for another
}

// vainTurns is how many untried messages start for each held one that is due, where
// retrying does not pay.
const vainTurns = 32

// heldFirst reports whether it is a held message's turn.
func (h *holding) heldFirst(pay bool) bool {
	return h.starts >= vainTurns || pay && h.starts > 0
}

// hold keeps l in hand, if it is still ours and can stay so: else it could not be tried
// again, and as the one to probe with it would keep a closed gate shut for ever.
func (c *Consumer) hold(now time.Time, l *life) {
	switch {
	case !now.Before(l.deadline):
		c.gate.Leave(&l.try)
		c.lose(now, l, "its visibility ended while it was delivered")
		return
	case l.extendAt.IsZero(): // in flight for nearly as long as SQS allows
		c.releaseUntried(now, l)
		return
	}
	c.keep(now, l)
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
	c.holding.counted = 0
}

// started takes l out, if it is held, and counts the turn.
func (h *holding) started(l *life) {
	if l.state == held {
		h.starts = 0
	} else {
		h.starts++
	}
	h.drop(l)
}

func (h *holding) drop(l *life) {
	if l.state != held {
		return
	}
	if i := slices.Index(h.lives, l); i >= 0 {
		h.lives = slices.Delete(h.lives, i, i+1)
		h.counted = 0
	}
}

// nextHeld is the oldest held message that is due and may be tried.
func (c *Consumer) nextHeld(now time.Time) *life {
	h := &c.holding
	if c.countDue(now); h.due == 0 || !c.mayTryHeld(now) {
		return nil
	}
	for _, l := range h.lives {
		if !l.goesBack && !c.gate.Next(&l.try).After(now) && c.mayStart(now, l) {
			return l
		}
	}
	return nil
}

// countDue finds out how many held messages are due, and when the next one is: anew only
// when that may have changed.
func (c *Consumer) countDue(now time.Time) {
	h := &c.holding
	version := c.gate.Version()
	if h.counted == version && (h.next.IsZero() || now.Before(h.next)) {
		return
	}
	h.counted, h.next, h.due = version, time.Time{}, 0
	for _, l := range h.lives {
		if l.goesBack {
			continue
		}
		if at := c.gate.Next(&l.try); at.After(now) {
			h.next = earlier(h.next, at)
		} else {
			h.due++
		}
	}
}

// mayTryHeld says, at a stop, that enough of the drain is left for another try.
func (c *Consumer) mayTryHeld(now time.Time) bool {
	if !c.draining {
		return true
	}
	mean := time.Duration(c.demand.delivery.value * float64(time.Second))
	return c.deadline.Sub(now) >= min(c.options.Timeout, max(time.Second, 4*mean))
}

// reviewEvery is how often held messages are looked at though nothing has become known:
// some are given up by time alone.
const reviewEvery = 15 * time.Second

// review gives up the held messages that are known to be at fault.
func (c *Consumer) review(now time.Time) {
	c.gate.Tick(now, c.pace.Limits().Concurrency)
	h := &c.holding
	version := c.gate.Version()
	if len(h.lives) == 0 || version == h.reviewed && now.Sub(h.at) < reviewEvery {
		return
	}
	h.reviewed, h.at = version, now
	for _, l := range slices.Clone(h.lives) {
		if l.state == held && !l.goesBack && c.gate.Review(now, &l.try) {
			c.giveUp(now, l)
		}
	}
}

const (
	// roomDelay is how long a message stays away at least that is released to make room;
	// while others are delivered it doubles with each receive.
	roomDelay = 15 * time.Minute
	// roomEvery is how often one is while nothing works: so a long outage costs a message
	// one receive.
	roomEvery = 90 * time.Second
	// worthIt is how long a message must have to wait at least to be released for another,
	// where retrying pays.
	worthIt = 30 * time.Second
)

// makeRoom releases a held message, since there is no room for another, and reports
// whether it did. While others are delivered that is one that has long to wait, or whose
// retries are in vain: of those with the fewest receives the one that waits longest, and
// never at its last receive. Where nothing works it is the one that failed most often by an
// answer, at most one every 90 s.
func (c *Consumer) makeRoom(now time.Time) bool {
	if c.options.Gate.State() == gate.Closed || c.holding.due >= c.pace.Limits().Concurrency && c.gate.RetriesPay() {
		return c.releaseWorst(now)
	}
	least := now.Add(worthIt)
	if !c.gate.RetriesPay() {
		least = time.Time{}
	}
	var best *life
	var until time.Time
	for _, l := range c.holding.lives {
		at := c.gate.Next(&l.try)
		if l.goesBack || c.lastReceive(l) || !at.After(least) {
			continue
		}
		if best == nil || l.message.ReceiveCount < best.message.ReceiveCount ||
			l.message.ReceiveCount == best.message.ReceiveCount && at.After(until) {
			best, until = l, at
		}
	}
	if best == nil {
		return false
	}
	// It is to come when there may be room again, and to have receives left then.
	delay := roomDelay << min(max(best.message.ReceiveCount, 1)-1, 4)
	c.gate.Release(&best.try)
	c.releaseForRoom(now, best, max(delay, until.Sub(now)))
	return true
}

// releaseWorst makes room while nothing works.
func (c *Consumer) releaseWorst(now time.Time) bool {
	if now.Sub(c.holding.roomMade) < roomEvery {
		return false
	}
	var worst *life
	for _, l := range c.holding.lives {
		if n := l.try.Answered(); !l.goesBack && n > 0 && (worst == nil || n > worst.try.Answered()) {
			worst = l
		}
	}
	if worst == nil {
		return false
	}
	c.holding.roomMade = now
	c.releaseForRoom(now, worst, roomDelay)
	return true
}

func (c *Consumer) releaseForRoom(now time.Time, l *life, delay time.Duration) {
	l.outcome, l.delay = doneFailed, wholeSeconds(delay)
	if n, due := c.notices.say(now, "room", false); due {
		c.log.Warn("no room for more held messages: releasing those that wait longest, which costs each a receive",
			slog.Int("held", len(c.holding.lives)), slog.Int("released", n), slog.Duration("delay", delay.Round(time.Second)))
	}
	c.release(now, l)
}

// lastReceive reports whether the next receive of l is the dead-letter queue's.
func (c *Consumer) lastReceive(l *life) bool {
	most := c.attributes.MaxReceiveCount
	return most > 0 && l.message.ReceiveCount >= most
}

// giveUp releases a message whose fault it was.
func (c *Consumer) giveUp(now time.Time, l *life) {
	if l.last.Outcome == message.Rejected {
		c.rejected(now, l, l.last)
		return
	}
	l.outcome, l.delay = c.verdict(l.message, l.last)
	if l.last.Refused {
		l.outcome = doneRejected
	}
	c.goBack(now, l)
}

// releaseHeld gives back, at once, everything that is held.
func (c *Consumer) releaseHeld(now time.Time) {
	for _, l := range slices.Clone(c.holding.lives) {
		c.releaseUntried(now, l)
	}
}
