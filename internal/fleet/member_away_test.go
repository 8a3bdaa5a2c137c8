package fleet

import (
	"testing"
	"time"
)

// TestAReplicaGoesOnByItself follows one through all states.
func TestAReplicaGoesOnByItself(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	last := l.m.sent
	l.until(l.store.now+1600*time.Millisecond, true)
	if l.m.state != UsingUp && l.m.state != Pausing {
		l.expect(Pausing)
	}
	l.until(l.store.now+1500*time.Millisecond, true)
	l.expect(Pausing)
	goesOn := l.m.goesOn()
	if g := goesOn - l.m.silent; g < 6*time.Second || g > 6200*time.Millisecond || l.m.silent < last {
		t.Errorf("it goes on after %v", g)
	}
	l.until(goesOn-700*time.Millisecond, true)
	l.expect(Pausing)
	l.until(goesOn+time.Second, true)
	l.expect(OnShare)
	n := 0
	for from := l.store.now; l.store.now < from+10*time.Second; l.store.now += time.Millisecond {
		if _, ok := l.m.token(l.store.now); ok {
			l.m.take(l.store.now)
			n++
		}
	}
	if n < 275 || n > 281 {
		t.Errorf("%d starts in 10 s at a share of 28", n)
	}
	l.until(l.m.leaseEnd+time.Second, true)
	l.expect(Stopped)
	if got := l.m.limits(l.store.now); got.Concurrency != 0 || got.Rate != 0 {
		t.Errorf("stopped: %+v", got)
	}
	l.until(l.store.now+time.Hour, true)
	l.expect(Stopped)
	l.until(l.store.now+10*time.Second, false)
	l.expect(Live)
}

// TestAReplicaThatHadAlmostNoShareUsesALargerOne: one that joins while others have almost all
// may have a millionth a second, and starts one delivery by it.
func TestAReplicaThatHadAlmostNoShareUsesALargerOne(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	whole := l.m.share
	for _, share := range []int64{1, whole} {
		l.m.share = share
		l.until(l.store.now+8*time.Second, true)
		l.expect(OnShare)
		if _, ok := l.m.token(l.store.now); !ok {
			t.Errorf("nothing starts at a share of %d/1,000,000", share)
		}
		l.m.take(l.store.now)
		l.until(l.store.now+10*time.Second, false)
		l.expect(Live)
	}
}

func TestAReplicaThatKnowsHowManyThereAreGoesOnWithAnEqualPart(t *testing.T) {
	t.Parallel()
	b := partner
	b.Replicas = 4
	for name, live := range map[string]time.Duration{"that was live": 80 * time.Second, "that was young": 20 * time.Second, "that never was": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLone(t, b)
			if live > 0 {
				l.until(live, false)
			}
			away := l.store.now
			l.until(away+lease-2*time.Second, true)
			if l.m.state == FixedPart {
				t.Fatal("before all leases are over")
			}
			l.until(away+lease+4*time.Second, true)
			l.expect(FixedPart)
			if got := l.m.limits(l.store.now); got.Concurrency != 2 || got.Rate != 7 {
				t.Errorf("%+v", got)
			}
			clear(l.store.hashes)
			l.until(l.store.now+2*time.Second, false)
			l.expect(Stopped) // the new memory does not know what it starts
			l.until(l.store.now+8*time.Second, false)
			l.expect(Live)
		})
	}
}

func TestAYoungReplicaStopsWhenTheCoordinatorGoes(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(20*time.Second, false)
	l.expect(Live)
	l.until(l.store.now+10*time.Second, true)
	l.expect(Stopped)
}

func TestAQuietAnswerDoesNotEndThePause(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	clear(l.store.hashes)
	goesOn := l.m.goesOn()
	l.until(l.store.now+4*time.Second, false)
	l.expect(Pausing)
	if got := l.m.goesOn(); got < goesOn || got > goesOn+2*time.Second {
		t.Errorf("it goes on at %v, before the loss it was %v", got, goesOn)
	}
	l.until(l.store.now+4*time.Second, false)
	l.expect(Live)
}

