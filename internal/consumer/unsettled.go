package consumer

import (
	"log/slog"
	"time"
)

// The rule "undeleted": while slots + 100 messages wait for SQS to confirm that they
// are deleted or released, nothing new is received, and nothing is started but the
// probe of a closed gate.
//
// Without it a worker that may not delete delivers the whole queue and keeps it all:
// each of those messages is delivered again after a crash.
const spareUnsettled = 100

// tooManyUnsettled reports whether the rule holds messages back.
func (c *Consumer) tooManyUnsettled() bool {
	n := c.hand.count[deleting]
	if !c.draining { // at a stop, releases may have to wait for receives to end
		n += c.hand.count[releasing]
	}
	return n >= spareUnsettled && n >= spareUnsettled+c.pace.Limits().Concurrency
}

// What was delivered and cannot be deleted is hidden by one call for so long, not by
// one at each half of its visibility. On a FIFO queue it blocks its group for that
// long after a crash, so it is less there.
const (
	undeletedVisibility     = time.Hour
	undeletedVisibilityFIFO = 10 * time.Minute
)

// patience is what an extension of l asks for at least, because l has to wait for SQS;
// 0: it need not.
func (c *Consumer) patience(l *life) time.Duration {
	switch {
	case c.draining:
		return 0
	case l.state == waiting && c.tooManyUnsettled():
		return heldVisibility
	case l.state != deleting || c.sqs.trouble[deleteCall].failures+c.sqs.trouble[letterCall].failures == 0:
		return 0
	case c.options.FIFO:
		return undeletedVisibilityFIFO
	default:
		return undeletedVisibility
	}
}

// outlasted takes a message out of hand whose visibility ended before SQS took its
// release: it comes again by itself, here or elsewhere.
func (c *Consumer) outlasted(now time.Time, l *life) {
	c.stats.settled[doneAbandoned]++
	if c.draining {
		c.stats.stranded++
	}
	c.hand.remove(l)
	if more, ok := c.notices.say(now, "outlasted", false); ok {
		c.log.Warn("message could not be released: it comes again when its visibility ends",
			slog.String("message_id", l.message.ID), slog.Int("receive_count", l.message.ReceiveCount), slog.Int("messages", more))
	}
}
