package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// Too few fail for the gate to close: each waits for half of the time that nothing has
// succeeded, and that is over with the first success.
func TestTheFirstSuccessAfterAnOutageOfAQuietQueueBringsWhatIsHeldAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		outage(f, 0, 30*time.Second, message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		q.send(4)
		pass(30 * time.Second)
		if n := e.Snapshot(time.Now()).InHand["held"]; n != 4 {
			t.Fatalf("%d are held", n)
		}
		q.send(1)
		pass(2 * time.Second)
		if n := len(f.took2xx()); n != 5 {
			t.Errorf("2 s after the outage %d of 5 are delivered", n)
		}
		e.stop()
	})
}

// Retry-After is the target's own word: its message waits for it, whatever else succeeds.
func TestASuccessDoesNotShortenWhatRetryAfterAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		outage(f, 0, 10*time.Second, message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 20 * time.Second})
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		q.send(1)
		pass(15 * time.Second)
		q.send(1)
		pass(4 * time.Second)
		if good := f.took2xx(); good["m0"] != 0 || good["m1"] != 1 {
			t.Errorf("delivered by 19 s: %v", good)
		}
		pass(3 * time.Second)
		if good := f.took2xx(); good["m0"] != 1 {
			t.Errorf("delivered by 22 s: %v", good)
		}
		e.stop()
	})
}
