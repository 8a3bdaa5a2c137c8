package ratelimit_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// delivered is what most deliveries come to.
var delivered = message.Result{Outcome: message.Delivered, Status: 200}

// agreed always consents.
func agreed() bool { return true }

// start starts a delivery within the limits' slots.
func start(p *ratelimit.Share, now time.Time) ratelimit.Want {
	return p.Start(now, new(ratelimit.Try), p.Limits().Concurrency, agreed)
}

// nothing is the wake function of an owner that needs no waking.
func nothing() {}

// run starts deliveries for the given time, as soon as the pace allows, each lasting
// took. It returns their start times.
func run(t *testing.T, p *ratelimit.Share, until, took time.Duration) []time.Time {
	t.Helper()
	var starts []time.Time
	var ends []time.Time
	end := time.Now().Add(until)
	for now := time.Now(); now.Before(end); now = time.Now() {
		for len(ends) > 0 && !now.Before(ends[0]) {
			p.End(time.Now(), new(ratelimit.Try), delivered, 1)
			ends = ends[1:]
		}
		next := end
		switch start(p, now) {
		case ratelimit.Nothing:
			starts = append(starts, now)
			ends = append(ends, now.Add(took))
			continue
		case ratelimit.Token, ratelimit.Allowance:
			if due := p.Due(); !due.IsZero() && due.Before(next) {
				next = due
			}
		case ratelimit.Slot, ratelimit.Turn, ratelimit.Consent:
		}
		if len(ends) > 0 && ends[0].Before(next) {
			next = ends[0]
		}
		<-time.After(next.Sub(now))
	}
	for range ends {
		p.End(time.Now(), new(ratelimit.Try), delivered, 1)
	}
	return starts
}

func TestARateIsKeptAndNotExceededInAnyWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rate  float64
		burst int
	}{{1, 1}, {28, 1}, {50, 1}, {1000.0 / 60, 1}, {1000, 10}, {333.3, 3}} {
		t.Run(fmt.Sprintf("%g a second, burst %d", c.rate, c.burst), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := ratelimit.New(ratelimit.Limits{Concurrency: 100, Limited: true, Rate: c.rate, Burst: c.burst})
				starts := run(t, p.Join(1, nothing), 30*time.Second, 10*time.Millisecond)
				if got, want := float64(len(starts)), 30*c.rate; got < want-1 || got > want+float64(c.burst) {
					t.Errorf("%g starts in 30 s, want about %g", got, want)
				}
				tokens := make([]float64, len(starts))
				for i, s := range starts {
					tokens[i] = s.Sub(starts[0]).Seconds() * c.rate
				}
				checkWindows(t, starts, tokens, c.burst)
			})
		})
	}
}

func TestATokenUsedALittleLateIsUsedOnTime(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct {
		rate       float64
		late, next time.Duration // next is the second token after the first start
	}{
		{50, 5 * ms, 40 * ms},
		{50, 5*ms + 1, 45*ms + 1},
		{500, ms, 4 * ms},
		{500, ms + 1, 5*ms + 1},
		{1, 10 * ms, 2000 * ms},
		{1, 10*ms + 1, 2010*ms + 1},
		{1, time.Hour, time.Hour + 2000*ms},
	} {
		begun := time.Now()
		p := ratelimit.New(ratelimit.Limits{Concurrency: 9, Limited: true, Rate: c.rate, Burst: 1}).Join(1, nothing)
		start(p, begun)
		start(p, begun) // wants a token
		used := p.Due().Add(c.late)
		if want := start(p, used); want != ratelimit.Nothing {
			t.Errorf("at %g/s, %v late: wanted %v", c.rate, c.late, want)
		}
		start(p, used)
		if next := p.Due().Sub(begun); next < c.next || next > c.next+time.Microsecond {
			t.Errorf("at %g/s, %v late: the next token is due after %v, want %v", c.rate, c.late, next, c.next)
		}
	}
}

