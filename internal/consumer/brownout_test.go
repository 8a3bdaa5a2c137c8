package consumer

import (
	"fmt"
	"hash/fnv"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var throttled = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}

// takesAtOnce has the target refuse more than n at once.
func takesAtOnce(f *fakeTarget, n int, refusal message.Result) (refused *atomic.Int64) {
	refused = new(atomic.Int64)
	var ends []time.Time
	f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
		now := time.Now()
		ends = slices.DeleteFunc(ends, func(end time.Time) bool { return !end.After(now) })
		if len(ends) >= n {
			refused.Add(1)
			return refusal, time.Millisecond
		}
		took := f.took/2 + time.Duration(hashOf(m.ID)%1000)*f.took/1000
		ends = append(ends, now.Add(took))
		return delivered2xx, took
	}
	return refused
}

func hashOf(id string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()
}

func TestABrownOutIsWorkedOffWithFewRefusals(t *testing.T) {
	t.Parallel()
	unavailable := message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
	for i, test := range []struct {
		refusal       message.Result
		slots, atOnce int
		longest, most float64 // times the shortest time; refusals a message
	}{
		{throttled, 50, 4, 1.3, 6},
		{throttled, 50, 8, 1.2, 4},
		{throttled, 50, 25, 1.2, 2},
		{throttled, 50, 40, 1.2, 2},
		{throttled, 20, 8, 1.25, 3},
		{unavailable, 50, 4, 1.3, 6},
		{unavailable, 50, 8, 1.25, 4},
		{unavailable, 50, 25, 1.35, 3},
		{unavailable, 50, 40, 1.4, 2},
		{unavailable, 20, 8, 1.35, 3},
	} {
		if raceDetector && i%3 != 0 {
			continue
		}
		t.Run(fmt.Sprintf("%d to more than %d of %d", test.refusal.Status, test.atOnce, test.slots), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				messages := 100 * test.atOnce
				q, f := newFakeQueue(), newFakeTarget(200*time.Millisecond)
				refused := takesAtOnce(f, test.atOnce, test.refusal)
				q.send(messages)
				e := run(t, q, f, ratelimit.Limits{Concurrency: test.slots}, nil)
				shortest := 100 * f.took
				pass(time.Duration(test.longest * float64(shortest)))
				if n := len(f.took2xx()); n < messages {
					t.Errorf("%d of %d were delivered in %.2f times the shortest time", n, messages, test.longest)
				}
				if share := float64(refused.Load()) / float64(messages); share > test.most {
					t.Errorf("%.1f refusals a message", share)
				}
				if n := mostReceives(q); n > 1 && test.refusal.Outcome == message.Throttled {
					t.Errorf("a message was received %d times", n)
				}
				e.abort()
				<-e.summary
			})
		})
	}
}

func TestMessagesThatAreAlwaysRefusedDoNotLookLikeABrownOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const rate = 50
		lasts, share := 2*time.Minute, 0.75
		if raceDetector {
			lasts, share = time.Minute, 0.6 // the start weighs more
		}
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		good := func(id string) bool { return hashOf(id)%10 >= 6 }
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if good(m.ID) {
				return delivered2xx, f.took
			}
			return throttled, time.Millisecond
		}
		q.send(int(lasts.Seconds() * rate))
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: rate, Burst: 1}, nil)
		pass(lasts)
		if n, oracle := len(f.took2xx()), 0.4*rate*lasts.Seconds(); float64(n) < share*oracle {
			t.Errorf("%d good ones were delivered beside the refused ones; an oracle delivers %.0f", n, oracle)
		}
		e.abort()
		<-e.summary
	})
}
