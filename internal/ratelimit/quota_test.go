package ratelimit_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// quotas are limits with nothing but these quotas.
func quotas(all ...ratelimit.Quota) ratelimit.Limits {
	l := ratelimit.Limits{Concurrency: 1000}
	copy(l.Quotas[:], all)
	return l
}

// startAll starts deliveries of no duration until the pace refuses one, and returns how
// many.
func startAll(t *testing.T, s *ratelimit.Share) int {
	t.Helper()
	for n := 0; ; n++ {
		var try ratelimit.Try
		now := time.Now()
		if s.Start(now, &try, 1000, agreed) != ratelimit.Nothing {
			return n
		}
		s.End(now, &try, delivered, 1)
	}
}

func TestAQuotaLetsItsNumberComeAtOnceAndThenWaitsForTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		s := ratelimit.New(quotas(ratelimit.Quota{N: 100, Window: time.Minute})).Join(1, nothing)
		if n := startAll(t, s); n != 100 {
			t.Fatalf("%d started at once", n)
		}
		if due := s.Due().Sub(begin); due != time.Minute {
			t.Fatalf("the next may start after %v", due)
		}
		<-time.After(time.Until(s.Due()))
		if n := startAll(t, s); n != 100 {
			t.Errorf("%d started a minute later", n)
		}
	})
}

// TestNoWindowHoldsMoreThanItsQuota has requests that take their time to arrive, up to a
// tenth of the shortest window, and others that run for longer; the quotas change.
func TestNoWindowHoldsMoreThanItsQuota(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		draw := func() ratelimit.Limits {
			var all []ratelimit.Quota
			windows := []time.Duration{time.Second, 10 * time.Second, time.Minute, 7 * time.Minute}
			for i := range rapid.IntRange(1, ratelimit.MaxQuotas).Draw(r, "quotas") {
				all = append(all, ratelimit.Quota{N: rapid.IntRange(1, 15).Draw(r, "n"), Window: windows[i]})
			}
			return quotas(all...)
		}
		limits := []ratelimit.Limits{draw(), draw()}
		synctest.Test(t, func(t *testing.T) {
			p := ratelimit.New(limits[0])
			s := p.Join(1, nothing)
			var arrived []time.Time
			ended := make(chan *ratelimit.Try, 1000)
			for _, l := range limits {
				p.Set(time.Now(), l)
				arrived = arrived[:0]
				for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); {
					for len(ended) > 0 {
						s.End(time.Now(), <-ended, delivered, 1)
					}
					now := time.Now()
					try := new(ratelimit.Try)
					if s.Start(now, try, 1000, agreed) != ratelimit.Nothing {
						<-time.After(time.Duration(rapid.IntRange(1, 5000).Draw(r, "wait")) * time.Millisecond)
						continue
					}
					arrives := time.Duration(rapid.IntRange(0, 100).Draw(r, "way")) * time.Millisecond
					arrived = append(arrived, now.Add(arrives))
					time.AfterFunc(arrives+time.Duration(rapid.IntRange(0, 3000).Draw(r, "took"))*time.Millisecond, func() { ended <- try })
				}
				checkQuotas(r, l, arrived)
			}
		})
	})
}

func checkQuotas(r *rapid.T, l ratelimit.Limits, arrived []time.Time) {
	r.Helper()
	slices.SortFunc(arrived, time.Time.Compare)
	for _, q := range l.Quotas {
		if q.N == 0 {
			continue
		}
		for i := q.N; i < len(arrived); i++ {
			if apart := arrived[i].Sub(arrived[i-q.N]); apart < q.Window { // windows are half open
				r.Fatalf("%d within %v: the quota is %v", q.N+1, apart, q)
			}
		}
	}
}

func TestAQuotaIsUsedToTheLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limits := quotas(ratelimit.Quota{N: 100, Window: time.Minute})
		limits.Limited, limits.Rate, limits.Burst = true, 5, 1
		starts := run(t, ratelimit.New(limits).Join(1, nothing), 3*time.Minute, 150*time.Millisecond)
		if len(starts) != 300 {
			t.Errorf("%d started in three minutes of 100 each", len(starts))
		}
	})
}

func TestAChangeOfTheQuotasForgetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hour := func(n int) ratelimit.Limits { return quotas(ratelimit.Quota{N: n, Window: time.Hour}) }
		p := ratelimit.New(hour(50))
		s := p.Join(1, nothing)
		startAll(t, s)
		// Of the 80 that have started, 60 are known after the second step.
		for _, step := range []struct{ n, more int }{{80, 30}, {60, 0}, {90, 30}, {91, 1}} {
			p.Set(time.Now(), hour(step.n))
			if n := startAll(t, s); n != step.more {
				t.Errorf("%d more started of %d", n, step.n)
			}
		}
		<-time.After(time.Hour)
		if n := startAll(t, s); n != 91 {
			t.Errorf("%d started an hour later", n)
		}
	})
}

func TestAPlanKnowsWhatTheQuotasLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p := ratelimit.New(quotas(ratelimit.Quota{N: 4, Window: time.Second}, ratelimit.Quota{N: 10, Window: time.Minute}))
		s, other := p.Join(1, nothing), p.Join(1, nothing)
		other.SetDry(true)
		expect := func(usable, soon int, next time.Duration) {
			t.Helper()
			if got := s.Usable(time.Now(), 100); got != usable {
				t.Errorf("%d usable, not %d", got, usable)
			}
			n, at := s.Soon(time.Now(), 10*time.Second)
			if n != soon || !at.IsZero() && at.Sub(begin) != next || at.IsZero() != (next == 0) {
				t.Errorf("%d soon, not %d; more after %v, not %v", n, soon, at.Sub(begin), next)
			}
		}
		expect(4, 4, 0)
		startAll(t, s)
		expect(0, 4, 0) // the second is over in ten
		<-time.After(time.Second)
		startAll(t, s)
		<-time.After(time.Second)
		expect(2, 2, 50*time.Second)
		startAll(t, s)
		expect(0, 0, 50*time.Second)
		other.SetDry(false)
		<-time.After(48 * time.Second)
		expect(0, 2, 51*time.Second) // half of four that are free in ten seconds
		if u := p.Quotas(time.Now()); len(u) != 2 || u[0].Used != 0 || u[1].Used != 10 ||
			u[1].FreeAt.Sub(begin) != time.Minute || u[0].FreeAt.After(time.Now()) || u[1].String() != "10/m" {
			t.Errorf("%+v", u)
		}
		if n, at := ratelimit.New(quotas()).Join(1, nothing).Soon(time.Now(), time.Second); n != math.MaxInt || !at.IsZero() {
			t.Errorf("without a quota: %d, %v", n, at)
		}
	})
}
