package fleet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// caller makes calls of one replica at a time that the test sets.
type caller struct {
	t     *testing.T
	store *store
	id    string
	calls int64
	seq   int64
	b     Budget
	share int64
	slots int
	grown bool
	busy  bool
}

var partner = Budget{Rate: 28, Burst: 3, Slots: 8, Timeout: time.Second}

func newCaller(t *testing.T, s *store, id string) *caller {
	t.Helper()
	return &caller{t: t, store: s, id: id, b: partner, grown: true, busy: true}
}

// request is the caller's next.
func (c *caller) request(want int) *request {
	c.calls++
	return &request{
		id: c.id, call: c.calls, seq: c.seq, deadline: c.store.server() + callLimit, budget: c.b,
		share: c.share, slots: c.slots, grown: c.grown, busy: c.busy, want: want,
	}
}

// make makes a call, and keeps what it is granted.
func (c *caller) make(want int) reply {
	c.t.Helper()
	return c.keep(c.eval(c.request(want)))
}

func (c *caller) eval(r *request) reply {
	c.t.Helper()
	a, err := c.store.eval(r)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *caller) keep(a reply) reply {
	if a.kind == granted || a.kind == quiet {
		c.seq = a.seq
	}
	if a.kind == granted {
		c.share, c.slots = a.share, a.slots
	}
	return a
}

// after lets so much time pass, in which the callers call each second.
func after(d time.Duration, callers ...*caller) {
	s := callers[0].store
	for end := s.now + d; s.now < end; s.now += min(time.Second, end-s.now) {
		for _, c := range callers {
			c.make(0)
		}
	}
}

// settled returns replicas that share a budget for a while.
func settled(t *testing.T, n int) (*store, []*caller) {
	t.Helper()
	s := newTwinStore(true)
	var all []*caller
	for i := range n {
		all = append(all, newCaller(t, s, fmt.Sprintf("r%d", i)))
	}
	after(12*time.Second, all...)
	return s, all
}

func TestSharesAndSlotsAreEqualPartsAndNeverMoreThanTheBudget(t *testing.T) {
	t.Parallel()
	_, all := settled(t, 4)
	share, slots := int64(0), 0
	for _, c := range all {
		if c.share != 7_000_000 || c.slots != 2 {
			t.Errorf("%s has %d millionths and %d slots", c.id, c.share, c.slots)
		}
		share, slots = share+c.share, slots+c.slots
	}
	if share > 28_000_000 || slots > 8 {
		t.Errorf("%d millionths and %d slots in all", share, slots)
	}
}

func TestAnIdleReplicaHasASlotThoughTheBusyWouldTakeItToo(t *testing.T) {
	t.Parallel()
	s := newTwinStore(true)
	var all []*caller
	for i := range 2 {
		all = append(all, newCaller(t, s, fmt.Sprintf("busy %d", i)))
	}
	for _, c := range all {
		c.b.Slots = 6
	}
	after(12*time.Second, all...)
	for i := range 2 {
		idle := newCaller(t, s, fmt.Sprintf("idle %d", i))
		idle.busy, idle.b.Slots = false, 6
		all = append(all, idle)
	}
	after(6*time.Second, all...)
	if all[0].slots != 2 || all[1].slots != 2 || all[2].slots != 1 || all[3].slots != 1 {
		t.Errorf("%d, %d, %d and %d slots", all[0].slots, all[1].slots, all[2].slots, all[3].slots)
	}
}

func TestALateCallHasNoEffect(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	before := fmt.Sprint(s.hashes)
	r := all[0].request(5)
	r.deadline = s.server() - time.Microsecond
	if a := all[0].eval(r); a.kind != late || a.now != s.server() {
		t.Errorf("%+v", a)
	}
	r.deadline = 0
	if a := all[0].eval(r); a.kind != late {
		t.Errorf("only the time was asked for: %+v", a)
	}
	if got := fmt.Sprint(s.hashes); got != before {
		t.Errorf("the memory has changed:\n%s\n%s", before, got)
	}
}

