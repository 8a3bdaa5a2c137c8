package fleet

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// spoken is a target that takes nothing for some times, and says so. Fleets before one run in a
// bubble, because a pace reads the time when it is told something.
type spoken struct {
	closed []closing
	early  []string // starts of replicas that had been told that nobody starts
	heard  bool     // a replica was told what another one knows
}

// closing is a time in which the target takes nothing.
type closing struct {
	from, to time.Duration
	// retryAfter: it says it by Retry-After, and only of the next 3 s; else by RateLimit: nothing
	// is left until the end.
	retryAfter bool
	refused    int
}

func (g *spoken) at(now time.Duration) *closing {
	for i := range g.closed {
		if c := &g.closed[i]; now >= c.from && now < c.to {
			return c
		}
	}
	return nil
}

// answer is what the target says to a request that ends now.
func (g *spoken) answer(now time.Duration) message.Result {
	if g == nil {
		return message.Result{Outcome: message.Delivered}
	}
	c := g.at(now)
	if c == nil {
		return message.Result{Outcome: message.Delivered, Status: 200}
	}
	c.refused++
	r := message.Result{Outcome: message.Throttled, Status: 429}
	if c.retryAfter {
		r.RetryAfter = min(c.to-now, 3*time.Second)
	} else {
		r.Limits = []message.Limit{{Name: "requests", Reset: c.to - now}}
	}
	return r
}

// hears takes in what the coordinator has told a replica: as after each call, its pace looks.
func (r *replica) hears(a *reply) {
	if a.kind == granted {
		r.holds, r.heldStep = 0, r.w.store.step
		if a.hold > 0 {
			r.holds = a.hold - epoch - r.heldStep
			if g := r.w.target; g != nil {
				g.heard = g.heard || r.member.use.Told.Until.IsZero()
			}
		}
	}
	r.pace.Wake()
}

// watch judges a start. One that was told by what the server's clock showed before it was set knows
// another time.
func (g *spoken) watch(r *replica) {
	if g != nil && r.w.now < r.holds && r.heldStep == r.w.store.step {
		g.early = append(g.early, fmt.Sprintf("replica %d at %v, told %v", r.number, r.w.now, r.holds))
	}
}

// speaks gives a world a target that takes nothing now and then.
func (w *world) speaks(d *rand.Rand, length time.Duration) {
	w.target = new(spoken)
	for at := 20 * time.Second; at < length; {
		c := closing{from: at, to: at + time.Duration(5+d.IntN(15))*time.Second, retryAfter: d.IntN(2) == 0}
		w.target.closed = append(w.target.closed, c)
		at = c.to + time.Duration(25+d.IntN(30))*time.Second
	}
}

func TestWhatATargetTellsOneReplicaHoldsForAllThroughFaults(t *testing.T) {
	t.Parallel()
	for seed := *first; seed < *first+max(*seeds/2, 1); seed++ {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := draw(seed)
				w.speaks(rand.New(rand.NewPCG(seed, 4)), w.plan.length)
				w.run(min(w.plan.length, 4*time.Minute))
				if broken := append(w.broken(), w.target.early...); len(broken) > 0 {
					t.Errorf("seed %d: %.500q\n%+v\n%s", seed, broken, w.plan.budget, strings.Join(w.plan.faults, "\n"))
				}
			})
		})
	}
}

// TestNobodyStartsWhileTheTargetTakesNothing has no faults, so it is known what all have heard.
func TestNobodyStartsWhileTheTargetTakesNothing(t *testing.T) {
	t.Parallel()
	for name, retryAfter := range map[string]bool{"nothing is left": false, "Retry-After": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rate, n := 28.0, 4
				if !retryAfter {
					rate, n = 2, 8 // so that some hear of it before they are told themselves
				}
				w := calmWorld(1, budgetOf(rate, 20), n, n, 50*time.Millisecond)
				from, to := 20*time.Second, 50*time.Second
				w.target = &spoken{closed: []closing{{from: from, to: to, retryAfter: retryAfter}}}
				w.run(80 * time.Second)
				if !w.target.heard || len(w.target.early) > 0 {
					t.Errorf("heard %v, early %v", w.target.heard, w.target.early)
				}
				// Until the others hear it in at most two heartbeats. Then one asks, each 3 s.
				late, asked, after := 0, 0, 0
				for _, s := range w.starts {
					switch {
					case s.at > from+2500*time.Millisecond && s.at < to-100*time.Millisecond:
						late++
					case s.at >= to-100*time.Millisecond && s.at < to+6*time.Second:
						asked++
					case s.at >= to+6*time.Second:
						after++
					}
				}
				if most := map[bool]int{false: 0, true: 12}[retryAfter]; late > most {
					t.Errorf("%d started while it took nothing", late)
				}
				if want := int(rate * 24 * 0.95); after < want {
					t.Errorf("%d started when it took all again, want %d (%d in the first 6 s)", after, want, asked)
				}
			})
		})
	}
}
