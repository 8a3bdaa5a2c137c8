package fleet

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

var (
	seeds   = flag.Uint64("seeds", usualSeeds, "how many fleets to simulate")
	first   = flag.Uint64("from", 1, "the first of them")
	oneSeed = flag.Uint64("seed", 0, "simulate this one fleet")
	script  = flag.Bool("script", false, "simulate on the script, not on its twin")
)

// plan is what is decided before a world begins.
type plan struct {
	seed   uint64
	budget Budget
	calm   bool
	faults []string
	// What the network does to a call.
	lose, late, double float64
	trip               time.Duration
	lazy               time.Duration // how late a process wakes up
	length             time.Duration
}

// draw makes a world from a seed.
func draw(seed uint64) *world {
	d := rand.New(rand.NewPCG(seed, 1))
	rates := []float64{0, 2, 5, 28, 28, 60, 200}
	rate := rates[d.IntN(len(rates))]
	b := Budget{Rate: rate, Slots: []int{2, 4, 8, 20, 200}[d.IntN(5)], Timeout: time.Duration(1+d.IntN(5)) * time.Second}
	if rate > 0 {
		b.Burst = 1 + int(math.Ceil(0.05*rate))
		if d.IntN(4) == 0 {
			b.Burst += d.IntN(1 + int(rate))
		}
	}
	b.Quotas = drawQuotas(rand.New(rand.NewPCG(seed, 3)))
	p := plan{seed: seed, budget: b, trip: time.Duration(1+d.IntN(4)) * time.Millisecond, lazy: time.Millisecond, length: 2 * time.Minute}
	w := &world{dice: d, plan: p, store: newTwinStore(seed%compared == compared/2), alone: make(map[int]bool)}
	w.plan.calm = d.IntN(8) == 0
	n := 1 + d.IntN(8)
	for range n {
		k := work{endless: d.IntN(3) > 0, every: w.between(50*time.Millisecond, 3*time.Second), takes: w.between(time.Millisecond, b.Timeout)}
		w.at(w.between(0, 3*time.Second), func() { w.join(k) })
	}
	if w.plan.calm {
		return w
	}
	w.plan.length = w.between(2*time.Minute, 12*time.Minute)
	if d.IntN(2) == 0 {
		w.plan.lose, w.plan.late, w.plan.double = d.Float64()*0.05, d.Float64()*0.05, d.Float64()*0.1
	}
	for range 1 + d.IntN(8) {
		w.fault(w.between(10*time.Second, w.plan.length-20*time.Second))
	}
	return w
}

// some returns a replica that is there, or nil.
func (w *world) some() *replica {
	var all []*replica
	for _, r := range w.replicas {
		if !r.dead && !r.leaving {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[w.dice.IntN(len(all))]
}

// fault plans one fault.
func (w *world) fault(at time.Duration) {
	lasts := w.between(100*time.Millisecond, 40*time.Second)
	if w.dice.IntN(10) == 0 {
		lasts = w.between(time.Minute, 7*time.Minute)
	}
	kinds := map[string]func(){
		"crash": func() { w.each(func(r *replica) { r.crash() }) },
		"leave": func() { w.each(func(r *replica) { r.leaving = true; r.turn() }) },
		"pause": func() { w.each(func(r *replica) { r.frozen = w.now + lasts }) },
		"cut":   func() { w.each(func(r *replica) { r.cut = w.now + lasts }) },
		"join": func() {
			w.join(work{endless: w.dice.IntN(2) == 0, every: 300 * time.Millisecond, takes: w.between(time.Millisecond, w.plan.budget.Timeout)})
		},
		"cut all": func() {
			for _, r := range w.replicas {
				r.cut = w.now + lasts
			}
		},
		"stop server": func() {
			w.stopped = true
			w.at(w.now+lasts, func() {
				w.stopped = false
				held := w.held
				w.held = nil
				for _, c := range held {
					w.read(c)
				}
			})
		},
		"restart empty": func() { w.restart(lasts, func() { w.store.forget() }) },
		"flush":         func() { w.store.forget() },
		"promote": func() {
			w.keep()
			w.at(w.now+w.between(0, 300*time.Millisecond), func() {
				w.restart(w.between(0, 2*time.Second), func() { w.store.restore(w.history[len(w.history)-1]) })
			})
		},
		"old file": func() {
			w.keep()
			w.at(w.now+w.between(time.Second, 20*time.Second), func() {
				w.restart(w.between(0, 9*time.Second), func() { w.store.restore(w.history[len(w.history)-1]) })
			})
		},
		"clock back": func() { w.store.step -= w.between(2*time.Second, time.Minute) },
		"clock forward": func() {
			step := w.between(1600*time.Millisecond, 10*time.Second)
			if w.silentShare() {
				w.unpromised.slots = true
				if step > w.plan.budget.Timeout {
					w.unpromised = unpromised{true, true, true}
				}
			}
			w.unpromised.slots = w.unpromised.slots || step > missing+horizon && w.someYoung()
			w.store.step += step
		},
	}
	names := []string{
		"crash", "crash", "leave", "pause", "pause", "cut", "cut", "join", "join", "cut all", "stop server", "stop server",
		"restart empty", "flush", "promote", "old file", "clock back", "clock forward",
	}
	name := names[w.dice.IntN(len(names))]
	w.plan.faults = append(w.plan.faults, fmt.Sprintf("%s at %v for %v", name, at.Round(time.Millisecond), lasts.Round(time.Millisecond)))
	w.at(at, kinds[name])
}

// each does something to one replica or two.
func (w *world) each(do func(*replica)) {
	for range 1 + w.dice.IntN(2) {
		if r := w.some(); r != nil {
			do(r)
		}
	}
}

func (w *world) keep() {
	w.history = append(w.history, w.store.copied())
}

// restart is a server that dies and comes back with another memory.
func (w *world) restart(after time.Duration, memory func()) {
	w.down, w.held = true, nil
	w.at(w.now+after, func() {
		w.down = false
		w.store.run += "x"
		memory()
	})
}

func TestStartsOfTheFleetStayWithinRateAndBurstAndItsSlotsAreNeverMore(t *testing.T) {
	t.Parallel()
	from, n := *first, *seeds
	if *oneSeed != 0 {
		from, n = *oneSeed, 1
	}
	for seed := from; seed < from+n; seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			w := draw(seed)
			w.run(w.plan.length)
			for _, what := range w.broken() {
				t.Errorf("seed %d: %s\n%+v, %d replicas, calm %v, lose %.2f late %.2f double %.2f\n%s", seed, what, w.plan.budget, len(w.replicas), w.plan.calm,
					w.plan.lose, w.plan.late, w.plan.double, strings.Join(w.plan.faults, "\n"))
			}
		})
	}
}