func TestACallThatAnotherHasOvertakenHasNoEffect(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	first, second := all[0].request(1), all[0].request(1)
	all[0].eval(second)
	before := fmt.Sprint(s.hashes)
	for _, r := range []*request{first, second} {
		if a := all[0].eval(r); a.kind != late || fmt.Sprint(s.hashes) != before {
			t.Errorf("%+v", a)
		}
	}
}

func TestALowerGrantCountsWhenConfirmed(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 1)
	all[0].make(0)
	joins := newCaller(t, s, "joins")
	joins.make(0)
	s.now += time.Second
	lower := all[0].eval(all[0].request(0)) // its answer is lost
	if lower.share != 14_000_000 || lower.slots != 4 {
		t.Fatalf("granted %d millionths and %d slots", lower.share, lower.slots)
	}
	if a := joins.make(0); a.share != 0 || a.slots != 0 {
		t.Errorf("a part that is not confirmed has gone to another: %+v", a)
	}
	all[0].keep(lower)
	all[0].make(0)
	if a := joins.make(0); a.share != 14_000_000 || a.slots != 4 {
		t.Errorf("a confirmed part is not free: %+v", a)
	}
}

func TestAYoungReplicaGetsNoShare(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 1)
	joins := newCaller(t, s, "joins")
	joins.grown = false
	after(3*time.Second, all[0], joins)
	if joins.share != 0 || joins.slots == 0 {
		t.Errorf("%d millionths, %d slots", joins.share, joins.slots)
	}
}

func TestASilentReplicaKeepsItsPartUntilItsLeaseIsOver(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 4)
	after(lease-time.Second, all[:3]...)
	if a := all[0].make(0); a.pace != 21_000_000 || a.live != 3 || all[0].slots+all[1].slots+all[2].slots > 6 {
		t.Errorf("%+v", a)
	}
	after(4*time.Second, all[:3]...)
	if a := all[0].make(0); a.pace != 28_000_000 || all[0].slots+all[1].slots+all[2].slots < 7 {
		t.Errorf("after the lease: %+v", a)
	}
	if n := len(s.members()); n != 3 {
		t.Errorf("%d records", n)
	}
}

func TestWhoLeavesFreesItsPartImmediately(t *testing.T) {
	t.Parallel()
	_, all := settled(t, 2)
	r := all[1].request(0)
	r.leave = true
	if a := all[1].eval(r); a.kind != left {
		t.Fatalf("%+v", a)
	}
	after(2*time.Second, all[0])
	if a := all[0].make(0); a.share != 28_000_000 || a.slots != 8 || a.live != 1 {
		t.Errorf("%+v", a)
	}
}

func TestOfBudgetsThatDifferTheSmallerHolds(t *testing.T) {
	t.Parallel()
	_, all := settled(t, 2)
	all[1].b.Rate, all[1].b.Slots = 10, 4
	after(2*time.Second, all...)
	if a := all[0].make(0); !a.mixed || a.rate != 10_000_000 || a.all != 4 || all[0].share+all[1].share > 10_000_000 || all[0].slots+all[1].slots > 4 {
		t.Errorf("%+v", a)
	}
	all[0].b = all[1].b
	after(2*time.Second, all...)
	if a := all[0].make(0); a.mixed || a.rate != 10_000_000 {
		t.Errorf("all have the smaller one: %+v", a)
	}
}

func TestALostMemoryGrantsNothingForAPause(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*store){
		"empty":           (*store).forget,
		"another process": func(s *store) { s.run = "r2" },
		"an older one":    func(s *store) { s.rewind(3) },
		"an older one, and INFO is refused": func(s *store) {
			s.noInfo = true
			s.rewind(3)
		},
		"the clock went back": func(s *store) { s.step -= 3 * time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, all := settled(t, 2)
			lose(s)
			first := all[0].make(9)
			if first.kind != quiet {
				t.Fatalf("%+v", first)
			}
			s.now += first.quietFor - time.Millisecond
			if a := all[1].make(9); a.kind != quiet {
				t.Errorf("before the pause is over: %+v", a)
			}
			s.now += time.Millisecond
			if a := all[0].make(9); a.kind != granted || a.tokens.n == 0 || a.share != 14_000_000 {
				t.Errorf("after it: %+v", a)
			}
		})
	}
}