func TestNeverMoreDeliveriesAtOnceThanSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := ratelimit.New(ratelimit.Limits{Concurrency: 3}).Join(1, nothing)
		now := time.Now()
		for range 3 {
			if want := start(p, now); want != ratelimit.Nothing {
				t.Fatalf("wanted %v with slots free", want)
			}
		}
		if want := start(p, now); want != ratelimit.Slot {
			t.Fatalf("a fourth delivery wanted %v, not a slot", want)
		}
		p.End(time.Now(), new(ratelimit.Try), delivered, 1)
		if want := start(p, now); want != ratelimit.Nothing {
			t.Fatalf("wanted %v after one had ended", want)
		}
	})
}

func TestARateOfZeroPausesAndAHigherOneGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pace := ratelimit.New(ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 0, Burst: 1})
		woken := 0
		p := pace.Join(1, func() { woken++ })
		if want := start(p, time.Now()); want != ratelimit.Token || !p.Due().IsZero() {
			t.Fatalf("paused: wanted %v, due %v", want, p.Due())
		}
		if n := p.Usable(time.Now(), 10); n != 0 {
			t.Fatalf("%d could start while paused", n)
		}
		<-time.After(time.Hour)
		pace.Set(time.Now(), ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 100, Burst: 1})
		if woken != 1 {
			t.Fatalf("the owner was woken %d times", woken)
		}
		starts := run(t, p, time.Second, 0)
		if len(starts) != 100 {
			t.Fatalf("%d starts in the second after a pause of an hour", len(starts))
		}
	})
}

func TestATimerThatFiresLateCostsNoRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := ratelimit.New(ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 50, Burst: 1}).Join(1, nothing)
		begin := time.Now()
		n := 0
		for time.Since(begin) < 30*time.Second {
			if start(p, time.Now()) == ratelimit.Nothing {
				p.End(time.Now(), new(ratelimit.Try), delivered, 1)
				n++
				continue
			}
			<-time.After(time.Until(p.Due()) + 4*time.Millisecond)
		}
		if n < 1499 || n > 1501 {
			t.Errorf("%d starts in 30 s at 50/s", n)
		}
	})
}

// TestNoWindowHoldsMoreThanItsTokensAcrossChanges changes rate, burst and
// concurrency at random times, with pauses.
func TestNoWindowHoldsMoreThanItsTokensAcrossChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		type change struct {
			after time.Duration
			limit ratelimit.Limits
		}
		var changes []change
		for range rapid.IntRange(1, 6).Draw(r, "changes") {
			changes = append(changes, change{
				after: time.Duration(rapid.IntRange(1, 3000).Draw(r, "after")) * time.Millisecond,
				limit: ratelimit.Limits{
					Concurrency: rapid.IntRange(1, 50).Draw(r, "concurrency"),
					Limited:     true,
					Rate:        rapid.SampledFrom([]float64{0, 0.5, 1, 7, 28, 100, 999}).Draw(r, "rate"),
					Burst:       rapid.IntRange(1, 20).Draw(r, "burst"),
				},
			})
		}
		synctest.Test(t, func(t *testing.T) {
			pace := ratelimit.New(changes[0].limit)
			p := pace.Join(1, nothing)
			var starts []time.Time
			var tokens []float64 // total made by each start
			made, burst := 0.0, 0
			for _, c := range changes {
				pace.Set(time.Now(), c.limit)
				began := time.Now()
				burst = max(burst, c.limit.Burst)
				for _, s := range run(t, p, c.after, time.Duration(rapid.IntRange(0, 50).Draw(r, "took"))*time.Millisecond) {
					starts = append(starts, s)
					tokens = append(tokens, made+s.Sub(began).Seconds()*c.limit.Rate)
				}
				made += time.Since(began).Seconds() * c.limit.Rate
			}
			checkWindows(r, starts, tokens, burst)
		})
	})
}

// checkWindows checks that no window between two starts has more starts than tokens
// made in it plus the burst.
func checkWindows(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, starts []time.Time, tokens []float64, burst int,
) {
	t.Helper()
	for i := range starts {
		for j := i + 1; j < min(i+200, len(starts)); j++ {
			allowed := tokens[j] - tokens[i] + float64(burst)
			if got := float64(j - i + 1); got > allowed+1e-6 {
				t.Fatalf("%g starts between %v and %v, %g allowed", got, starts[i], starts[j], allowed)
			}
		}
	}
}
