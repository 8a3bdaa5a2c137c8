package consumer

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// repeatWithin is how long after a receive SQS accepts its attempt id as a repeat: 5 minutes,
// less a margin for clocks and networks.
const repeatWithin = 4 * time.Minute

// attempts gives the receives of a FIFO queue their ids. When an answer is lost, what
// SQS handed out with it would block its groups until the visibility ends; a receive
// with the same id gets it again.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
type attempts struct {
	prefix string // empty: a standard queue has no such ids
	n      int
	lost   []attempt // to be repeated
}

// attempt is one receive, however often it is sent.
type attempt struct {
	id    string
	asked int
	// visibility is what its messages are hidden for.
	visibility time.Duration
	sent       time.Time // for the first time
}

func newAttempts(fifo bool, seed uint64, queue string) attempts {
	if !fifo {
		return attempts{}
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(queue)) // never fails
	return attempts{prefix: fmt.Sprintf("%016x", seed^h.Sum64())}
}

// next returns the receive to send now: a lost one again, or a new one for quantity.
func (a *attempts) next(now time.Time, quantity int, visibility time.Duration) attempt {
	for len(a.lost) > 0 {
		again := a.lost[0]
		a.lost = a.lost[1:]
		if again.asked <= quantity && now.Sub(again.sent) < repeatWithin {
			return again
		}
	}
	try := attempt{asked: quantity, visibility: visibility, sent: now}
	if a.prefix != "" {
		a.n++
		try.id = fmt.Sprintf("%s-%d", a.prefix, a.n)
	}
	return try
}

// failed keeps a receive whose answer may have been lost.
func (a *attempts) failed(p *poll, err error) {
	if a.prefix != "" && message.FaultOf(err) == message.Network {
		a.lost = append(a.lost, p.attempt)
	}
}
