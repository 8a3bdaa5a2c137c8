package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// dateNoise is how much earlier than it was a hand-out may seem according to the answer's Date.
const dateNoise = 2 * time.Second

// handedOut is when the visibility of m began, on the safe side. prompt is when it did if
// SQS's answer was not delayed: SQS hands out immediately what it has, and a poll that was
// out for longer has waited for the messages, not with them.
//
// The answer's Date is a better source, since an answer may be late by more than the
// visibility. But where the visibility is a few seconds, and the answer need not have been
// late at all, what Date leaves open would use it up before the message is here.
func handedOut(m *message.Message, prompt time.Time, visibility time.Duration) time.Time {
	at := m.HandedOut
	switch closest := prompt.Add(-visibility / 4); {
	case at.IsZero():
		return prompt
	case prompt.Sub(at) <= dateNoise && at.Before(closest):
		return closest
	default:
		return at
	}
}
