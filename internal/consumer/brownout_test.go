package consumer

import (
	"hash/fnv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var throttled = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}

// takesAtOnce has the target answer 429 to more than n at once.
func takesAtOnce(f *fakeTarget, n int) (refused *atomic.Int64) {
	return takesAtOnceElse(f, n, throttled)
}

// takesAtOnceElse has the target refuse more than n at once.
func takesAtOnceElse(f *fakeTarget, n int, refusal message.Result) (refused *atomic.Int64) {
	refused = new(atomic.Int64)
	var ends []time.Time
	f.answer = func(*message.Message, int) (message.Result, time.Duration) {
		now, running := time.Now(), 0
		for _, end := range ends {
			if end.After(now) {
				ends[running] = end
				running++
			}
		}
		ends = ends[:running]
		if running >= n {
			refused.Add(1)
			return refusal, time.Millisecond
		}
		ends = append(ends, now.Add(f.took))
		return delivered2xx, f.took
	}
	return refused
}

func TestABrownOutIsWorkedOffWithFewRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const messages, atOnce = 1500, 8
		q, f := newFakeQueue(), newFakeTarget(200*time.Millisecond)
		refused := takesAtOnce(f, atOnce)
		q.send(messages)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 50}, nil)
		pass(messages * f.took / atOnce * 14 / 10)
		if n := len(f.took2xx()); n < messages {
			t.Errorf("%d of %d were delivered in 1.4 times the shortest time", n, messages)
		}
		if n := refused.Load(); n > 5*messages {
			t.Errorf("%d refusals for %d messages", n, messages)
		}
		e.abort()
		<-e.summary
	})
}

func TestMessagesThatAreAlwaysRefusedDoNotLookLikeABrownOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const lasts, rate = 2 * time.Minute, 50
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		good := func(id string) bool {
			h := fnv.New32a()
			_, _ = h.Write([]byte(id))
			return h.Sum32()%10 >= 6
		}
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if good(m.ID) {
				return delivered2xx, f.took
			}
			return throttled, time.Millisecond
		}
		q.send(int(lasts.Seconds() * rate))
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: rate, Burst: 1}, nil)
		pass(lasts)
		if n, oracle := len(f.took2xx()), 0.4*rate*lasts.Seconds(); float64(n) < 0.75*oracle {
			t.Errorf("%d good ones were delivered beside the refused ones; an oracle delivers %.0f", n, oracle)
		}
		e.abort()
		<-e.summary
	})
}
