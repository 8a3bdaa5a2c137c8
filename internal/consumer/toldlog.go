package consumer

import (
	"log/slog"
	"time"
)

// toldLog is what has been logged of waiting for the target.
type toldLog struct {
	said    bool // that it is waited for
	ignored int64
}

// sayTold logs when starts begin to wait because the target says that it takes no more, and
// when they go on: not each time where that is every few seconds. Of the queues of one
// target the first to look logs it.
func (c *Consumer) sayTold(now time.Time) {
	for _, change := range c.pace.ToldChanges(now) {
		switch {
		case change.Waiting:
			var times int
			if times, c.told.said = c.notices.say(now, "told to wait", false); c.told.said {
				c.log.Info("waiting for the target as it asked: nothing starts, and nothing is received",
					slog.Time("until", change.Until.UTC()), slog.Int("times", times))
			}
		case c.told.said:
			c.told.said = false
			c.log.Info("the target takes more again", slog.Duration("waited", change.Lasted.Round(100*time.Millisecond)))
		}
	}
}

// sayIgnored logs once a minute that answers say nonsense of the target's limits.
func (c *Consumer) sayIgnored(now time.Time, n int) {
	if n == 0 {
		return
	}
	c.told.ignored += int64(n)
	if _, due := c.notices.say(now, "told nonsense", false); due {
		c.log.Warn("what the target's answers say of its limits makes no sense in part, and is ignored: see docs/pace.md",
			slog.Int64("ignored", c.told.ignored))
		c.told.ignored = 0
	}
}
