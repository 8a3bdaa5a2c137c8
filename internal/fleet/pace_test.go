package fleet

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// calmWorld is a fleet without faults, of n replicas of which some have endless work and
// the others a message now and then.
func calmWorld(seed uint64, b Budget, n, busy int, takes time.Duration) *world {
	w := &world{dice: rand.New(rand.NewPCG(seed, 2)), store: newTwinStore(false), alone: make(map[int]bool)}
	w.plan = plan{seed: seed, budget: b, trip: time.Millisecond, lazy: time.Millisecond, calm: true}
	for i := range n {
		k := work{endless: i < busy, takes: takes}
		w.at(w.between(0, time.Second), func() { w.join(k) })
	}
	return w
}

// budgetOf is a rate with the default burst.
func budgetOf(rate float64, slots int) Budget {
	return Budget{Rate: rate, Burst: 1 + int(math.Ceil(0.05*rate)), Slots: slots, Timeout: 5 * time.Second}
}

// each counts the starts of every replica from a time on.
func (w *world) count(from time.Duration) []int {
	n := make([]int, len(w.replicas))
	for _, s := range w.starts {
		if s.at >= from {
			n[s.replica]++
		}
	}
	return n
}

func sum(all []int) int {
	n := 0
	for _, one := range all {
		n += one
	}
	return n
}

func TestAnIdleReplicaLendsItsShare(t *testing.T) {
	t.Parallel()
	for _, rate := range usualRates {
		for _, n := range []int{1, 4, 16} {
			for _, busy := range slices.Compact([]int{1, max(n/2, 1), n}) {
				t.Run(fmt.Sprintf("%g a second, %d of %d busy", rate, busy, n), func(t *testing.T) {
					t.Parallel()
					w := calmWorld(1, budgetOf(rate, 1000), n, busy, 10*time.Millisecond)
					warm, length := 9*time.Second, 20*time.Second
					w.run(warm + length)
					got := w.count(warm)
					if all, want := float64(sum(got)), rate*length.Seconds(); all < 0.98*want-1 {
						t.Errorf("%g starts of %g: %.1f %%", all, want, 100*all/want)
					}
					if over := w.over(); over > float64(w.plan.budget.Burst)+0.1 {
						t.Errorf("%.2f over rate × window, burst %d", over, w.plan.budget.Burst)
					}
					calls := float64(w.store.calls) / float64(n) / (warm + length).Seconds()
					t.Logf("%.2f calls a second each, %v starts", calls, got)
					if calls > 4 {
						t.Errorf("%.1f calls a second each", calls)
					}
				})
			}
		}
	}
}

func TestTheLineIsShared(t *testing.T) {
	t.Parallel()
	for _, rate := range usualRates {
		w := calmWorld(3, budgetOf(rate, 1000), 16, 16, 10*time.Millisecond)
		w.run(10*time.Second + time.Minute)
		got := w.count(10 * time.Second)
		mean := float64(sum(got)) / 16
		if least, most := float64(slices.Min(got)), float64(slices.Max(got)); least < 0.8*mean-2 || most > 1.2*mean+2 {
			t.Errorf("%g a second: %v", rate, got)
		}
	}
}

func TestSlotsAreLentToo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ n, busy, slots, want int }{
		{4, 4, 8, 8},   // equal parts
		{4, 1, 8, 5},   // the idle keep one each
		{16, 16, 4, 4}, // some stand by
		{16, 1, 4, 4},
		{1, 1, 10, 10},
		{3, 3, 10, 10},
	} {
		t.Run(fmt.Sprintf("%d of %d busy, %d slots", c.busy, c.n, c.slots), func(t *testing.T) {
			t.Parallel()
			b := Budget{Slots: c.slots, Timeout: 5 * time.Second}
			w := calmWorld(1, b, c.n, c.busy, time.Second)
			w.run(40 * time.Second)
			inUse := 0.0
			for _, s := range w.spans {
				if s.from > 20*time.Second {
					inUse += (min(s.to, 40*time.Second) - s.from).Seconds() / 20
				}
			}
			if most := w.running(); most > c.slots || inUse < 0.93*float64(c.want) {
				t.Errorf("%.1f of %d slots in use, want %d; %d at most", inUse, c.slots, c.want, most)
			}
		})
	}
}
