package consumer

import (
	"log/slog"
	"time"
)

// maxReported is how many abandoned messages are named in the log.
const maxReported = 100

// beginDrain stops receiving and gives back what has not started.
func (c *Consumer) beginDrain(now time.Time) {
	if c.draining {
		return
	}
	c.draining = true
	c.deadline = now.Add(c.options.DrainTimeout)
	for _, l := range c.waiting {
		if l != nil && l.state == waiting && !l.lost {
			l.outcome, l.delay = doneUntried, 0
			c.hand.move(l, releasing, now)
			c.releases.add(l)
		}
	}
	c.waiting = nil
	c.log.Info("draining", slog.Int("delivering", c.hand.count[delivering]),
		slog.Int("deleting", c.hand.count[deleting]), slog.Int("releasing", c.hand.count[releasing]),
		slog.Int("receives_out", len(c.demand.polls)), slog.Duration("receives_end_within", c.pollsEndWithin(now)),
		slog.Duration("drain_timeout", c.options.DrainTimeout))
}

// pollsEndWithin is how long the receives that are out may last: they are never
// cancelled, since what SQS has handed out to one would stay invisible.
func (c *Consumer) pollsEndWithin(now time.Time) time.Duration {
	var longest time.Duration
	for _, p := range c.demand.polls {
		left := p.sent.Add(pollWait(c.options.DrainTimeout)).Sub(now)
		longest = max(longest, left.Round(time.Second/10))
	}
	return longest
}

// endDrain cuts what still runs: it is given back.
func (c *Consumer) endDrain() {
	if c.over {
		return
	}
	c.over = true
	for l := c.hand.first; l != nil; l = l.next {
		if l.cut != nil {
			l.cut(errDrained)
		}
	}
	if n := c.hand.count[delivering]; n > 0 {
		c.log.Warn("the drain timeout is over: deliveries are cut off and given back (--drain-timeout)", slog.Int("delivering", n))
	}
}

// done says that a drain is complete.
func (c *Consumer) done() bool {
	return c.draining && c.hand.size() == 0 && len(c.demand.polls) == 0 && c.running == 0 &&
		c.deletes.out+c.releases.out+c.extension.out == 0
}

// abandonRest reports what is in hand when everything has ended.
func (c *Consumer) abandonRest() {
	n := 0
	for l := c.hand.first; l != nil; l = l.next {
		c.stats.settled[doneAbandoned]++
		if l.state == deleting {
			c.stats.undeleted++
		}
		if n++; n <= maxReported {
			c.log.Warn("message abandoned: it comes back when its visibility ends", slog.String("message_id", l.message.ID),
				slog.Int("receive_count", l.message.ReceiveCount), slog.String("state", l.state.String()))
		}
	}
	if n > maxReported {
		c.log.Warn("more messages abandoned", slog.Int("messages", n-maxReported))
	}
}
