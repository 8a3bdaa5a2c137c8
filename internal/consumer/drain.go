package consumer

import (
	"log/slog"
	"time"
)

// drain is how far a stop has come.
type drain struct {
	begun    bool
	since    time.Time // when it began
	deadline time.Time
	over     bool // its time is over: deliveries are cut
}

// leaves reports whether d of the drain is left, so that a delivery that takes as long and
// starts now would end before the drain does.
func (s *drain) leaves(now time.Time, d time.Duration) bool {
	return s.deadline.Sub(now) >= d
}

// beginDrain stops receiving and releases what has not started.
func (c *Consumer) beginDrain(now time.Time) {
	if c.drain.begun {
		return
	}
	c.drain = drain{begun: true, since: now, deadline: now.Add(c.options.DrainTimeout)}
	c.sqs.permit(now) // for the last time to settle what was delivered
	c.view.depth.again(now)
	c.hand.releaseWaiting(now)
	c.log.Info("draining", slog.Int("delivering", c.hand.count[delivering]),
		slog.Int("deleting", c.hand.count[deleting]), slog.Int("releasing", c.hand.count[releasing]),
		slog.Int("receives_out", len(c.demand.polls)), slog.Duration("receives_end_within", c.demand.endWithin(now)),
		slog.Duration("drain_timeout", c.options.DrainTimeout))
}

// endDrain cuts what still runs: it is released.
func (c *Consumer) endDrain(now time.Time) {
	if c.drain.over {
		return
	}
	c.drain.over = true
	c.hand.releaseUnfinished(now)
	c.hand.cut(errDrained)
	if n := c.hand.count[delivering]; n > 0 {
		c.log.Warn("drain timeout over: cutting off deliveries and releasing their messages; raise --drain-timeout to let them finish", slog.Int("delivering", n))
	}
}

// done reports whether a drain is complete.
func (c *Consumer) done() bool {
	return c.drain.begun && c.hand.size() == 0 && len(c.demand.polls) == 0 && c.running == 0 &&
		c.hand.deletes.out+c.hand.releases.out+c.hand.letters.out+c.extension.out == 0
}
