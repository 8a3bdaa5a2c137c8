package consumer

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// byTheMinute is a target that takes so many in each minute of its clock, and says so in
// each answer, or by Retry-After alone.
func byTheMinute(n int, says bool) (answer func(*message.Message, int) (message.Result, time.Duration), refused func() int) {
	var minute time.Time
	taken, over := 0, 0
	return func(*message.Message, int) (message.Result, time.Duration) {
		now := time.Now()
		if m := now.Truncate(time.Minute); m != minute {
			minute, taken = m, 0
		}
		reset := minute.Add(time.Minute).Sub(now)
		r := delivered2xx
		if taken++; taken > n {
			over++
			r = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: reset}
		}
		if says {
			r.Limits = []message.Limit{{Remaining: max(n-taken, 0), Reset: reset}}
		}
		return r, 100 * time.Millisecond
	}, func() int { return over }
}

func TestMessagesThatAreRefusedForWhatTheyAreDoNotKeepTheOthersWaitingForThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if len(m.ID) <= 3 && m.ID < "m4" { // m0 to m3, m10 to m39
				return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 2 * time.Second}, time.Millisecond
			}
			return delivered2xx, f.took
		}
		q.send(300)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 7, Burst: 7, Follow: true}, nil)
		pass(150 * time.Second)
		if n, good := len(f.took2xx()), 266; n < good {
			t.Errorf("%d of %d were delivered in 150 s; gate %+v", n, good, e.door.Status(10))
		}
		e.abort()
		<-e.summary
	})
}

// Six messages in a row are refused for what they are, with a Retry-After of ten minutes: they look
// like the target's own word, until it takes another one.
func TestAFewMessagesInARowThatAreToldToWaitStopTheOthersForSecondsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(5*time.Millisecond)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if n, _ := strconv.Atoi(m.ID[1:]); n%5000 >= 4994 {
				return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 10 * time.Minute}, time.Millisecond
			}
			return delivered2xx, f.took
		}
		q.send(20_000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 50, Burst: 1, Follow: true}, nil)
		pass(5 * time.Minute)
		if n, most := len(f.took2xx()), 50*5*60; n < most*95/100 {
			t.Errorf("%d of %d were delivered in five minutes", n, most)
		}
		e.abort()
		<-e.summary
	})
}

func TestATargetThatSaysWhatItTakesIsNeverPassed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(1000)
		answer, refused := byTheMinute(60, true)
		f.answer = answer
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Follow: true}, nil)
		pass(40 * time.Second)
		if got := e.received(); got > 60 {
			t.Errorf("%d received of 60 that it takes", got)
		}
		pass(9*time.Minute + 10*time.Second)
		s := e.Snapshot(time.Now())
		if n := f.deliveries(); n < 580 || refused() != 0 {
			t.Errorf("%d delivered in ten minutes, %d refused", n, refused())
		}
		if e.door.State() != gate.Open || s.Received > 620 {
			t.Errorf("the gate is %v, %d received", e.door.State(), s.Received)
		}
		said := e.said()
		begins, ends := strings.Count(said, "waiting for the target as it asked"), strings.Count(said, "the target takes more again")
		if begins < 5 || begins > 10 || ends < begins-1 || ends > begins || strings.Count(said, "\n") != begins+ends { // one in a minute at most
			t.Errorf("it says:\n%s", said)
		}
		e.stop()
	})
}

// TestATargetThatAsksToWaitIsNoOutage: it says no more than Retry-After.
func TestATargetThatAsksToWaitIsNoOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(1000)
		answer, refused := byTheMinute(60, false)
		f.answer = answer
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Follow: true}, nil)
		closed := false
		for range 10 * 60 {
			pass(time.Second)
			closed = closed || e.door.State() == gate.Closed
		}
		s := e.Snapshot(time.Now())
		if n := f.deliveries() - refused(); n < 600 || refused() > 10*20 { // 9 beside the last that it takes, 2 that have it believed, 6 that ask
			t.Errorf("%d delivered in ten minutes, %d refused", n, refused())
		}
		if status := e.door.Status(10); closed || status.Strikes != 0 {
			t.Errorf("the gate has closed: %v; %d strikes", closed, status.Strikes)
		}
		if s.Settled["failed"] != 0 || s.Received > int64(f.deliveries())+20 {
			t.Errorf("settled %v, received %d", s.Settled, s.Received)
		}
		if s := e.stop(); s.Released > 30 {
			t.Errorf("%+v", s)
		}
	})
}

func TestNonsenseOfATargetsLimitsIsLoggedOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(100)
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			r := delivered2xx
			r.LimitsIgnored = 2
			return r, 10 * time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Follow: true}, nil)
		pass(time.Minute)
		if said := e.said(); strings.Count(said, "makes no sense in part") != 1 {
			t.Errorf("it says:\n%s", said)
		}
		if is := e.options.Pace.Told(time.Now()); is.Ignored != 200 {
			t.Errorf("%d counted", is.Ignored)
		}
		e.stop()
	})
}
