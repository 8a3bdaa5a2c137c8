package consumer

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
)

// gateLog logs what the gate does.
type gateLog struct {
	log     *slog.Logger
	notices *notices
	gate    *gate.Gate
}

// say logs each change of the gate, and once a minute that it is closed. Of the queues
// of one target the first to look logs it.
func (g *gateLog) say(now time.Time, slots int, paused bool) {
	for _, change := range g.gate.Changes() {
		g.sayChange(change)
	}
	if g.gate.State() != gate.Closed {
		g.notices.forget("gate")
		return
	}
	if _, due := g.notices.say(now, "gate", false); due {
		g.sayClosed(now, g.gate.Status(slots), paused)
	}
}

// sayClosed logs that the gate is closed. A paused target is not probed.
func (g *gateLog) sayClosed(now time.Time, is gate.Status, paused bool) {
	reason := fmt.Sprintf("deliveries of %d messages have failed since %s: %s",
		is.Messages, is.TroubleSince.UTC().Format(time.TimeOnly), is.Answers)
	all := []any{slog.Time("since", is.Since), slog.Int("held", is.Held)}
	if !is.RejectsSince.IsZero() {
		reason = fmt.Sprintf("rejects everything since %s: %s", is.RejectsSince.UTC().Format(time.TimeOnly), is.Answers)
		all = append(all, slog.Int("released", is.Rejected))
	}
	all = append([]any{slog.String("reason", reason)}, all...)
	probe := slog.Duration("next_probe_in", max(is.NextProbe.Sub(now), 0).Round(100*time.Millisecond))
	switch {
	case paused:
		g.log.Warn("paused with the gate closed: holding messages, trying none until the rate is over 0", all...)
	case !is.RejectsSince.IsZero():
		g.log.Warn("gate closed: target rejects everything, holding messages and probing", append(all, probe)...)
	default:
		g.log.Warn("gate closed: target down, holding messages and probing", append(all, probe)...)
	}
}

func (g *gateLog) sayChange(change gate.Change) {
	switch change.To {
	case gate.Closed: // logged by sayClosed, with what is known by now
	case gate.Wary:
		g.log.Debug("gate wary: deliveries fail, trying a few more before it closes", slog.String("reason", change.Reason))
	case gate.HalfOpen:
		g.log.Info("gate half-open: a delivery succeeded, raising the pace step by step",
			slog.Duration("duration", change.Lasted.Round(100*time.Millisecond)), slog.Int("held", change.Held))
	default:
		switch change.From {
		case gate.Starting:
			g.log.Debug("gate open: the target has taken its first delivery")
		case gate.Wary:
			g.log.Debug("gate open: the target takes deliveries after all")
		default:
			g.log.Info("gate open: the target is at full pace again", slog.String("reason", change.Reason))
		}
	}
}
