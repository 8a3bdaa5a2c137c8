package consumer

import (
	"log/slog"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// How often the depth of the dead-letter queue is asked for: when nothing changes, soon
// after it has changed, after a message went there, and where SQS refuses to say.
const (
	deadEvery   = 5 * time.Minute
	deadChanged = time.Minute
	deadSent    = 15 * time.Second
	deadDenied  = time.Hour
)

// deadWatch knows how many messages are in the dead-letter queue.
type deadWatch struct {
	next  time.Time // when to ask next
	out   bool      // an answer is awaited
	arn   string    // of the queue that was asked last
	known bool
	at    time.Time // when SQS answered
	depth int
	since time.Time // since when there are messages; zero: there are none, or it is not known

	denied bool
	sent   int64 // messages that this process has sent there, as far as it can know
}

// DeadLetters is what is known of the dead-letter queue.
type DeadLetters struct {
	// Name is the dead-letter queue's; empty if the queue has none.
	Name string
	// Known reports whether SQS has said how many Messages there are, at At.
	Known    bool
	Messages int
	At       time.Time
	// Since is when the first of them came; zero if there are none, or if they were there
	// when SQS was first asked.
	Since time.Time
	// Sent is how many this process has sent there, or released after their last receive.
	Sent int64
}

// count notes a message that has gone there, or that SQS moves there at the next receive.
func (d *deadWatch) count(now time.Time) {
	d.sent++
	if !d.denied {
		d.next = earlier(d.next, now.Add(deadSent))
	}
}

// due reports whether it is time to ask; then an answer is awaited.
func (d *deadWatch) due(now time.Time, arn string) bool {
	if arn != d.arn { // another queue, or the first
		*d = deadWatch{arn: arn, next: now, out: d.out, sent: d.sent}
	}
	if arn == "" || d.out || now.Before(d.next) {
		return false
	}
	d.out = true
	return true
}

// answered takes in the depth, or why there is none.
func (d *deadWatch) answered(now time.Time, depth message.Depth, err error) {
	d.out = false
	d.denied = message.FaultOf(err) == message.Refused
	n := depth.Visible + depth.InFlight + depth.Delayed
	switch {
	case d.denied:
		d.next = now.Add(deadDenied)
		return
	case err != nil:
		d.next = now.Add(deadChanged)
		return
	case d.known && n != d.depth:
		d.next = now.Add(deadChanged)
	default:
		d.next = now.Add(deadEvery)
	}
	switch {
	case n == 0:
		d.since = time.Time{}
	case d.known && d.depth == 0:
		d.since = now
	}
	d.known, d.at, d.depth = true, now, n
}

// snapshot is what is known.
func (d *deadWatch) snapshot(arn string) DeadLetters {
	s := DeadLetters{Name: arn[strings.LastIndexByte(arn, ':')+1:], Sent: d.sent}
	if d.known && arn == d.arn {
		s.Known, s.Messages, s.At, s.Since = true, d.depth, d.at, d.since
	}
	return s
}

// lookDead asks for the depth of the dead-letter queue when that is due: once the queue's
// own attributes have been read, which name it.
func (c *Consumer) lookDead(now time.Time) {
	if !c.drain.begun && c.view.depth.known && c.dead.due(now, c.attributes.DeadLetterQueueARN) {
		c.call(deadCall, nil)
	}
}

// lookedDead takes in the answer.
func (c *Consumer) lookedDead(now time.Time, depth message.Depth, err error) {
	c.dead.answered(now, depth, err)
	if err == nil {
		return
	}
	if events, ok := c.notices.say(now, "dead-letter queue", false); ok && !c.ended {
		c.log.Info("the dead-letter queue's depth is not known; everything else continues: allow sqs:GetQueueUrl and sqs:GetQueueAttributes on it",
			slog.String("dead_letter_queue", c.dead.snapshot(c.dead.arn).Name),
			slog.String("reason", message.FaultOf(err).String()), slog.Any("error", err), slog.Int("failures", events))
	}
}
