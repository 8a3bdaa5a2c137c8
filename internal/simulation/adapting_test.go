package simulation

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

var adaptingSeeds = flag.Int("adapting", 1, "how many seeds of each row of targets whose concurrency is found")

// capacity is how much a target takes at once from a time on.
type capacity struct {
	from time.Duration
	most int
	// status is the answer to more; 0: they wait for one of so many servers.
	status int
	slower int // times as slow, whatever the load; 0: as it was
}

// capacityAt returns the capacity in force, and when it ends.
func (t *targetPlan) capacityAt(now instant) (c capacity, until instant) {
	until = math.MaxInt64
	for i, one := range t.capacities {
		if one.from <= now {
			c, until = one, math.MaxInt64
			if i+1 < len(t.capacities) {
				until = t.capacities[i+1].from
			}
		}
	}
	return c, until
}

// serve has a request wait for a server, and returns for how long.
func (t *target) serve(now instant, c capacity, takes time.Duration) time.Duration {
	t.serving.Lock()
	defer t.serving.Unlock()
	for len(t.busyUntil) < c.most {
		t.busyUntil = append(t.busyUntil, now)
	}
	slices.Sort(t.busyUntil)
	// Where there are fewer servers than before, those that are busy longest go.
	t.busyUntil = t.busyUntil[:c.most]
	begins := max(now, t.busyUntil[0])
	t.busyUntil[0] = begins + takes
	return begins - now
}

// adaptingKillsNoGoodMessage: where the concurrency is found, no message that is not poison
// ends in the dead-letter queue.
func adaptingKillsNoGoodMessage(t *trial) {
	if t.plan.targets[0].capacities == nil {
		return
	}
	t.reaches()
	for message := range t.dead {
		if t.plan.sends[message].poison == 0 {
			t.breaks(t.stopped, t.evidence.processes[0], "loses m%d, a good message", message)
		}
	}
}

// What theLimitFoundIsNearTheTruth allows.
const (
	adaptsWithin   = 10 * time.Second
	adaptsIn       = 200 // deliveries
	leastGoodput   = 0.95
	mostRefused    = 0.01
	shortestSteady = 5 * time.Second
)

// steadyState is what a target did between adapting to a capacity and the next one.
type steadyState struct {
	capacity
	from, to     instant
	goodput      float64 // of an oracle's, which always has as many running as are taken
	refused, all int
	median       time.Duration
}

// theLimitFoundIsNearTheTruth: from 10 s or 200 deliveries after each change of what the
// target takes at once, goodput is at least 95 % of what is possible, and at most 1 % of the
// requests, and what chance adds to that, are refused for being too many.
func theLimitFoundIsNearTheTruth(t *trial) {
	for _, s := range t.steadyStates() {
		t.reaches()
		by := t.evidence.processes[0]
		if s.goodput < leastGoodput {
			t.breaks(s.from, by, "uses %.1f %% of the %d that target-0 takes at once, until %v", 100*s.goodput, s.most, s.to)
		}
		if n := mostRefused * float64(s.all); float64(s.refused) > n+3*math.Sqrt(n) { // beyond chance
			t.breaks(s.from, by, "has %d of %d requests refused, until %v", s.refused, s.all, s.to)
		}
	}
}

func (t *trial) steadyStates() (all []steadyState) {
	plan := &t.plan.targets[0]
	if plan.capacities == nil {
		return nil
	}
	var tries []*delivery
	fresh := instant(0) // until then messages that had not been tried came
	for _, d := range t.evidence.deliveries {
		if d.message < 0 || d.ended == never {
			continue
		}
		tries = append(tries, d)
		if d.number == 0 {
			fresh = max(fresh, d.arrived)
		}
	}
	slices.SortFunc(tries, func(a, b *delivery) int { return cmp.Compare(a.ended, b.ended) })
	for _, c := range plan.capacities {
		_, until := plan.capacityAt(c.from)
		s := steadyState{capacity: c, from: c.from + adaptsWithin, to: min(until, fresh-time.Second)}
		n := 0
		for _, d := range tries {
			if d.delivered() && d.ended >= c.from {
				if n++; n == adaptsIn {
					s.from = max(s.from, d.ended)
					break
				}
			}
		}
		if n < adaptsIn || s.to-s.from < shortestSteady {
			continue
		}
		s.measure(tries)
		all = append(all, s)
	}
	return all
}

// measure adds up the work that was done within the time.
func (s *steadyState) measure(tries []*delivery) {
	var worked time.Duration
	var took []time.Duration
	for _, d := range tries {
		within := min(d.ended, s.to) - max(d.arrived+d.waited, s.from)
		if within <= 0 {
			continue
		}
		s.all++
		if d.crowded {
			s.refused++
			continue
		}
		worked += within
		took = append(took, d.ended-d.arrived)
	}
	s.goodput = float64(worked) / (float64(s.most) * float64(s.to-s.from))
	if len(took) > 0 {
		slices.Sort(took)
		s.median = took[len(took)/2]
	}
}

