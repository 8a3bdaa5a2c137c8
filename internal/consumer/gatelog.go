package consumer

import (
	"fmt"
	"log/slog"
	"time"

	"poller/internal/ratelimit"
)

// inWords says what most deliveries came to that closed the gate.
var inWords = map[ratelimit.Answer]string{
	ratelimit.Failed:      "failed (500, a time-out, 401 to 421)",
	ratelimit.Unavailable: "were answered 502, 503, 504, or cut off",
	ratelimit.Throttled:   "were answered 429",
	ratelimit.Connection:  "could not connect",
}

// sayGate logs each change of the gate, and once a minute that it is closed. Of the
// queues of one target the first to look says it.
func (c *Consumer) sayGate(now time.Time) {
	for _, change := range c.options.Pace.Changes() {
		c.sayChange(change)
	}
	if c.options.Pace.GateState() != ratelimit.Closed {
		delete(c.notices.said, "gate")
		return
	}
	if _, due := c.notices.say(now, "gate", false); due {
		c.sayClosed(now, c.options.Pace.Gate())
	}
}

func (c *Consumer) sayClosed(now time.Time, gate ratelimit.GateStatus) {
	c.log.Warn("gate closed: the target is not tried but by probes, and messages are held",
		slog.String("reason", fmt.Sprintf("deliveries of %d messages %s since %s",
			gate.Messages, inWords[gate.Mostly], gate.TroubleSince.UTC().Format(time.TimeOnly))),
		slog.Time("since", gate.Since), slog.Int("held", gate.Held),
		slog.Duration("next_probe_in", max(gate.NextProbe.Sub(now), 0).Round(100*time.Millisecond)))
}

func (c *Consumer) sayChange(change ratelimit.Change) {
	switch {
	case change.To == ratelimit.Closed: // said with what is known by now
	case change.Start:
		c.log.Debug("gate open: the target has taken its first delivery")
	case change.To == ratelimit.HalfOpen:
		c.log.Info("gate half-open: a delivery succeeded again, the pace rises step by step",
			slog.Duration("duration", change.Closed.Round(100*time.Millisecond)), slog.Int("held", change.Held))
	default:
		c.log.Info("gate open: the target is at its full pace again", slog.String("reason", change.Reason))
	}
}
