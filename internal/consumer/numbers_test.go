package consumer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// within fails unless a number is within that share of what it should be.
func within(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if !(math.Abs(got-want) <= share*want) {
		t.Errorf("%s is %.1f, want %.1f", what, got, want)
	}
}

func limitedTo(rate float64) ratelimit.Limits {
	return ratelimit.Limits{Concurrency: 20, Limited: true, Rate: rate, Burst: 1}
}

func TestABurstToAnIdleWorkerHasItsTimeToEmptyWithin15Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		pass(10 * time.Minute)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainEmpty || d.Seconds != 0 {
			t.Errorf("the idle queue: %+v", d)
		}
		q.send(1000)
		begun := time.Now()
		for pass(15 * time.Second); time.Since(begun) < 34*time.Second; pass(time.Second) {
			d := e.Snapshot(time.Now()).Drain
			if d.State != DrainShrinking {
				t.Fatalf("after %v it is %s", time.Since(begun), d.State)
			}
			within(t, "the time to empty", d.Seconds, 1000.0/28-time.Since(begun).Seconds(), 0.1)
		}
		pass(20 * time.Second)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainEmpty {
			t.Errorf("the empty queue: %+v", d)
		}
		e.stop()
	})
}

func TestABurstSoonAfterTheStartIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		pass(3 * time.Second)
		q.send(1000)
		pass(2 * time.Second)
		if d := e.Snapshot(time.Now()).Depth; d.Visible < 850 {
			t.Errorf("%d visible", d.Visible)
		}
		e.stop()
	})
}

func TestWhatArrivesCountsAgainstTheTimeToEmpty(t *testing.T) {
	t.Parallel()
	for arriving, want := range map[time.Duration]DrainState{
		50 * time.Millisecond: DrainShrinking, 25 * time.Millisecond: DrainSteady, 15 * time.Millisecond: DrainGrowing,
	} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			q.send(3000)
			e := run(t, q, f, limitedTo(40), nil)
			for end := time.Now().Add(45 * time.Second); time.Now().Before(end); pass(arriving) {
				q.send(1)
			}
			d := e.Snapshot(time.Now()).Drain
			if d.State != want {
				t.Errorf("one every %v: %+v", arriving, d)
			}
			if want == DrainShrinking {
				within(t, "the time to empty", d.Seconds, float64(q.left())/(40-20), 0.1)
			}
			e.stop()
		})
	}
}

func TestAnOutageAndAPauseHaveNoTimeToEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		up := f.downWith(message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		q.send(2000)
		e := run(t, q, f, limitedTo(28), nil)
		for range 10 {
			pass(5 * time.Second)
			if d := e.Snapshot(time.Now()).Drain; d.State == DrainShrinking || !math.IsNaN(d.Seconds) && !math.IsInf(d.Seconds, 1) {
				t.Errorf("in an outage: %+v", d)
			}
		}
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainAway || d.Left != 2000 {
			t.Errorf("with the gate closed: %+v", d)
		}
		up()
		pass(30 * time.Second)
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		pass(time.Minute)
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainPaused || !math.IsNaN(d.Seconds) {
			t.Errorf("paused: %+v", d)
		}
		e.stop()
	})
}

func TestAQueueIsNotGrowingBecauseOfOneBurst(t *testing.T) {
	t.Parallel()
	for _, between := range []time.Duration{time.Second, 4 * time.Second, 7 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
			e := run(t, q, f, limitedTo(28), nil)
			pass(3 * time.Second)
			q.send(200)
			pass(between) // SQS is asked while they are being sent
			q.send(800)
			for i := range 30 {
				if d := e.Snapshot(time.Now()).Drain; d.State == DrainGrowing {
					t.Errorf("%d s after a burst: %+v", i, d)
				}
				pass(time.Second)
			}
			e.stop()
		})
	}
}

func TestOneBurstIsNotTheSpeedOfArriving(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	for _, visible := range []int{100, 100, 5100, 5100} {
		b.answered(now, message.Depth{Visible: visible}, false)
		now = now.Add(15 * time.Second)
	}
	if perSecond, known := b.arriving(); !known || perSecond != 0 {
		t.Errorf("%.0f/s arrive", perSecond)
	}
}

func TestTheSpeedFollowsAChangeOfPaceAndIsTheMeanOfASteadyMinute(t *testing.T) {
	var s speed
	now := time.Unix(1_700_000_000, 0)
	runFor := func(d time.Duration, each time.Duration) {
		for end := now.Add(d); now.Before(end); now = now.Add(each) {
			s.add(now, 10)
		}
	}
	runFor(4*time.Second, 100*time.Millisecond)
	if _, known := s.perSecond(now, 10); known {
		t.Error("it is known after 4 s")
	}
	runFor(50*time.Second, 1300*time.Millisecond)
	if is, _ := s.perSecond(now, 10); math.Abs(is-1/1.3) > 0.03 {
		t.Errorf("%.2f/s, want %.2f/s", is, 1/1.3)
	}
	runFor(12*time.Second, 10*time.Millisecond)
	if is, _ := s.perSecond(now, 10); math.Abs(is-100) > 5 {
		t.Errorf("after the change: %.1f/s, want 100/s", is)
	}
	now = now.Add(time.Minute)
	runFor(6*time.Second, 50*time.Millisecond)
	if is, known := s.perSecond(now, 10); !known || math.Abs(is-20) > 1 {
		t.Errorf("after a rest: %.1f/s, want 20/s", is)
	}
}

func TestTheSpeedOfTheFirstSecondsIsNotDividedByTen(t *testing.T) {
	var p perSecond
	now := time.Unix(1_700_000_000, 0)
	p.mean(now)
	for i := range 200 {
		at := now.Add(time.Duration(i) * 100 * time.Millisecond)
		if got := p.mean(at); at.Sub(now) >= 2*time.Second && got != 10 {
			t.Fatalf("after %v it is %v/s", at.Sub(now), got)
		}
		p.add(at)
	}
}
