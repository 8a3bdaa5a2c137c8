package fleet

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func quotasOf(all ...ratelimit.Quota) (q [ratelimit.MaxQuotas]ratelimit.Quota) {
	copy(q[:], all)
	return q
}

// perMinute is a budget of one quota, and of a rate if it is not 0.
func perMinute(n int, rate float64) Budget {
	b := Budget{Slots: 100, Timeout: time.Second, Quotas: quotasOf(ratelimit.Quota{N: n, Window: time.Minute})}
	if rate > 0 {
		b.Rate, b.Burst = rate, 3
	}
	return b
}

// expectQuotas checks that no quota was passed, and that so many started from a time on.
func (w *world) expectQuotas(t *testing.T, from time.Duration, least int) {
	t.Helper()
	if broken := w.broken(); broken != nil {
		t.Errorf("%v", broken)
	}
	if n := sum(w.count(from)); n < least {
		t.Errorf("%d started from %v on, want %d or more", n, from, least)
	}
}

func TestAQuotaHoldsOverTheFleetAndIsUsedUp(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 28} {
		w := calmWorld(1, perMinute(120, rate), 4, 4, 10*time.Millisecond)
		w.run(5 * time.Minute)
		w.expectQuotas(t, time.Minute, 4*120*94/100)
	}
}

func TestAFleetThatRestartsRemembersWhatIsUsedOfAQuota(t *testing.T) {
	t.Parallel()
	w := calmWorld(1, perMinute(100, 0), 3, 3, 10*time.Millisecond)
	w.at(20*time.Second, func() {
		for _, r := range w.replicas {
			r.crash()
		}
	})
	w.at(25*time.Second, func() { w.join(work{endless: true, takes: time.Millisecond}) })
	w.run(60 * time.Second)
	w.expectQuotas(t, 0, 95)
	if n := sum(w.count(20 * time.Second)); n > 0 {
		t.Errorf("%d started after the restart, though the quota is used up", n)
	}
}

func TestAMemoryThatIsLostIsMendedByTheReplicas(t *testing.T) {
	t.Parallel()
	w := calmWorld(1, perMinute(100, 0), 3, 3, 10*time.Millisecond)
	w.at(15*time.Second, func() { w.store.forget() })
	w.run(2 * time.Minute)
	w.expectQuotas(t, 60*time.Second, 90)
}

// While a new memory is quiet no answer has a copy of it. Found by seeds 118644 and 119629.
func TestAMemoryThatIsLostAgainWhileItIsQuietIsMendedToo(t *testing.T) {
	t.Parallel()
	w := calmWorld(1, perMinute(100, 0), 1, 1, 10*time.Millisecond)
	for _, at := range []time.Duration{25 * time.Second, 27 * time.Second} {
		w.at(at, func() { w.store.forget() })
	}
	w.at(30*time.Second, func() { w.join(work{endless: true, takes: time.Millisecond}) })
	w.run(2 * time.Minute)
	w.expectQuotas(t, 0, 180)
}

func TestAQuotaHoldsThoughTheServersClockIsSet(t *testing.T) {
	t.Parallel()
	for _, step := range []time.Duration{40 * time.Second, -40 * time.Second} {
		w := calmWorld(1, perMinute(100, 0), 3, 3, 10*time.Millisecond)
		w.at(15*time.Second, func() { w.store.step += step })
		w.run(2 * time.Minute)
		w.expectQuotas(t, 60*time.Second, 90)
	}
}

// It reads an answer that has waited for it, and cannot know when it was given.
func TestAQuotaHoldsThoughAReplicaStoodStillDuringACall(t *testing.T) {
	t.Parallel()
	budget := Budget{Slots: 100, Timeout: time.Second, Rate: 28, Burst: 3, Quotas: quotasOf(ratelimit.Quota{N: 20, Window: time.Second})}
	w := calmWorld(1, budget, 3, 3, 10*time.Millisecond)
	var freeze func()
	freeze = func() {
		if r := w.replicas[0]; r.member.out {
			r.frozen = w.now + 4*time.Second
		} else {
			w.at(w.now+time.Millisecond, freeze)
		}
	}
	w.at(70*time.Second, freeze)
	w.run(2 * time.Minute)
	w.expectQuotas(t, 60*time.Second, 900)
}

