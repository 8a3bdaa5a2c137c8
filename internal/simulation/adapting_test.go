package simulation

import (
	"cmp"
	"flag"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// With -v the test prints docs/performance.md's table: -whole has all rows, -adapting more seeds.
var (
	adaptingSeeds = flag.Int("adapting", 1, "how many seeds of each row of targets whose concurrency is found")
	adaptingFrom  = flag.Uint64("adapting-from", 1, "the first seed of each row of targets whose concurrency is found")
	adaptingOff   = flag.Bool("adapting-off", false, "play each row of targets without --adaptive, and judge nothing")
)

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
	mostLonger     = 2.2 // a delivery's median than one without load, where more wait for a server
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
// target takes at once, goodput is at least 95 % of what is possible, at most 1 % of the
// requests, and what chance adds to that, are refused for being too many, and where none are
// the median delivery takes at most 2.2 times as long as without load.
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
		if plan := &t.plan.targets[0]; s.queues(plan) && s.longer(plan) > mostLonger {
			t.breaks(s.from, by, "has deliveries take %.2f times as long as without load, until %v", s.longer(plan), s.to)
		}
	}
}

// queues reports whether more than the target takes at once wait for a server.
func (s *steadyState) queues(plan *targetPlan) bool {
	return s.status == 0 && s.most < plan.limits.Concurrency
}