// adapting is a world in which the concurrency of the only target is found.
func adapting(seed uint64, messages int, capacities ...capacity) *scenario {
	s := staged(seed)
	s.targets[0].limits = ratelimit.Limits{Concurrency: 100, Burst: 1, Adaptive: true}
	s.targets[0].fastest, s.targets[0].slowest = 100*time.Millisecond, 300*time.Millisecond
	s.targets[0].timeout = 20 * time.Second
	s.targets[0].capacities = capacities
	s.queues[0].visibility = 40 * time.Second
	s.trouble = 10 * time.Minute
	s.send(messages, 0, 0, "", 0)
	return s
}

// adaptingRows are targets of which nobody knows what they take. Not among them is 12>11>6 with
// 503: what falls by one is found by trials alone, and up to 1.3 % are refused meanwhile.
var adaptingRows = []struct {
	name string
	plan func(seed uint64) *scenario
}{
	{"5 at once, else 429", func(seed uint64) *scenario { return adapting(seed, 1500, capacity{most: 5, status: 429}) }},
	{"5 at once, else 503", func(seed uint64) *scenario { return adapting(seed, 1500, capacity{most: 5, status: 503}) }},
	{"15 at once, else 429", func(seed uint64) *scenario { return adapting(seed, 3000, capacity{most: 15, status: 429}) }},
	{"15 at once, else 503", func(seed uint64) *scenario { return adapting(seed, 3000, capacity{most: 15, status: 503}) }},
	{"60 at once, else 429", func(seed uint64) *scenario { return adapting(seed, 8000, capacity{most: 60, status: 429}) }},
	{"60 at once, else 503", func(seed uint64) *scenario { return adapting(seed, 8000, capacity{most: 60, status: 503}) }},
	{"30>10>25 at once, else 429", changing(429, 30, 10, 25)},
	{"30>10>25 at once, else 503", changing(503, 30, 10, 25)},
	{"12>11>6 at once, else 429", changing(429, 12, 11, 6)},
	{"5 servers", func(seed uint64) *scenario { return adapting(seed, 2000, capacity{most: 5}) }},
	{"25 servers", func(seed uint64) *scenario { return adapting(seed, 6000, capacity{most: 25}) }},
	{"poison 500, 1 in 15, 12 at once, else 429", func(seed uint64) *scenario {
		s := adapting(seed, 0, capacity{most: 12, status: 429})
		for i := range 3000 {
			poison := 0
			if i%15 == 14 {
				poison = 500
			}
			s.send(1, 0, 0, "", poison)
		}
		return s
	}},
}

// changing has the capacity change each 60 s.
func changing(status int, most ...int) func(seed uint64) *scenario {
	return func(seed uint64) *scenario {
		messages := 600
		capacities := make([]capacity, 0, len(most))
		for i, n := range most {
			capacities = append(capacities, capacity{from: time.Duration(i) * time.Minute, most: n, status: status})
			messages += n * 5 * 60
		}
		return adapting(seed, messages, capacities...)
	}
}

// TestTheConcurrencyThatATargetTakesIsFound plays each row, and logs their figures; -adapting sets the seeds.
func TestTheConcurrencyThatATargetTakesIsFound(t *testing.T) {
	t.Parallel()
	for _, row := range adaptingRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var goodput, refused, median []float64
			for seed := range *adaptingSeeds {
				plan := row.plan(uint64(seed) + 1)
				plan.storm = nil // whose promises are others
				w := newWorld(plan)
				synctest.Test(t, func(t *testing.T) { w.run(t.Context()) })
				for _, broken := range judge(w) {
					t.Errorf("seed %d: %s", seed+1, broken)
				}
				states := newTrial(w).steadyStates()
				if len(states) < len(w.plan.targets[0].capacities) {
					t.Errorf("seed %d: %d steady states of %d: the messages do not last", seed+1, len(states), len(w.plan.targets[0].capacities))
				}
				for _, s := range states {
					goodput = append(goodput, 100*s.goodput)
					refused = append(refused, 100*float64(s.refused)/float64(s.all))
					median = append(median, float64(s.median)/float64(200*time.Millisecond))
				}
			}
			t.Logf("%s: goodput %s %%, refused %s %%, median delivery over unloaded %s", row.name, figures(goodput), figures(refused), figures(median))
		})
	}
}

// figures are the mean, and the least and the greatest.
func figures(all []float64) string {
	if len(all) == 0 {
		return "-"
	}
	sum := 0.0
	for _, x := range all {
		sum += x
	}
	return fmt.Sprintf("%.2f (%.2f to %.2f)", sum/float64(len(all)), slices.Min(all), slices.Max(all))
}
