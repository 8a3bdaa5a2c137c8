package consumer

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// pairs is a queue whose messages are in groups of two: m0 and m1, m2 and m3.
type pairs struct{ *fakeQueue }

func (q pairs) ReceiveWithin(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string, _ func(context.Context, int)) ([]*message.Message, error) {
	all, err := q.fakeQueue.ReceiveWithin(ctx, maximum, wait, visibility, attempt, nil)
	for _, m := range all {
		var n int
		_, _ = fmt.Sscanf(m.ID, "m%d", &n)
		m.GroupID, m.SequenceNumber = fmt.Sprint(n/2), fmt.Sprintf("%020d", n)
	}
	return all, err
}

func TestAGroupDoesNotWaitForALongPollWhenItsHeadHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		q.send(10)
		begun, again := time.Now(), time.Duration(0)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID == "m8" && m.ReceiveCount == 1 {
				return message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}, f.took
			}
			if m.ID == "m8" && again == 0 {
				again = time.Since(begun)
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.FIFO, o.Source = true, pairs{q} })
		pass(time.Second)
		q.send(1) // whose delivery proves that m8 is at fault
		pass(time.Minute)
		if again == 0 || again > followedWait+3*time.Second {
			t.Errorf("it comes again after %s", again)
		}
		if n := q.left(); n != 0 {
			t.Errorf("%d are left", n)
		}
		before := q.called("receive")
		pass(time.Hour)
		if n := q.called("receive") - before; n > 181 {
			t.Errorf("%d receives in an idle hour", n)
		}
		e.stop()
	})
}

func TestAQueueIsNotCalledBlockedSoonerWhereReceivesAreShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Minute)
		q.send(2)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.FIFO, o.Source, o.Timeout = true, pairs{q}, time.Hour })
		q.claim(7, 0)
		for _, want := range []struct {
			after   time.Duration
			blocked string
		}{{50 * time.Second, ""}, {90 * time.Second, "groups"}} {
			if pass(want.after); e.Snapshot(time.Now()).Blocked != want.blocked {
				t.Errorf("blocked by %q, want %q", e.Snapshot(time.Now()).Blocked, want.blocked)
			}
		}
		if n := q.called("receive"); n < 20 || n > 35 {
			t.Errorf("%d receives while one waits behind another for 140 s", n)
		}
		e.abort()
		<-e.summary
	})
}
