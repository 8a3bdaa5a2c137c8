package adapt_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
)

const took = 100 * time.Millisecond // of a delivery

// rig drives a limit by hand.
type rig struct {
	t     *testing.T
	now   time.Time
	limit *adapt.Limit
}

func newRig(t *testing.T, most int) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	r.limit = adapt.New(r.now, most)
	return r
}

func (r *rig) pass(d time.Duration) { r.now = r.now.Add(d) }

// delivers has so many deliveries end, each beside one less than the limit allows, as fast
// as that many at once are.
func (r *rig) delivers(n int) { r.deliversIn(n, took) }

func (r *rig) deliversIn(n int, each time.Duration) {
	r.t.Helper()
	for range n {
		slots := r.limit.Slots()
		r.answersBeside(adapt.Delivered, slots-1, each, true)
		r.pass(each / time.Duration(slots))
	}
}

// answersBeside has one delivery end now that began beside so many others.
func (r *rig) answersBeside(kind adapt.Kind, beside int, each time.Duration, full bool) (believed bool) {
	r.t.Helper()
	before := r.limit.Slots()
	believed = r.limit.Answer(r.now, adapt.Answer{Kind: kind, Began: r.now.Add(-each), Beside: beside, Full: full})
	if s := r.limit.Status(); s.Limit < 1 || s.Limit > s.Most {
		r.t.Fatalf("the limit is %d of 1 to %d", s.Limit, s.Most)
	}
	if beside == 0 && kind != adapt.Delivered && r.limit.Slots() < before && r.last().Reason != adapt.Trial {
		r.t.Fatalf("a refusal beside nobody lowers the limit from %d to %d", before, r.limit.Slots())
	}
	return believed
}

func (r *rig) refuses(kind adapt.Kind, beside int) bool {
	r.t.Helper()
	return r.answersBeside(kind, beside, took/10, true)
}

// until delivers until the limit is so high.
func (r *rig) until(limit int) {
	r.t.Helper()
	for range 100_000 {
		if r.limit.Slots() >= limit {
			return
		}
		r.delivers(1)
	}
	r.t.Fatalf("the limit stays at %d and does not rise to %d", r.limit.Slots(), limit)
}

func (r *rig) is(want int) {
	r.t.Helper()
	if got := r.limit.Slots(); got != want {
		r.t.Errorf("the limit is %d, want %d: %v", got, want, r.reasons())
	}
}

func (r *rig) reasons() (all []string) {
	for _, c := range r.limit.Status().History {
		all = append(all, c.Reason.String()+": "+c.Words())
	}
	return all
}

func (r *rig) last() adapt.Change {
	r.t.Helper()
	history := r.limit.Status().History
	if len(history) == 0 {
		r.t.Fatal("nothing has changed yet")
	}
	return history[len(history)-1]
}
