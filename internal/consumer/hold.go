package consumer

import (
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// heldVisibility is what a held message's extension asks for at least.
const heldVisibility = 2 * time.Minute

// holding are the messages whose delivery failed and that are kept in hand while it is not
// known whose fault that was. A hold costs no receive; a release costs one.
type holding struct {
	lives    []*life   // in the sequence of their receives
	next     time.Time // when the first of them is due that is not yet; zero: none
	due      int       // how many are
	soon     int       // how many are or will be soon
	deserves int       // how many of those that are due go first
	counted  uint64    // the gate's version by which these were found; 0: not since a change
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
	return h.starts >= vainTurns || (pay || h.deserves > 0) && h.starts > 0
}

// started removes l, if it is held, and counts the turn.
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

// hold keeps l in hand, if it is still ours and can stay so: else it could not be tried
// again, and as the one to probe with it would keep the gate closed forever.
func (h *hand) hold(now time.Time, l *life) {
	switch {
	case !now.Before(l.deadline):
		h.gate.Leave(&l.try)
		h.lose(now, l, "its visibility ended while it was delivered")
		return
	case l.extendAt.IsZero(): // in flight for nearly as long as SQS allows
		h.releaseUntried(now, l)
		return
	}
	h.keep(now, l)
	l.note(now, message.Event{Name: "held", Tries: l.try.Tries(), Strikes: l.try.Strikes()})
}

// keep puts l among those that are held.
func (h *hand) keep(now time.Time, l *life) {
	h.move(l, held, now)
	i, _ := slices.BinarySearchFunc(h.holding.lives, l, func(a, b *life) int {
		if a.seq < b.seq {
			return -1
		}
		return 1
	})
	h.holding.lives = slices.Insert(h.holding.lives, i, l)
	h.holding.counted = 0
}

// countDue finds out how many held messages are due or will be soon, and when the next one
// is: anew only when that may have changed.
func (h *hand) countDue(now time.Time) {
	g := &h.holding
	version := h.gate.Version()
	if g.counted == version && (g.next.IsZero() || now.Before(g.next)) {
		return
	}
	g.counted, g.next, g.due, g.soon, g.deserves = version, time.Time{}, 0, 0, 0
	soon := now.Add(gate.SoonIs)
	for _, l := range g.lives {
		if l.releaseDue {
			continue
		}
		at := h.gate.Next(&l.try)
		if at.After(now) {
			g.next = earlier(g.next, at)
		} else {
			g.due++
			if h.gate.Deserves(&l.try) {
				g.deserves++
			}
		}
		if !at.After(soon) {
			g.soon++
		}
	}
}

// reviewEvery is how often held messages are reviewed though nothing has become known:
// time alone may show that one is at fault.
const reviewEvery = 15 * time.Second

// review ends the held messages that are known to be at fault.
func (h *hand) review(now time.Time) {
	h.gate.Tick(now, h.slots())
	g := &h.holding
	version := h.gate.Version()
	if len(g.lives) == 0 || version == g.reviewed && now.Sub(g.at) < reviewEvery {
		return
	}
	g.reviewed, g.at = version, now
	for _, l := range slices.Clone(g.lives) {
		if l.state == held && !l.releaseDue && h.gate.Review(now, &l.try) {
			h.fail(now, l)
		}
	}
}
