package simulation

import (
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// drawPaced makes some wider worlds ones about the pace. It has a die of its own, so that
// the others stay the worlds that they were.
func (s *scenario) drawPaced(d dice) {
	if d.of("paced?").chance(0.25) {
		s.wide.kind = quotasOfTargets
	}
}

// drawQuotas has the targets allow only so many in a time.
func (s *scenario) drawQuotas(d dice) {
	for i := range s.targets {
		s.targets[i].limits.Quotas = drawQuotas(d.of("target", i))
	}
}

func drawQuotas(d dice) (all [ratelimit.MaxQuotas]ratelimit.Quota) {
	n := 0
	add := func(name string, chance float64, window time.Duration, fewest, most int) {
		if d := d.of(name); d.of("?").chance(chance) {
			all[n] = ratelimit.Quota{N: d.of("n").from(fewest, most), Window: window}
			n++
		}
	}
	add("second", 0.4, time.Second, 1, 20)
	add("minute", 0.7, time.Minute, 1, 60)
	add("hour", 0.4, time.Hour, 20, 200)
	return all
}

// changeQuotas gives each quota another number, or takes all away.
func changeQuotas(d dice, old [ratelimit.MaxQuotas]ratelimit.Quota) [ratelimit.MaxQuotas]ratelimit.Quota {
	if d.of("none").chance(0.1) {
		return [ratelimit.MaxQuotas]ratelimit.Quota{}
	}
	for i := range old {
		if old[i].N > 0 && d.of("change", i).chance(0.5) {
			old[i].N = d.of("n", i).from(1, 2*old[i].N)
		}
	}
	return old
}
