package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// lose drops a message that is no longer ours. One whose request runs on for others stays in
// hand until that ends: if it comes here again meanwhile, it is not delivered beside itself.
func (h *hand) lose(now time.Time, l *life, why string) {
	l.lost = true
	if l.batch.wanted() {
		l.extendAt = time.Time{}
		return
	}
	l.note(now, message.Event{Name: "lost"})
	h.abandoned()
	if l.state == deleting && !l.unsent {
		h.stats.undeleted++
		h.ledger.deleted(l.key, now.Add(2*l.visibility))
	}
	if l.cut != nil {
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

// expired handles a message whose visibility ended before SQS could be asked to extend it: by
// now another consumer may have it, or nobody.
func (h *hand) expired(now time.Time, l *life) {
	if l.state == waiting || l.state == held {
		h.lose(now, l, "its visibility ended before SQS could be reached to extend it")
		return
	}
	// A running delivery may still succeed, and its delete still be accepted: SQS takes an
	// old handle until the message is received again.
	l.extendAt = time.Time{}
}

// outlasted drops a message whose visibility ended before SQS accepted its release: it
// becomes visible by itself, here or elsewhere.
func (h *hand) outlasted(now time.Time, l *life) {
	h.abandoned()
	h.backlog.release(now, now)
	h.remove(l)
	if more, ok := h.notices.say(now, "outlasted", false); ok {
		h.log.Warn("message could not be released: it is visible again when its visibility timeout ends",
			slog.String("message_id", l.message.ID), slog.Int("receive_count", l.message.ReceiveCount), slog.Int("messages", more))
	}
}

// deliveredAfterLoss remembers a message that another consumer received although its delivery
// here succeeded: if it comes again, it is deleted.
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
