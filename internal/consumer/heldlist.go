package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// HeldMessage is a message that is kept in hand after a failed delivery. It has no body and
// no handle.
type HeldMessage struct {
	MessageID      string
	ReceiveCount   int
	Tries, Strikes int
	Since          time.Time
	Outcome        message.Outcome
	Status         int
	Reason         string
	Next           time.Time // when it is tried next; zero: that depends on what it awaits
	Awaits         Awaited
}

// Awaited is what a held message waits for before it is tried again, other than time.
type Awaited string

// What a held message may wait for.
const (
	AwaitsTarget  Awaited = "target"  // the gate is closed: a probe has to succeed
	AwaitsResume  Awaited = "resume"  // the target's rate is 0
	AwaitsRelease Awaited = "release" // it was given up, and is released soon
)

// Held returns at most that many of the held messages, in the order of their receives.
func (c *Consumer) Held(most int) []HeldMessage {
	c.mu.Lock()
	defer c.mu.Unlock()
	closed, paused := c.options.Gate.State() == gate.Closed, c.paused()
	list := make([]HeldMessage, 0, min(most, len(c.hand.holding.lives)))
	for _, l := range c.hand.holding.lives {
		if len(list) == most {
			break
		}
		known := c.gate.Record(&l.try)
		one := HeldMessage{
			MessageID: l.message.ID, ReceiveCount: l.message.ReceiveCount,
			Tries: known.Tries, Strikes: known.Strikes, Since: known.Since,
			Outcome: l.last.Outcome, Status: l.last.Status, Reason: l.last.Reason,
		}
		switch {
		case l.releaseDue:
			one.Awaits = AwaitsRelease
		case paused:
			one.Awaits = AwaitsResume
		case closed:
			one.Awaits = AwaitsTarget
		default:
			one.Next = c.gate.Next(&l.try)
		}
		list = append(list, one)
	}
	return list
}

// paused reports whether the target's rate is 0: nothing starts, and nothing is received.
func (c *Consumer) paused() bool {
	limits := c.pace.Limits()
	return limits.Limited && limits.Rate == 0
}
