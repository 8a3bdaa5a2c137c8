package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// OnRejected is what happens to a message that the target rejects.
type OnRejected uint8

// The policies.
const (
	// Retry releases it: the queue's own redrive decides.
	Retry OnRejected = iota
	// DeadLetter sends it to the dead-letter queue, with the reason, and deletes it.
	DeadLetter
	// Discard deletes it.
	Discard
)

// reject ends a message that the target does not want.
func (h *hand) reject(now time.Time, l *life, result message.Result) {
	switch h.options.OnRejected {
	case Discard:
		l.outcome = doneDiscarded
		h.delete(now, l)
	case DeadLetter:
		l.outcome, l.unsent = doneDeadLettered, true
		h.depart(now, l)
		h.letters.add(l)
	default:
		l.outcome, l.delay = h.releaseTerms(l.message, result)
		h.releaseAtFault(now, l)
	}
}

// fail ends a message that its last try has failed for good.
func (h *hand) fail(now time.Time, l *life) {
	l.givenUp = true
	if l.last.Outcome == message.Rejected {
		h.reject(now, l, l.last)
		return
	}
	l.outcome, l.delay = h.releaseTerms(l.message, l.last)
	if l.last.Refused {
		l.outcome = doneRejected
	}
	h.releaseAtFault(now, l)
}

// letterSent deletes what has arrived on the dead-letter queue. What SQS does not take
// there, such as a message of its full size, is released: the queue's own redrive
// moves it.
func (h *hand) letterSent(now time.Time, l *life, err error) {
	if err == nil {
		l.note(now, message.Event{Name: "dead_lettered"})
		l.unsent = false
		h.dropBody(l)
		h.ledger.enter(l.key)
		h.deletes.add(l)
		return
	}
	if more, ok := h.notices.say(now, "letter refused", false); ok {
		h.log.Warn("the dead-letter queue does not take a rejected message: leaving it to the queue's own redrive",
			slog.String("message_id", l.message.ID), slog.Int("receive_count", l.message.ReceiveCount), slog.Any("error", err), slog.Int("messages", more))
	}
	l.outcome, l.delay = h.releaseTerms(l.message, l.last)
	h.release(now, l)
}

func letterOf(l *life) message.Letter {
	return message.Letter{Message: l.message, Status: l.last.Status, Reason: l.last.Reason}
}
