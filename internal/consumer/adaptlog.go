package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
)

// sayAdapted logs how the concurrency that is found changes, each reason at most once a
// minute. Of the queues of one target the first to look logs it.
func (c *Consumer) sayAdapted(now time.Time) {
	changes, alone := c.pace.AdaptChanges()
	for _, change := range changes {
		times, due := c.notices.say(now, "adaptive "+change.Reason.String(), false)
		if !due {
			continue
		}
		attributes := []any{
			slog.Int("concurrency", change.To), slog.Int("was", change.From),
			slog.String("reason", change.Words()), slog.Int("changes", times),
		}
		if change.Reason == adapt.TrialUndone {
			c.log.Warn("adaptive: the target refuses at random, whatever the load: the concurrency goes back, see docs/pace.md", attributes...)
			continue
		}
		c.log.Info("adaptive: concurrency changed", attributes...)
	}
	if alone == 0 {
		return
	}
	if _, due := c.notices.say(now, "adaptive alone", false); due {
		c.log.Warn("adaptive: the target refuses with nothing else running: this is a quota, which no concurrency keeps: use --rate or --quota")
	}
}