func TestAnUnansweredCallRestartsThePause(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	l.until(l.store.now+10*time.Second, true)
	l.expect(OnShare)
	// It hears the time, makes a real call, and hears nothing.
	r := l.m.begin(l.m.due(l.store.now), false)
	a, _ := l.store.eval(&r)
	l.m.done(l.store.now, &r, a)
	if _, ok := l.m.token(l.store.now); !ok {
		t.Error("asking for the time has stopped it")
	}
	r = l.m.begin(l.store.now, false)
	if _, ok := l.m.token(l.store.now); ok || !r.real() {
		t.Error("it starts by itself while a real call is out")
	}
	l.store.now += callLimit
	l.m.failed(l.store.now, &r)
	l.expect(Pausing)
	if got := l.m.goesOn() - r.sent; got < 6*time.Second {
		t.Errorf("it goes on %v after the call", got)
	}
}

// hearsTheTime has the coordinator answer again, and returns the real call that follows.
func (l *lone) hearsTheTime() request {
	l.t.Helper()
	r := l.m.begin(l.m.due(l.store.now), false)
	a, err := l.store.eval(&r)
	if err != nil || r.real() || a.kind != late {
		l.t.Fatalf("%+v, %v", a, err)
	}
	l.m.done(l.store.now, &r, a)
	return l.m.begin(l.store.now, false)
}

func TestAnUnansweredCallEndsTheFixedPartForAPause(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]Budget{"a rate": partner, "a rate and a quota": perMinute(600, 28)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b.Replicas = 4
			l := newLone(t, b)
			l.until(80*time.Second, false)
			l.until(l.store.now+fixedAfter+2*time.Second, true)
			l.expect(FixedPart)
			r := l.hearsTheTime()
			l.expect(FixedPart)
			if _, ok := l.m.token(l.store.now); ok {
				t.Error("it starts by itself while a real call is out")
			}
			l.store.now += callLimit
			l.m.failed(l.store.now, &r)
			l.expect(Stopped)
			// The call may have had its effect: others may count on the whole rate, for a pause.
			pause := 6 * time.Second
			if b.Quotas[0].N > 0 {
				pause += time.Minute
			}
			l.until(r.sent+pause-time.Second/2, true)
			l.expect(Stopped)
			l.until(r.sent+pause+2*time.Second, true)
			l.expect(FixedPart)
		})
	}
}

// It may be the answer to a copy: another may have had its effect.
func TestALateAnswerToARealCallIsNone(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	l.until(l.store.now+10*time.Second, true)
	l.expect(OnShare)
	r := l.hearsTheTime()
	l.store.now += time.Millisecond
	l.m.done(l.store.now, &r, reply{kind: late, now: l.store.server()})
	l.expect(Pausing)
	if got := l.m.goesOn() - r.sent; got < 6*time.Second {
		t.Errorf("it goes on %v after the call", got)
	}
	l.until(l.store.now+maxSpacing, false)
	l.expect(Live)
}

// Others have all of it, until they confirm that they have less.
func TestAReplicaWithoutAShareStopsWhenTheCoordinatorGoes(t *testing.T) {
	t.Parallel()
	l := newLone(t, partner)
	l.until(80*time.Second, false)
	r := l.m.begin(l.m.due(l.store.now), false)
	l.store.now = r.sent
	a, err := l.store.eval(&r)
	if err != nil || a.kind != granted || a.lease != lease {
		t.Fatalf("%+v, %v", a, err)
	}
	a.share, a.tokens = 0, run{}
	l.m.done(l.store.now, &r, a)
	for range 10 {
		l.until(l.store.now+time.Second, true)
		if _, ok := l.m.token(l.store.now); ok && l.m.state == OnShare {
			t.Fatal("it starts something without a share")
		}
	}
	l.expect(Stopped)
}

func TestWithoutARateAReplicaGoesOnWithItsSlots(t *testing.T) {
	t.Parallel()
	l := newLone(t, Budget{Slots: 4, Timeout: time.Second})
	l.until(80*time.Second, false)
	l.expect(Live)
	l.until(l.store.now+2*time.Second, true)
	l.expect(OnShare)
	if _, ok := l.m.token(l.store.now); !ok || l.m.limits(l.store.now).Concurrency != 4 {
		t.Errorf("%+v", l.m.limits(l.store.now))
	}
	l.until(l.store.now+lease, true)
	l.expect(Stopped)
	if _, ok := l.m.token(l.store.now); ok {
		t.Error("it goes on after its lease")
	}
}