func TestAReplicaThatIsCutOffGoesOnWithItsPartOfAQuota(t *testing.T) {
	t.Parallel()
	w := calmWorld(1, perMinute(60, 28), 3, 3, 10*time.Millisecond)
	w.at(80*time.Second, func() { w.replicas[0].cut = 80*time.Second + 4*time.Minute })
	w.run(7 * time.Minute)
	w.expectQuotas(t, 80*time.Second, 250)
	n := 0
	for _, s := range w.starts {
		if s.replica == 0 && s.at > 160*time.Second && s.at < 310*time.Second {
			n++
		}
	}
	if n < 35 || n > 55 {
		t.Errorf("%d by itself in 2.5 min, want a third of 60 a minute", n)
	}
}

// The others may use what is left of the quota as soon as it is back.
func TestWhatAReplicaStartsByItselfIsToldWhenItIsBack(t *testing.T) {
	t.Parallel()
	l := newLone(t, perMinute(60, 28))
	l.until(80*time.Second, false)
	l.until(l.store.now+80*time.Second, true)
	l.expect(OnShare)
	for range 5 {
		l.store.now = l.m.own
		if _, ok := l.m.token(l.store.now); !ok {
			t.Fatal("it starts nothing")
		}
		l.m.take(l.store.now)
	}
	r := l.hearsTheTime()
	if r.made != 5 {
		t.Errorf("it says that it started %d of 5", r.made)
	}
	l.store.now += callLimit
	l.m.failed(l.store.now, &r)
	if r = l.hearsTheTime(); r.made != 5 {
		t.Errorf("after a call without an answer it says that it started %d of 5", r.made)
	}
	a, err := l.store.eval(&r)
	if err != nil || a.kind != granted {
		t.Fatalf("%+v, %v", a, err)
	}
	l.m.done(l.store.now, &r, a)
	if n, _ := l.m.quotas.free(l.store.now); n > 55 {
		t.Errorf("%d are left of 60", n)
	}
	if r = l.m.begin(l.m.due(l.store.now), false); r.made != 0 {
		t.Errorf("it says so again: %d", r.made)
	}
}

func TestNobodyGoesOnByItselfWithAQuotaOfAnHour(t *testing.T) {
	t.Parallel()
	b := perMinute(1000, 28)
	b.Quotas[0].Window = time.Hour
	w := calmWorld(1, b, 2, 2, 10*time.Millisecond)
	w.at(80*time.Second, func() { w.replicas[0].cut = 80*time.Second + time.Hour })
	w.run(4 * time.Minute)
	w.expectQuotas(t, 0, 900)
	if len(w.alone) > 0 {
		t.Errorf("%v went on by themselves", w.alone)
	}
}

func TestTokensThatLapseAreGivenBackToTheQuota(t *testing.T) {
	t.Parallel()
	s := newStore()
	c := newCaller(t, s, "a")
	c.b = perMinute(10, 0)
	for s.now < 10*time.Second {
		s.now += time.Second
		c.make(0)
	}
	got := c.make(6)
	if got.tokens.n == 0 || got.tag == 0 {
		t.Fatalf("%+v", got)
	}
	used := func(a reply) int {
		n := 0
		for _, one := range parseQuotas(a.limits, a.counted)[0].slices {
			n += one.n
		}
		return n
	}
	if n := used(got); n != got.tokens.n {
		t.Errorf("%d of the quota are used, %d were granted", n, got.tokens.n)
	}
	r := c.request(0)
	r.back, r.born = map[int64]int{got.tag: got.tokens.n}, got.born.Microseconds()
	other := *r
	other.born--
	other.call--
	r.call++
	if n := used(c.eval(r)); n != 0 {
		t.Errorf("%d are used, and all were given back", n)
	}
}

