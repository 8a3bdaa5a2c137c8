package fleet

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// lone is a member, and the store that it calls.
type lone struct {
	t     *testing.T
	store *store
	m     *member
}

func newLone(t *testing.T, b Budget) *lone {
	t.Helper()
	l := &lone{t: t, store: newStore()}
	l.m = newMember("lone", b, 0)
	l.m.use = ratelimit.Use{Busy: true, Lacks: ratelimit.Token}
	return l
}

// until makes each call that is due until then, answered 1 ms later unless the coordinator
// is away.
func (l *lone) until(end time.Duration, away bool) {
	l.t.Helper()
	for {
		at := max(l.m.due(l.store.now), l.store.now)
		if at > end {
			break
		}
		l.store.now = at
		l.m.advance(at)
		r := l.m.begin(at, false)
		if away {
			l.store.now += callLimit
			l.m.failed(l.store.now, &r)
			continue
		}
		a, err := l.store.eval(&r)
		if err != nil {
			l.t.Fatal(err)
		}
		l.store.now += time.Millisecond
		l.m.done(l.store.now, &r, a)
	}
	l.store.now = max(l.store.now, end)
	l.m.advance(l.store.now)
}

func (l *lone) expect(s State) {
	l.t.Helper()
	if l.m.state != s {
		l.t.Fatalf("at %v it is %v, not %v", l.store.now, l.m.state, s)
	}
}

// A process that has stood still takes deliveries for running that have ended long ago. Once its lease is
// over others may have their slots.
func TestWhatRanBeforeALongStandstillHoldsNoSlots(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(20*time.Second, false)
	l.expect(Live)
	l.m.use.Running = 3
	over := l.m.leaseEnd + l.m.budget.Timeout
	for at, want := range map[time.Duration]int{over - 1: 3, over: 0} {
		woken := *l.m // at that time
		woken.advance(at)
		if woken.askTime = false; woken.state != Stopped {
			t.Fatalf("it is %v", woken.state)
		}
		if r := woken.begin(at, false); r.slots != want {
			t.Errorf("%v after its lease and a time-out it holds %d slots, want %d", at-over, r.slots, want)
		}
	}
}

func TestWhatItStartedOnAFixedPartHoldsSlotsUntilItsTimeout(t *testing.T) {
	t.Parallel()
	b := partner
	b.Replicas = 4
	l := newLone(t, b)
	l.until(10*time.Minute, true)
	l.expect(FixedPart)
	l.m.use.Running = 2
	l.m.become(l.store.now, Stopped)
	l.m.clock.known, l.m.fixedFrom = true, never // it stays so
	for after, want := range map[time.Duration]int{b.Timeout - 1: 2, b.Timeout: 0} {
		woken := *l.m
		if woken.askTime = false; woken.begin(l.store.now+after, false).slots != want {
			t.Errorf("%v after its last start it does not hold %d slots", after, want)
		}
	}
}

func TestAReplicaJoinsAfterThePauseOfANewMemory(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(5*time.Second, false)
	l.expect(Joining)
	if _, ok := l.m.token(l.store.now); ok || l.m.limits(l.store.now).Rate != 0 {
		t.Error("something may start")
	}
	l.until(7*time.Second, false)
	l.expect(Live)
	if l.m.tokens.lapsed == 0 || l.m.limits(l.store.now) != (ratelimit.Limits{Concurrency: 8, Limited: true, Rate: 28, Burst: 3}) {
		t.Errorf("%+v", l.m.limits(l.store.now))
	}
}

// What it does not confirm, others do not have.
func TestALowerGrantIsConfirmedSoon(t *testing.T) {
	t.Parallel()
	for name, lower := range map[string]func(*reply){"slots": func(a *reply) { a.slots-- }, "share": func(a *reply) { a.share-- }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLone(t, partner)
			l.m.use = ratelimit.Use{}
			l.until(80*time.Second, false)
			answer := func(change func(*reply)) time.Duration {
				t.Helper()
				r := l.m.begin(l.m.due(l.store.now), false)
				l.store.now = r.sent
				a, err := l.store.eval(&r)
				if err != nil || a.kind != granted {
					t.Fatalf("%+v, %v", a, err)
				}
				change(&a)
				l.m.done(l.store.now, &r, a)
				return l.m.due(l.store.now) - r.sent
			}
			if next := answer(lower); next > maxSpacing {
				t.Errorf("the next call is %v later", next)
			}
			if next := answer(func(*reply) {}); next < heartbeat {
				t.Errorf("the call after it is %v later", next)
			}
		})
	}
}

func TestTokensLapseWithTheirWindow(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(10*time.Second, false)
	if l.m.tokens.n == 0 {
		t.Fatal("there are no tokens")
	}
	l.store.now += 5 * time.Second // it stood still
	if _, ok := l.m.token(l.store.now); ok || l.m.tokens.lapsed == 0 {
		t.Errorf("%d tokens have lapsed", l.m.tokens.lapsed)
	}
}

func TestAReplicaThatHasStoodStillBeyondItsLeaseStartsNothing(t *testing.T) {
	t.Parallel()
	for name, live := range map[string]struct{ before, still time.Duration }{
		"young": {20 * time.Second, 6 * time.Second}, "grown": {80 * time.Second, lease},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLone(t, Budget{Slots: 4, Timeout: time.Minute})
			l.until(live.before, false)
			l.expect(Live)
			l.m.use.Running = 1
			l.store.now += live.still
			if _, ok := l.m.token(l.store.now); ok {
				t.Error("it starts something")
			}
			if r := l.m.begin(l.store.now, false); r.slots != 1 {
				t.Errorf("it says that it holds %d slots", r.slots)
			}
		})
	}
}

func TestTheShortestRoundTripSaysTheTimeBest(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	var c clock
	for _, step := range []struct {
		sent, received, server time.Duration
		from                   time.Duration // of the coordinator's 10 s
		set                    bool
	}{
		{0, 10 * ms, 5 * time.Second, 5*time.Second + 10*ms, false},
		{1000 * ms, 1002 * ms, 6*time.Second - 4*ms, 5*time.Second + 6*ms, false},        // shorter
		{2000 * ms, 2100 * ms, 7*time.Second + 40*ms, 5*time.Second + 6*ms, false},       // longer
		{3000 * ms, 3004 * ms, 8*time.Second + 50*ms, 4*time.Second + 954*ms, false},     // contradicts: a little faster
		{4000 * ms, 4004 * ms, 9*time.Second + 950*ms, 4*time.Second + 54*ms, true},      // was set
		{20000 * ms, 20100 * ms, 25*time.Second + 950*ms, 4*time.Second + 150*ms, false}, // the last is old
	} {
		if set := c.answered(step.sent, step.received, step.server); set != step.set || c.from(10*time.Second) != step.from {
			t.Errorf("%+v: 10 s is at %v, set %v", step, c.from(10*time.Second), set)
		}
	}
}

func TestARoundIsShortUnlessThereAreManyReplicasOrACallTakesLong(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		live       int
		trip, want time.Duration
	}{
		{1, time.Millisecond, 50 * time.Millisecond},
		{16, time.Millisecond, 120 * time.Millisecond},
		{1000, time.Millisecond, 500 * time.Millisecond},
		{4, 100 * time.Millisecond, 300 * time.Millisecond},
		{4, time.Second, 500 * time.Millisecond},
	} {
		m := &member{last: reply{live: c.live}, trip: c.trip}
		if got := m.round(); got != c.want {
			t.Errorf("%d replicas, calls take %v: %v, want %v", c.live, c.trip, got, c.want)
		}
	}
}
