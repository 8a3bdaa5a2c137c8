package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAfterAPeakAQueueKeepsOnlyTheGoroutinesThatItNeeds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(200)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 50}, nil)
		resting := func() int {
			e.mu.Lock()
			defer e.mu.Unlock()
			return len(e.polls.idle) + len(e.deliveries.idle) + len(e.calls.idle)
		}
		pass(10 * time.Second)
		if n := resting(); n < 50 {
			t.Errorf("%d goroutines rest after a peak of 50 deliveries: too few for this test", n)
		}
		pass(50 * time.Second)
		if n := resting(); n > 1 { // the one that asks for the depth
			t.Errorf("%d goroutines rest a minute after the peak", n)
		}
		q.send(10)
		pass(10 * time.Second)
		if n := len(f.took2xx()); n != 210 {
			t.Errorf("%d of 210 are delivered", n)
		}
		e.stop()
	})
}
