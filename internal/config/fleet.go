package config

import (
	"math"
	"time"
)

// Fleet is the replicas that share each target's budget: its concurrency, rate, burst and
// quotas.
type Fleet struct {
	// Redis is where the coordinator is, which shares each budget exactly; empty: there is
	// none, and each replica takes a fixed share.
	Redis string `yaml:"redis" name:"redis" placeholder:"URL" help:"Redis or Valkey that shares the budget of all replicas exactly: redis://HOST:6379, rediss://, unix:///PATH, redis+sentinel://, redis+cluster://, or @FILE with the URL. Default: each replica takes a fixed share."`
	// Name is the budget's, where there is a coordinator.
	Name string `yaml:"name" name:"name" placeholder:"NAME" help:"Name of the budget on --fleet-redis: replicas of the same name share one. Default: the target's name in the file."`
	// Replicas is the most that ever run; 1: this process has the whole of each budget.
	Replicas int `yaml:"replicas" name:"replicas" default:"1" placeholder:"N" help:"Most replicas that ever run, 1 to 10,000. Concurrency, rate and quotas are the budget of all of them; each takes its share. With --fleet-redis: what a replica falls back to without it."`
}

// Shared reports whether a coordinator shares the budget.
func (f Fleet) Shared() bool { return f.Redis != "" }

// BudgetName is the name of a target's budget on the coordinator. Of several targets each
// has a budget of its own.
func (f Fleet) BudgetName(target string, targets int) string {
	switch {
	case f.Name == "":
		return target
	case targets > 1:
		return f.Name + "." + target
	default:
		return f.Name
	}
}

// Share is a target with one replica's share of its budget, which all of them may use
// at once. The rate is divided exactly; concurrency, burst and quotas are whole
// numbers, and rounded down. The burst is at least 1, without which nothing could start.
//
// Where a coordinator shares the budget, nothing is divided.
func (f Fleet) Share(t Target) Target {
	if f.Replicas <= 1 || f.Shared() {
		return t
	}
	t.Concurrency /= f.Replicas
	t.Rate.PerSecond /= float64(f.Replicas)
	t.Burst = max(1, t.Burst/f.Replicas)
	t.Quotas = shareOf(t.Quotas, f.Replicas)
	return t
}

const (
	// minFleetRate is the least rate of a shared budget: the first start waits for 1/rate.
	minFleetRate = 1.0 / 60
	// maxFleetWindow bounds how long a token of a shared budget may be used, and with it
	// the pauses that docs/fleet.md speaks of.
	maxFleetWindow = time.Minute
)

// fleetBurst is the default burst of a shared budget: a token may be used for 50 ms or 1/rate.
func fleetBurst(perSecond float64) int { return 1 + int(math.Ceil(0.05*perSecond)) }

// DefaultBurst is the burst of a target that has this rate and no burst of its own: what comes
// in 10 ms, at least 1, and more where a coordinator shares the rate.
func (f Fleet) DefaultBurst(r Rate) int {
	if f.Shared() && r.Limited {
		return fleetBurst(r.PerSecond)
	}
	return max(1, int(r.PerSecond/100))
}

// TooSlow reports whether a rate is below what a coordinator can share.
func (f Fleet) TooSlow(r Rate) bool { return f.Shared() && r.Limited && r.PerSecond < minFleetRate }

// leastFleetBurst leaves a token 20 ms, in which a call's round trip and a timer have to fit.
func leastFleetBurst(perSecond float64) int { return 1 + int(math.Ceil(0.02*perSecond)) }

// validateShared refuses a budget that a coordinator cannot share.
func (f Fleet) validateShared(n names, t part[Target], c Checks) error {
	if err := c.FleetURL(f.Redis); err != nil {
		return n.problem("fleet.redis", "%w", err)
	}
	if f.Name != "" && !isName(f.Name, 128) {
		return n.problem("fleet.name", "invalid name: use at most 128 letters, digits, '-', '_' and '.'")
	}
	if f.Name == "" && t.name == onlyTarget {
		return n.problem("fleet.name", "the budget on %s needs a name, which all replicas of this worker give and no other: set one, such as orders", n.of("fleet.redis"))
	}
	rate := t.value.Rate
	switch {
	case t.value.Adaptive:
		return t.names.problem("adaptive", "the concurrency is found by one worker alone, and %s is for several: set %s to what the target takes and omit this, or omit %s and run one replica",
			n.of("fleet.redis"), t.names.of("concurrency"), n.of("fleet.redis"))
	case rate.Limited && rate.PerSecond < minFleetRate:
		return t.names.problem("rate", "%s is less than the 1/m that %s can share: use a higher rate, omit it, or pause with poller pause", rate, n.of("fleet.redis"))
	case t.names.has("burst") && t.value.Burst < leastFleetBurst(rate.PerSecond):
		return t.names.problem("burst", "%d is too few for %s between replicas, whose clocks and calls take time: use %d or more, or omit it for %d",
			t.value.Burst, rate, leastFleetBurst(rate.PerSecond), fleetBurst(rate.PerSecond))
	case t.names.has("burst") && float64(t.value.Burst-1) > maxFleetWindow.Seconds()*rate.PerSecond:
		return t.names.problem("burst", "%d is more than a minute of %s, which %s does not share: use %d or less", t.value.Burst, rate,
			n.of("fleet.redis"), 1+int(maxFleetWindow.Seconds()*rate.PerSecond))
	}
	return nil
}

func (f Fleet) validate(n names) error {
	if f.Name != "" && f.Redis == "" {
		return n.problem("fleet.name", "a budget's name needs a coordinator: set %s too, or omit it", n.of("fleet.redis"))
	}
	if f.Replicas < 1 || f.Replicas > maxReplicas {
		return n.problem("fleet.replicas", "%d is not between 1 and 10,000: use the most replicas that ever run, such as 4", f.Replicas)
	}
	return nil
}

// validateShare refuses a budget of which some replica would have nothing, or of which
// all together would have more than was written.
func (f Fleet) validateShare(n names, t part[Target]) error {
	switch {
	case f.Shared():
		return nil
	case t.value.Adaptive && f.Replicas > 1:
		return t.names.problem("adaptive", "each of the %d replicas in %s would adapt alone, until one had everything: run one replica, or set %s to what the target takes and omit this",
			f.Replicas, n.of("fleet.replicas"), t.names.of("concurrency"))
	case t.value.Concurrency < f.Replicas:
		return t.names.problem("concurrency", "%d is less than one concurrent delivery for each of the %d replicas in %s: use %d or more, or fewer replicas",
			t.value.Concurrency, f.Replicas, n.of("fleet.replicas"), f.Replicas)
	case t.names.has("burst") && t.value.Burst < f.Replicas:
		return t.names.problem("burst", "%d is less than one for each of the %d replicas in %s: use %d or more, or omit it, which gives each at least 1",
			t.value.Burst, f.Replicas, n.of("fleet.replicas"), f.Replicas)
	}
	for i, q := range t.value.Quotas {
		key := element("quotas", i)
		if !t.names.has(key) {
			key = "quotas"
		}
		if q.N < f.Replicas {
			return t.names.problem(key, "%s is less than one for each of the %d replicas in %s: run fewer replicas",
				q, f.Replicas, n.of("fleet.replicas"))
		}
	}
	return nil
}