func TestAServerThatDoesNotTellItsNameIsTheSame(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	for _, refused := range []bool{true, false, true} {
		s.noInfo = refused
		if a := all[0].make(0); a.kind != granted {
			t.Errorf("INFO refused %v: %+v", refused, a)
		}
	}
}

func TestALostMemoryGrantsNoSlotsThatWereNotBrought(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	joins := newCaller(t, s, "joins")
	joins.make(0) // no slot is free
	s.forget()
	after(6*time.Second, joins) // the other two are cut off and go on with theirs
	if a := joins.make(0); a.kind != granted || a.slots != 0 {
		t.Errorf("%+v", a)
	}
	after(2*time.Second, append(all, joins)...)
	if n := all[0].slots + all[1].slots + joins.slots; n == 0 || n > 8 {
		t.Errorf("%d slots when all are back", n)
	}
}

// A fleet of which nobody has anything left, because all are young or were stopped for long,
// does not wait for a lease that nobody has.
func TestALostMemoryThatNobodyBringsAnythingGrantsSoon(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	s.forget()
	for _, c := range all {
		c.share, c.slots = 0, 0
	}
	after(8*time.Second, all...)
	if all[0].slots+all[1].slots != 8 {
		t.Errorf("%d and %d slots of 8", all[0].slots, all[1].slots)
	}
}

// Nobody holds anything of before, so nothing has to be kept back.
func TestARaisedBudgetCountsAtOnceInANewFleetAlsoAfterAJoin(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 1)
	all[0].b.Rate, all[0].b.Slots = 10, 4
	after(2*time.Second, all[0])
	joins := newCaller(t, s, "joins")
	joins.b = all[0].b
	all = append(all, joins)
	after(2*time.Second, all...)
	all[0].b, joins.b = partner, partner
	after(4*time.Second, all...)
	if a := joins.make(0); a.pace != 28_000_000 || all[0].slots+joins.slots != 8 || all[0].share+joins.share != 28_000_000 {
		t.Errorf("%+v, slots %d and %d, shares %d and %d", a, all[0].slots, joins.slots, all[0].share, joins.share)
	}
}

func TestALostMemoryHandsOutForALeaseWhatWasBrought(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 4)
	s.forget()
	after(20*time.Second, all[:3]...) // the fourth is cut off and goes on by itself
	if a := all[0].make(0); a.pace != 21_000_000 || all[0].slots+all[1].slots+all[2].slots > 6 {
		t.Errorf("%+v, slots %d %d %d", a, all[0].slots, all[1].slots, all[2].slots)
	}
	after(lease, all[:3]...)
	if a := all[0].make(0); a.pace != 28_000_000 {
		t.Errorf("after the lease: %+v", a)
	}
}

func TestAClockThatJumpsAheadGivesNothingOutTwice(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	all[0].make(9)
	s.step += 5 * time.Second
	a := all[1].make(1)
	if a.tokens.n != 1 || a.tokens.first < s.server()+horizon {
		t.Errorf("a token %v ahead", a.tokens.first-s.server())
	}
}

func TestSumsEqualRecords(t *testing.T) {
	t.Parallel()
	for seed := range uint64(usualOrders) {
		d := rand.New(rand.NewPCG(seed, 3))
		s := newTwinStore(seed%compared == compared/2)
		var all []*caller
		for i := range 6 {
			all = append(all, newCaller(t, s, fmt.Sprintf("r%d", i)))
		}
		for range 300 {
			s.now += time.Duration(d.IntN(1500)) * time.Millisecond
			c := all[d.IntN(len(all))]
			c.busy = d.IntN(2) == 0
			r := c.request(d.IntN(5))
			r.leave = d.IntN(30) == 0
			a := c.eval(r)
			if d.IntN(5) > 0 {
				c.keep(a)
			}
			if r.leave {
				c.share, c.slots = 0, 0
			}
			share, slots := int64(0), int64(0)
			for _, m := range s.members() {
				share, slots = share+m[2], slots+m[3]
			}
			if a.kind == granted && (s.sum("shares") != share || s.sum("slots") != slots || share > 28_000_000 || slots > 8) {
				t.Fatalf("seed %d: the sums are %d and %d, the records %d and %d", seed, s.sum("shares"), s.sum("slots"), share, slots)
			}
		}
	}
}
