package consumer

import (
	"time"

	"poller/internal/message"
)

// OnRejected is what becomes of a message that the target rejects.
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

// rejected settles a message that the target does not want.
func (c *Consumer) rejected(now time.Time, l *life, result message.Result) {
	switch c.options.OnRejected {
	case Discard:
		l.outcome = doneDiscarded
		c.delete(now, l)
	case DeadLetter:
		l.outcome, l.last = doneDeadLettered, result
		c.depart(now, l)
		c.letters.add(l)
	default:
		l.outcome, l.delay = c.verdict(l.message, result)
		c.goBack(now, l)
	}
}

// delete has a message deleted, which is remembered from now on: if it comes again,
// it is deleted again.
func (c *Consumer) delete(now time.Time, l *life) {
	c.depart(now, l)
	c.ledger.enter(l.key)
	c.deletes.add(l)
}

// depart takes l from the way of deliveries, so that the next of its group may start.
func (c *Consumer) depart(now time.Time, l *life) {
	c.holding.drop(l)
	c.gate.Leave(&l.try)
	c.hand.move(l, deleting, now)
	if g := l.group; g != nil {
		if len(g.waiting) > 0 && !g.blocked() {
			c.queueUp(g.waiting[0])
		} else {
			l.urgent = true
		}
	}
}

// sent deletes what has arrived on the dead-letter queue. What SQS does not take
// there, such as a message of its full size, is released: the queue's own redrive
// moves it.
func (c *Consumer) sent(now time.Time, l *life, fault message.Fault) {
	if fault == message.NoFault {
		c.ledger.enter(l.key)
		c.deletes.add(l)
		return
	}
	l.outcome, l.delay = c.verdict(l.message, l.last)
	c.giveBack(now, l)
	c.unblock(l)
}

func letterOf(l *life) message.Letter {
	return message.Letter{Message: l.message, Status: l.last.Status, Reason: l.last.Reason}
}
