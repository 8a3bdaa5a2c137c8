package consumer

import (
	"math"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// maxRetryAfter bounds what a target's Retry-After may ask for.
const maxRetryAfter = 15 * time.Minute

// releaseTerms returns how a message that was not delivered is released: as what, and
// after how many seconds.
func (h *hand) releaseTerms(m *message.Message, result message.Result) (settled, int) {
	o := h.options
	delay := releaseDelay(m.ReceiveCount, o.Backoff, o.BackoffMax, jitter(o.Seed, m.ID)(m.ReceiveCount))
	if result.RetryAfter > 0 {
		delay = wholeSeconds(min(result.RetryAfter, maxRetryAfter))
	}
	if h.lastReceive(m) {
		delay = 0 // the next receive is the dead-letter queue's: it need not wait
	}
	if result.Outcome == message.Rejected {
		return doneRejected, delay
	}
	return doneFailed, delay
}

// lastReceive reports whether the next receive of m is the dead-letter queue's.
func (h *hand) lastReceive(m *message.Message) bool {
	most := h.attributes.MaxReceiveCount
	return most > 0 && m.ReceiveCount >= most
}

// releaseDelay is how long a message that was not delivered stays invisible, in
// whole seconds: base × 2^(receives−1), at most longest, × uniform(0.5, 1).
// draw is uniform in [0, 1).
func releaseDelay(receives int, base, longest time.Duration, draw float64) int {
	delay := min(float64(longest), float64(base)*math.Pow(2, float64(max(receives, 1)-1)))
	return wholeSeconds(time.Duration(delay * (0.5 + draw/2)))
}

// wholeSeconds rounds up: SQS takes no parts of a second, and 0 would be immediately.
func wholeSeconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}

// release has l released as its outcome and delay say, and on a FIFO queue, immediately,
// what waits behind it in its group: delivered now, that would overtake it.
func (h *hand) release(now time.Time, l *life) {
	behind := l.group.behind(l)
	h.releaseAlone(now, l)
	h.releaseBehind(now, behind)
}

// releaseBehind releases what waits behind something that is out of its way.
func (h *hand) releaseBehind(now time.Time, behind []*life) {
	for _, l := range behind {
		l.outcome, l.delay = doneUntried, 0
		h.releaseAlone(now, l)
	}
}

// releaseAlone has l released as its outcome and delay say, and nothing with it.
func (h *hand) releaseAlone(now time.Time, l *life) {
	h.holding.drop(l)
	h.gate.Leave(&l.try)
	h.move(l, releasing, now)
	l.noteRelease(now)
	h.releases.add(l)
}

// releaseUntried releases one that has not started.
func (h *hand) releaseUntried(now time.Time, l *life) {
	l.outcome, l.delay = doneUntried, 0
	h.release(now, l)
}

// releaseWaiting releases all that have not started.
func (h *hand) releaseWaiting(now time.Time) {
	for l := h.first; l != nil; l = l.next {
		if l.state == waiting {
			h.releaseUntried(now, l)
		}
	}
	h.untried = nil
}

// releaseUnfinished releases all that could not be ended in the drain, except what is
// still being delivered or deleted.
func (h *hand) releaseUnfinished(now time.Time) {
	h.releaseWaiting(now)
	for _, l := range slices.Clone(h.holding.lives) {
		h.releaseUntried(now, l)
	}
	for _, l := range h.letters.pending { // they could not be sent in time
		l.outcome, l.delay = doneUntried, 0
		h.releaseAlone(now, l)
	}
	h.letters.pending = nil
}

// releaseAtFault releases l, whose fault it was, and what is behind it. Where that would
// come again together with it, all of it stays until the receives that could bring it have
// returned: spare.go has the reasons.
func (h *hand) releaseAtFault(now time.Time, l *life) {
	behind := l.group.behind(l)
	if len(behind) > 0 && h.attributes.MaxReceiveCount > 0 && !h.drain.begun {
		for _, other := range behind {
			h.spared.add(now, other.key)
		}
		if h.demand.manyOut() && !l.extendAt.IsZero() && now.Before(l.deadline) {
			l.releaseDue = true
			h.gate.Leave(&l.try)
			if l.state != held {
				h.keep(now, l)
			}
			return
		}
	}
	h.release(now, l)
}

// releasesDue releases those that have waited for receives to return.
func (h *hand) releasesDue(now time.Time) {
	if !h.options.FIFO || len(h.holding.lives) == 0 || h.demand.manyOut() && !h.drain.begun {
		return
	}
	var due []*life // a release takes it out of those that are held
	for _, l := range h.holding.lives {
		if l.releaseDue {
			due = append(due, l)
		}
	}
	for _, l := range due {
		h.release(now, l)
	}
}

// releaseHasToWait reports whether l, released now, might be brought again immediately by
// one of our own receives that are out at a stop, and then by the next: each would cost it a
// receive, up to its maxReceiveCount. What has come again already waits for all of them; what came
// for the first time only for those that are about to return, and not for a long poll: another
// replica may be waiting for it.
func (h *hand) releaseHasToWait(now time.Time, l *life) bool {
	if !h.drain.begun || h.drain.over || l.state != releasing {
		return false
	}
	out := len(h.demand.polls)
	if l.message.ReceiveCount == 1 {
		out -= h.demand.parked(now)
	}
	return out > 0 && time.Duration(l.delay)*time.Second <= h.demand.endWithin(now)
}

// releaseSeconds is the visibility that the release of l asks for, and notes when it ends.
func (h *hand) releaseSeconds(now time.Time, l *life) int {
	seconds := max(min(l.delay, int((ownership-now.Sub(l.owned)-ownershipMargin)/time.Second)), 0)
	if l.visibleAt.IsZero() { // SQS may have carried out any of those that failed for us
		l.visibleAt = now.Add(time.Duration(seconds) * time.Second)
	}
	return seconds
}
