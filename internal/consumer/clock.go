package consumer

import (
	"log/slog"
	"time"
)

// clockChange is how far SQS's clock has to move against ours to be said: its answers
// tell whole seconds, so that a smaller offset comes and goes.
const clockChange = 5 * time.Second

// sayClock logs that this machine's clock is wrong by SQS's, or right again: at the
// change, and at most once a minute. The lag is reckoned by SQS's clock; other programs, and what reads our logs,
// know nothing of it.
func (c *Consumer) sayClock(now time.Time) {
	offset := c.options.Source.ClockOffset()
	switch {
	case !c.clockLine.IsZero() && now.Sub(c.clockLine) < noticeEvery:
		return
	case offset == 0 && c.clockSaid != 0:
		c.log.Info("this machine's clock agrees with SQS's again")
	case (offset - c.clockSaid).Abs() >= clockChange:
		c.log.Warn("this machine's clock is wrong by SQS's: set it; the lag is reckoned by SQS's",
			slog.Duration("clock_offset", offset.Round(time.Second)))
	default:
		return
	}
	c.clockSaid, c.clockLine = offset, now
}
