package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
)

const (
	// roomDelay is the least delay of a message that is released to make room; while
	// others are delivered it doubles with each receive, up to maxRoomDelay.
	roomDelay    = 15 * time.Minute
	maxRoomDelay = time.Hour
	// roomEvery is the time between two such releases while nothing works: so a long
	// outage costs a message one receive.
	roomEvery = 90 * time.Second
	// worthIt is the least time that a message must have to wait to be released for
	// another, where retrying pays.
	worthIt = 30 * time.Second
)

// makeRoom releases a held message, since there is no room for another, and reports
// whether it did. While others are delivered that is one that has long to wait, or whose
// retries are in vain: of those with the fewest receives the one that waits longest, and
// never at its last receive. Where nothing works it is the one that failed most often by an
// answer, at most one every 90 s.
func (h *hand) makeRoom(now time.Time) bool {
	if h.options.Gate.State() == gate.Closed || h.holding.due >= h.slots() && h.gate.RetriesPay() {
		return h.releaseWorst(now)
	}
	least := now.Add(worthIt)
	if !h.gate.RetriesPay() {
		least = time.Time{}
	}
	var best *life
	var until time.Time
	for _, l := range h.holding.lives {
		at := h.gate.Next(&l.try)
		if l.releaseDue || h.lastReceive(l.message) || !at.After(least) {
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
	h.gate.Release(&best.try)
	h.releaseForRoom(now, best, max(delayForRoom(best.message.ReceiveCount), until.Sub(now)))
	return true
}

// delayForRoom is how long a message stays away at least: it is to come when there may be
// room again, and to have receives left then.
func delayForRoom(receives int) time.Duration {
	return min(roomDelay<<min(max(receives, 1)-1, 10), maxRoomDelay)
}

// releaseWorst makes room while nothing works.
func (h *hand) releaseWorst(now time.Time) bool {
	if now.Sub(h.holding.roomMade) < roomEvery {
		return false
	}
	var worst *life
	for _, l := range h.holding.lives {
		if n := l.try.Answered(); !l.releaseDue && n > 0 && (worst == nil || n > worst.try.Answered()) {
			worst = l
		}
	}
	if worst == nil {
		return false
	}
	h.holding.roomMade = now
	h.releaseForRoom(now, worst, roomDelay)
	return true
}

func (h *hand) releaseForRoom(now time.Time, l *life, delay time.Duration) {
	l.outcome, l.delay = doneFailed, wholeSeconds(delay)
	if n, due := h.notices.say(now, "room", false); due {
		h.log.Warn("no room for more held messages: releasing those that wait longest, which costs each a receive",
			slog.Int("held", len(h.holding.lives)), slog.Int("released", n), slog.Duration("delay", delay.Round(time.Second)))
	}
	h.release(now, l)
}