// The answer to a copy of a call may come first. Found by seed 119517.
func TestTokensAreNotGivenBackTwice(t *testing.T) {
	t.Parallel()
	l := newLone(t, perMinute(10, 0))
	l.until(10*time.Second, false)
	l.m.tokens.lapse(7, 2)
	r := l.m.begin(l.m.due(l.store.now), false)
	if r.back[7] != 2 {
		t.Fatalf("it gives back %v", r.back)
	}
	l.m.done(l.store.now, &r, reply{kind: late, now: l.store.server()})
	if r := l.m.begin(l.m.due(l.store.now), false); r.back[7] != 0 {
		t.Errorf("it gives back %v again", r.back)
	}
}

// Whoever was told to come back in an hour asks again: the budget is another one.
func TestAQuotaThatIsRaisedIsUsedImmediately(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 28} {
		less := perMinute(100, rate)
		less.Quotas[0].Window = time.Hour
		more := less
		more.Quotas[0].N = 200
		w := calmWorld(1, less, 3, 3, 10*time.Millisecond)
		w.at(time.Minute, func() {
			w.plan.budget = more
			for _, r := range w.replicas {
				r.member.set(more)
			}
		})
		w.run(2 * time.Minute)
		w.expectQuotas(t, time.Minute, 94)
	}
}

// What a crashed replica has of it is reserved for five minutes, and not until the quota is new.
func TestAPartOfAQuotaThatIsNoLongerReservedIsUsed(t *testing.T) {
	t.Parallel()
	b := perMinute(900, 5)
	b.Quotas[0].Window = time.Hour
	w := calmWorld(1, b, 4, 4, 10*time.Millisecond)
	w.at(70*time.Second, func() { w.replicas[0].crash() })
	w.run(8 * time.Minute)
	w.expectQuotas(t, 0, 870)
}

func TestWhatIsUsedOfAQuotaIsSeenByAll(t *testing.T) {
	t.Parallel()
	w := calmWorld(1, perMinute(60, 0), 2, 1, 10*time.Millisecond)
	w.run(20 * time.Second)
	for _, r := range w.replicas {
		uses := r.pace.Quotas(r.epoch.Add(r.own()))
		if len(uses) != 1 || uses[0].Used < 55 || uses[0].N != 60 {
			t.Errorf("%+v", uses)
		}
		if n, next := r.share.Soon(r.epoch.Add(r.own()), 10*time.Second); n > 5 || next.IsZero() {
			t.Errorf("%d may start soon, more at %v", n, next)
		}
	}
}

// Who joins after the clock was set would go on by it, and have others' tokens count elsewhere.
func TestAClockThatNobodyHasConfirmedIsToldToNobody(t *testing.T) {
	t.Parallel()
	s := newStore()
	old, joins := newCaller(t, s, "old"), newCaller(t, s, "joins")
	old.b, joins.b = perMinute(10, 0), perMinute(10, 0)
	after(12*time.Second, old)
	steady := old.make(0).steady
	s.step += 10 * time.Second
	if a := joins.make(1); a.steady != 0 || a.tokens.n != 0 {
		t.Errorf("told %v before anybody has said what it shows, with %d tokens", a.steady, a.tokens.n)
	}
	r := old.request(0)
	r.steady = steady
	if a := old.eval(r); a.steady != steady || joins.make(0).steady != steady {
		t.Errorf("it shows %v, not %v", a.steady, steady)
	}
	s.step += 10 * time.Second
	joins.make(0)
	after(4*time.Second, joins)
	if a := joins.make(0); a.steady == 0 {
		t.Error("it is never told if nobody says what it shows")
	}
}
