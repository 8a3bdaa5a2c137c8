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
					if calls > 20 {
						t.Errorf("%.1f calls a second each", calls)
					}
				})
			}
		}
	}
}

// TestADeliveryWaitsForItsTurnBriefly has every replica work at nine tenths of its part. docs/fleet.md
// has the figures.
func TestADeliveryWaitsForItsTurnBriefly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate float64
		n    int
		trip time.Duration
		most time.Duration // that 99 of 100 wait
	}{
		{500, 4, time.Millisecond, 40 * time.Millisecond},
		{500, 1, time.Millisecond, 10 * time.Millisecond},
		{500, 4, 25 * time.Millisecond, 120 * time.Millisecond},
		{500, 16, time.Millisecond, 120 * time.Millisecond},
		{28, 4, time.Millisecond, 150 * time.Millisecond},
		{1000, 50, time.Millisecond, 800 * time.Millisecond},
	}[:usualFleets] {
		t.Run(fmt.Sprintf("%g a second over %d, %v away", c.rate, c.n, c.trip), func(t *testing.T) {
			t.Parallel()
			w := calmWorld(1, budgetOf(c.rate, 1000), 0, 0, 0)
			w.plan.trip = c.trip
			every := time.Duration(float64(c.n) / 0.9 / c.rate * float64(time.Second))
			for range c.n {
				w.at(w.between(0, time.Second), func() { w.join(work{every: every, takes: 10 * time.Millisecond}) })
			}
			from, length := 100*time.Second, 30*time.Second // what came in the first pause is done by then
			w.run(from)
			calls := w.store.calls
			for _, r := range w.replicas {
				r.waits = nil
			}
			w.run(from + length)
			var waits []time.Duration
			for _, r := range w.replicas {
				waits = append(waits, r.waits...)
			}
			slices.Sort(waits)
			got := waits[len(waits)*99/100]
			each := float64(w.store.calls-calls) / float64(c.n) / length.Seconds()
			t.Logf("half wait %v at most, 99 %% %v; %.1f calls a second each", waits[len(waits)/2], got, each)
			if got > c.most || each > 20 {
				t.Errorf("99 %% wait %v at most, with %.1f calls a second each", got, each)
			}
		})
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

// At one a minute the next token is a minute away, and so is who was just served from its next turn.
func TestARateThatIsRaisedIsUsedImmediately(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 4} {
		w := calmWorld(1, budgetOf(1.0/60, 8), n, n, 10*time.Millisecond)
		more := budgetOf(28, 8)
		w.at(3*time.Minute, func() {
			w.plan.budget = more
			for _, r := range w.replicas {
				r.member.set(more)
			}
		})
		w.run(3*time.Minute + 20*time.Second)
		if got := sum(w.count(3 * time.Minute)); got < 15*28 {
			t.Errorf("%d replicas: %d starts in the 20 s after the rate was raised to 28/s", n, got)
		}
		if broken := w.broken(); broken != nil {
			t.Error(broken)
		}
	}
}

// A replica that asked for as many tokens as it may would let most of them lapse.
func TestAReplicaWithLittleToDoLeavesTheTokensToTheOthers(t *testing.T) {
	t.Parallel()
	const rate = 1000
	w := calmWorld(1, budgetOf(rate, 1000), 2, 2, 10*time.Millisecond)
	for range 2 {
		w.at(w.between(0, time.Second), func() { w.join(work{every: 60 * time.Millisecond, takes: 10 * time.Millisecond}) })
	}
	warm, length := 9*time.Second, 5*time.Second
	w.run(warm + length)
	all, lapsed := float64(sum(w.count(warm))), int64(0)
	for _, r := range w.replicas {
		lapsed += r.member.tokens.lapsed
	}
	if want := rate * length.Seconds(); all < 0.9*want {
		t.Errorf("%g starts of %g, %d tokens lapsed", all, want, lapsed)
	}
}