// broken says which promises a world has broken.
func (w *world) broken() []string {
	var broken []string
	for _, promise := range []struct {
		excepted bool
		judge    func(*world) string
	}{
		{w.unpromised.starts, startsOfTheFleetStayWithinRateAndBurst},
		{w.unpromised.slots, slotsOfTheFleetAreNeverMore},
		{w.unpromised.quotas, quotasHoldOverTheFleet},
	} {
		if promise.excepted {
			continue
		}
		if what := promise.judge(w); what != "" {
			broken = append(broken, what)
		}
	}
	return broken
}

func startsOfTheFleetStayWithinRateAndBurst(w *world) string {
	rate := w.plan.budget.Rate
	if rate == 0 {
		return ""
	}
	// The replicas' clocks are 20 ppm off: 0.2 ms in the 10 s for which a reading counts.
	allowed := float64(w.plan.budget.Burst+len(w.alone)) + rate*0.0005
	if over := w.over(); over > allowed {
		return fmt.Sprintf("startsOfTheFleetStayWithinRateAndBurst: %.2f over rate × window, %.2f allowed (%d went on by themselves), %d starts",
			over, allowed, len(w.alone), len(w.starts))
	}
	return ""
}

func slotsOfTheFleetAreNeverMore(w *world) string {
	if most := w.running(); most > w.plan.budget.Slots {
		return fmt.Sprintf("slotsOfTheFleetAreNeverMore: %d ran at once, %d slots", most, w.plan.budget.Slots)
	}
	return ""
}

// Each part ends when the memory that follows says that it is there, and not when it grants.
func TestEqualPartsAreTheBudgetAndEndBeforeTheWholeIsGranted(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]func(*world){
		"a new memory": func(w *world) { w.restart(7*time.Minute, w.store.forget) },
		"the same":     func(w *world) { w.down = true; w.at(w.now+7*time.Minute, func() { w.down = false }) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := budgetOf(10, 8)
			b.Replicas, b.Timeout = 4, time.Second
			w := calmWorld(1, b, 4, 4, 50*time.Millisecond)
			w.at(30*time.Second, func() { memory(w) })
			w.run(8 * time.Minute)
			if broken := w.broken(); broken != nil || len(w.alone) != 4 {
				t.Errorf("%d alone, %v", len(w.alone), broken)
			}
			if n := sum(w.count(6 * time.Minute)); n < 100*10 {
				t.Errorf("%d starts in the last two minutes", n)
			}
		})
	}
}

// drawQuotas draws the quotas of half of the worlds.
func drawQuotas(d *rand.Rand) (q [ratelimit.MaxQuotas]ratelimit.Quota) {
	if d.IntN(2) == 0 {
		return q
	}
	windows := []time.Duration{time.Second, time.Minute, time.Hour}
	for i, window := range windows {
		if d.IntN(2) == 0 {
			q[i] = ratelimit.Quota{N: 1 + d.IntN(int(3*window.Seconds())+20), Window: window}
		}
	}
	return q
}

func quotasHoldOverTheFleet(w *world) string {
	slices.SortStableFunc(w.starts, func(a, b start) int { return int(a.at - b.at) })
	for _, q := range w.plan.budget.Quotas {
		for i := q.N; q.N > 0 && i < len(w.starts); i++ {
			if within := w.starts[i].at - w.starts[i-q.N].at; within <= q.Window {
				return fmt.Sprintf("quotasHoldOverTheFleet: %d and one started within %v, from %v on (%s)", q.N, within, w.starts[i-q.N].at, q)
			}
		}
	}
	return ""
}

// TestTheJudgeSeesWhatIsBroken gives each judge a history that breaks its promise.
func TestTheJudgeSeesWhatIsBroken(t *testing.T) {
	t.Parallel()
	w := &world{plan: plan{budget: Budget{Rate: 10, Burst: 2, Slots: 2}}, alone: map[int]bool{0: true}}
	for i := range 40 {
		w.starts = append(w.starts, start{at: time.Duration(i) * 100 * time.Millisecond})
	}
	w.spans = []span{{from: 0, to: 2}, {from: 1, to: 3}, {from: 2, to: 4}}
	if broken := w.broken(); broken != nil {
		t.Errorf("%v", broken)
	}
	w.starts = append(w.starts, start{at: time.Second}, start{at: time.Second}, start{at: time.Second})
	w.spans = append(w.spans, span{from: 1, to: 2})
	w.plan.budget.Quotas[0] = ratelimit.Quota{N: 3, Window: 50 * time.Millisecond}
	if broken := w.broken(); len(broken) != 3 {
		t.Errorf("it sees %v", broken)
	}
}
