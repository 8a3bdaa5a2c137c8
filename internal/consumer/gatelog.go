package consumer

import (
	"fmt"
	"log/slog"
	"time"

	"poller/internal/gate"
	"poller/internal/message"
)

// inWords says what most deliveries came to that closed the gate.
var inWords = map[message.Outcome]string{
	message.Rejected:    "were rejected",
	message.Failed:      "failed (500, a time-out, 3xx, 401 to 421)",
	message.Unavailable: "were answered 502, 503, 504, or cut off",
	message.Throttled:   "were answered 429",
	message.Connection:  "could not connect",
}

// sayGate logs each change of the gate, and once a minute that it is closed. Of the
// queues of one target the first to look says it.
func (c *Consumer) sayGate(now time.Time) {
	for _, change := range c.options.Gate.Changes() {
		c.sayChange(change)
	}
	if c.options.Gate.State() != gate.Closed {
		delete(c.notices.said, "gate")
		return
	}
	if _, due := c.notices.say(now, "gate", false); due {
		c.sayClosed(now, c.options.Gate.Status(c.pace.Limits().Concurrency))
	}
}

func (c *Consumer) sayClosed(now time.Time, is gate.Status) {
	c.log.Warn("gate closed: target down, holding messages and probing",
		slog.String("reason", fmt.Sprintf("deliveries of %d messages %s since %s",
			is.Messages, inWords[is.Mostly], is.TroubleSince.UTC().Format(time.TimeOnly))),
		slog.Time("since", is.Since), slog.Int("held", is.Held),
		slog.Duration("next_probe_in", max(is.NextProbe.Sub(now), 0).Round(100*time.Millisecond)))
}

func (c *Consumer) sayChange(change gate.Change) {
	switch change.To {
	case gate.Closed: // said with what is known by now
	case gate.Wary:
		c.log.Debug("gate wary: deliveries fail, trying a few more before it closes", slog.String("reason", change.Reason))
	case gate.HalfOpen:
		c.log.Info("gate half-open: a delivery succeeded, raising the pace step by step",
			slog.Duration("duration", change.Lasted.Round(100*time.Millisecond)), slog.Int("held", change.Held))
	default:
		switch change.From {
		case gate.Starting:
			c.log.Debug("gate open: the target has taken its first delivery")
		case gate.Wary:
			c.log.Debug("gate open: the target takes deliveries after all")
		default:
			c.log.Info("gate open: the target is at full pace again", slog.String("reason", change.Reason))
		}
	}
}
