package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// delayed runs an engine at 100/s whose receives take so long to SQS, until messages wait and a receive has
// just gone out.
func delayed(t *testing.T, takes time.Duration) (*fakeQueue, *engine) {
	t.Helper()
	q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
	q.send(300)
	q.fault = func(action string, call int) error {
		if action == "receive" && call > 3 {
			<-time.After(takes)
		}
		return nil
	}
	e := run(t, q, f, ratelimit.Limits{Concurrency: 50, Limited: true, Rate: 100, Burst: 1}, nil)
	underWay := func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return q.called("receive") > 3 && e.hand.count[waiting] > 0 && len(e.demand.polls) > 0 && time.Since(e.demand.polls[0].sent) > 30*time.Millisecond
	}
	for !underWay() {
		pass(time.Millisecond)
	}
	return q, e
}

// A receive that is under way at a stop may arrive at SQS after the release of what waits, and bring
// it again.
func TestWhatWaitsAtAStopIsReleasedOnceTheReceivesUnderWayAreBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, e := delayed(t, 100*time.Millisecond)
		begin := time.Now()
		if s := e.stop(); s.Released < 10 || mostReceives(q) > 1 || q.invisible() > 0 {
			t.Errorf("%+v; a message was received %d times, %d are invisible", s, mostReceives(q), q.invisible())
		}
		if took := time.Since(begin); took > 300*time.Millisecond {
			t.Errorf("the drain took %v", took)
		}
	})
}

func TestWhatWaitsAtAStopWaitsForAReceiveAsLongAsARoundTripTakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, e := delayed(t, 5*time.Second)
		e.drain()
		if pass(150 * time.Millisecond); q.called("change") > 0 {
			t.Error("what waits is released while a receive is under way")
		}
		if pass(200 * time.Millisecond); q.called("change") == 0 {
			t.Error("nothing is released yet")
		}
		<-e.summary
	})
}

// A long poll may last for 20 s, and another replica may wait for the messages.
func TestWhatWaitsAtAStopDoesNotWaitForALongPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 50, Limited: true, Rate: 2, Burst: 1}, nil)
		q.send(3)
		pass(10 * time.Second) // two receives are parked
		q.send(10)
		pass(time.Second)
		func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			if e.hand.count[waiting] == 0 || e.demand.parked(time.Now()) == 0 {
				t.Errorf("%d messages wait, and %d receives are parked", e.hand.count[waiting], e.demand.parked(time.Now()))
			}
		}()
		e.drain()
		pass(200 * time.Millisecond)
		if q.called("change") == 0 {
			t.Error("nothing is released yet")
		}
		<-e.summary
	})
}
