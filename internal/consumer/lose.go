package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// lose takes a message out of hand that is ours no longer.
func (h *hand) lose(now time.Time, l *life, why string) {
	l.lost = true
	l.note(now, message.Event{Name: "lost"})
	h.abandoned()
	if l.state == deleting {
		h.stats.undeleted++
		h.ledger.deleted(l.key, now.Add(2*l.visibility))
	}
	if l.cut != nil && !l.batch.wanted() {
		l.cut(errLost)
	}
	behind := l.group.behind(l)
	h.holding.drop(l)
	if l.state != delivering { // a delivery that is cut leaves when it has ended
		h.gate.Leave(&l.try)
	}
	h.remove(l)
	h.releaseBehind(now, behind)
	h.unblock(l)
	if more, ok := h.notices.say(now, "lost", false); ok {
		h.log.Warn("message lost to another receiver", slog.String("message_id", l.message.ID),
			slog.Int("receive_count", l.message.ReceiveCount), slog.String("state", l.state.String()),
			slog.String("reason", why), slog.Int("failures", more))
	}
}

// abandoned counts one that is neither deleted nor released by us.
func (h *hand) abandoned() {
	h.stats.settled[doneAbandoned]++
	if h.drain.begun {
		h.stats.stranded++
	}
}

// expired deals with a message whose visibility ended before SQS could be told to
// extend it: somebody else may have it by now, or nobody.
func (h *hand) expired(now time.Time, l *life) {
	if l.state == waiting || l.state == held {
		h.lose(now, l, "its visibility ended before SQS could be reached to extend it")
		return
	}
	// A delivery that runs may still succeed, and a delete still be accepted: SQS
	// takes an old handle until the message is received again.
	l.extendAt = time.Time{}
}

// outlasted takes a message out of hand whose visibility ended before SQS took its
// release: it comes again by itself, here or elsewhere.
func (h *hand) outlasted(now time.Time, l *life) {
	h.abandoned()
	h.backlog.release(now, now)
	h.remove(l)
	if more, ok := h.notices.say(now, "outlasted", false); ok {
		h.log.Warn("message could not be released: it is visible again when its visibility timeout ends",
			slog.String("message_id", l.message.ID), slog.Int("receive_count", l.message.ReceiveCount), slog.Int("messages", more))
	}
}

// deliveredAfterLoss remembers a message that went to somebody else, and whose delivery
// here has succeeded all the same: if it comes again, it is deleted.
func (h *hand) deliveredAfterLoss(now time.Time, l *life) {
	h.ledger.deleted(l.key, now.Add(2*l.visibility))
}

// maxReported is how many abandoned messages are named in the log.
const maxReported = 100

// abandonRest reports what is in hand when everything has ended.
func (h *hand) abandonRest() {
	n := 0
	for l := h.first; l != nil; l = l.next {
		h.stats.settled[doneAbandoned]++
		h.stats.stranded++
		if l.state == deleting {
			h.stats.undeleted++
		}
		if n++; n <= maxReported {
			h.log.Warn("message abandoned: it is visible again when its visibility timeout ends", slog.String("message_id", l.message.ID),
				slog.Int("receive_count", l.message.ReceiveCount), slog.String("state", l.state.String()))
		}
	}
	if n > maxReported {
		h.log.Warn("more messages abandoned", slog.Int("messages", n-maxReported))
	}
}