// longer is how many times as long the median delivery took as one without load.
func (s *steadyState) longer(plan *targetPlan) float64 {
	unloaded := (plan.fastest + plan.slowest) / 2 * time.Duration(max(s.slower, 1))
	return float64(s.median) / float64(unloaded)
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
		for _, out := range plan.outages {
			if out.from > c.from {
				until = min(until, out.from)
			}
		}
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

// adaptingRows are targets of which nobody knows what they take.
var adaptingRows = []struct {
	name  string
	usual bool // played without -whole
	plan  func(seed uint64) *scenario
}{
	{"5 at once, else 429", false, func(seed uint64) *scenario { return adapting(seed, 1500, capacity{most: 5, status: 429}) }},
	{"5 at once, else 503", false, func(seed uint64) *scenario { return adapting(seed, 1500, capacity{most: 5, status: 503}) }},
	{"15 at once, else 429", false, func(seed uint64) *scenario { return adapting(seed, 3000, capacity{most: 15, status: 429}) }},
	{"15 at once, else 503", true, func(seed uint64) *scenario { return adapting(seed, 3000, capacity{most: 15, status: 503}) }},
	{"60 at once, else 429", false, func(seed uint64) *scenario { return adapting(seed, 8000, capacity{most: 60, status: 429}) }},
	{"60 at once, else 503", false, func(seed uint64) *scenario { return adapting(seed, 8000, capacity{most: 60, status: 503}) }},
	{"30>10>25 at once, else 429", false, changing(429, 30, 10, 25)},
	{"30>10>25 at once, else 503", false, changing(503, 30, 10, 25)},
	{"12>11>6 at once, else 429", false, changing(429, 12, 11, 6)},
	{"12>11>6 at once, else 503", true, changing(503, 12, 11, 6)},
	{"5 servers", true, func(seed uint64) *scenario { return adapting(seed, 2000, capacity{most: 5}) }},
	{"25 servers", true, func(seed uint64) *scenario { return adapting(seed, 6000, capacity{most: 25}) }},
	{"12>30>6 servers", false, changing(0, 12, 30, 6)},
	{"12 at once, else 429; 4 times slower from 60 s to 120 s", false, slower(429, 12)},
	{"30 at once, which is the maximum; 4 times slower from 60 s to 120 s", false, slower(0, 30)},
	{"12 at once, else 429; 45 s of 503", false, out(answers503, 45*time.Second)},
	{"12 at once, else 429; 45 s of no connection", false, out(refusesDials, 45*time.Second)},
	{"12 at once, else 429; 15 min of 503", false, out(answers503, 15*time.Minute)},
	{"12 at once, else 429; 15 min of no connection", false, out(refusesDials, 15*time.Minute)},
	{"poison 500, 1 in 15, 12 at once, else 429", true, func(seed uint64) *scenario {
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

// slower has deliveries take four times as long for a minute, whatever the load.
func slower(status, most int) func(seed uint64) *scenario {
	return func(seed uint64) *scenario {
		s := adapting(seed, 0, capacity{most: most, status: status},
			capacity{from: time.Minute, most: most, status: status, slower: 4},
			capacity{from: 2 * time.Minute, most: most, status: status})
		if status == 0 { // as many servers as may be used: nothing but the time tells
			s.targets[0].limits.Concurrency = most
		}
		s.send(most*5*60*9/4+600, 0, 0, "", 0)
		return s
	}
}

// out has the target be away from 40 s on.
func out(way int, lasts time.Duration) func(seed uint64) *scenario {
	return func(seed uint64) *scenario {
		const from, after, most = 40 * time.Second, 60 * time.Second, 12
		s := adapting(seed, 0, capacity{most: most, status: 429}, capacity{from: from + lasts, most: most, status: 429})
		s.targets[0].outages = []window{{from, from + lasts, way}}
		s.trouble = from + lasts + after
		s.send(int((from+after)/time.Second)*5*most+600, 0, 0, "", 0)
		return s
	}
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

// TestTheConcurrencyThatATargetTakesIsFound plays each row, and logs their figures.
func TestTheConcurrencyThatATargetTakesIsFound(t *testing.T) {
	t.Parallel()
	all := make([]rowFigures, len(adaptingRows))
	t.Cleanup(func() { t.Log(adaptingTable(all)) })
	for i, row := range adaptingRows {
		if !row.usual && !*whole {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for n := range *adaptingSeeds {
				seed := *adaptingFrom + uint64(n)
				plan := row.plan(seed)
				plan.storm = nil // whose promises are others
				plan.targets[0].limits.Adaptive = !*adaptingOff
				w := newWorld(plan)
				synctest.Test(t, func(t *testing.T) { w.run(t.Context()) })
				if !*adaptingOff {
					for _, broken := range judge(w) {
						t.Errorf("seed %d: %s", seed, broken)
					}
				}
				if states := newTrial(w).steadyStates(); len(states) < len(plan.targets[0].capacities) {
					t.Errorf("seed %d: %d steady states of %d: the messages do not last", seed, len(states), len(plan.targets[0].capacities))
				}
				all[i].add(newTrial(w))
			}
		})
	}
}

// rowFigures are those of one row over its seeds.
type rowFigures struct {
	goodput, refused, median, lost []float64
	back, since                    []float64 // after an outage; of it since the first delivery
}

func (f *rowFigures) add(t *trial) {
	plan := &t.plan.targets[0]
	for _, s := range t.steadyStates() {
		f.goodput = append(f.goodput, 100*s.goodput)
		f.refused = append(f.refused, 100*float64(s.refused)/float64(s.all))
		f.median = append(f.median, s.longer(plan))
	}
	lost := 0
	var ended []instant
	for _, d := range t.evidence.deliveries {
		if d.message >= 0 && d.delivered() {
			lost += d.count - 1
			ended = append(ended, d.ended)
		}
	}
	f.lost = append(f.lost, float64(lost))
	slices.Sort(ended)
	for _, out := range plan.outages {
		c, _ := plan.capacityAt(out.to)
		back := backAfter(ended, out.to, c.most*5*9/10)
		f.back = append(f.back, back.Seconds())
		if first, _ := slices.BinarySearch(ended, out.to); first < len(ended) {
			f.since = append(f.since, (back - (ended[first] - out.to)).Seconds())
		}
	}
}

// backAfter returns how long after an outage the first second with so many deliveries ended.
func backAfter(ended []instant, outage instant, most int) time.Duration {
	for i, end := range ended {
		if i >= most-1 && ended[i-most+1] >= outage && end-ended[i-most+1] <= time.Second {
			return end - outage
		}
	}
	return never - outage
}

// adaptingTable is the table that docs/performance.md has: means, and the worst in brackets.
func adaptingTable(all []rowFigures) string {
	var b strings.Builder
	b.WriteString("\n| what the target takes | goodput, % | refused, % | median delivery, times the unloaded one | receives lost | back after an outage, s | of it since the first delivery |\n|---|---|---|---|---|---|---|\n")
	for i, row := range adaptingRows {
		f := &all[i]
		if len(f.goodput) == 0 {
			continue
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s |\n", row.name,
			figures("%.1f", f.goodput, slices.Min[[]float64]), figures("%.2f", f.refused, slices.Max[[]float64]),
			figures("%.2f", f.median, slices.Max[[]float64]), figures("%.1f", f.lost, slices.Max[[]float64]),
			figures("%.1f", f.back, slices.Max[[]float64]), figures("%.1f", f.since, slices.Max[[]float64]))
	}
	return b.String()
}

// figures are the mean and, where there are several, the worst.
func figures(format string, all []float64, worst func([]float64) float64) string {
	if len(all) == 0 {
		return ""
	}
	sum := 0.0
	for _, x := range all {
		sum += x
	}
	mean := fmt.Sprintf(format, sum/float64(len(all)))
	if len(all) == 1 {
		return mean
	}
	return mean + " (" + fmt.Sprintf(format, worst(all)) + ")"
}
