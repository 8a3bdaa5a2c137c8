package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestARejectedMessageIsReleasedWithABackoffByItsReceiveCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(1)
		f.answer = func(_ *message.Message, try int) (message.Result, time.Duration) {
			if try <= 3 {
				return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, time.Millisecond
			}
			return delivered2xx, time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(5 * time.Minute)
		s := e.stop()
		if s.Delivered != 1 || s.Rejected != 3 {
			t.Errorf("summary %+v", s)
		}
		for i, want := range [][2]int{{1, 1}, {1, 2}, {2, 4}} {
			if got := q.delay(0, i); got < want[0] || got > want[1] {
				t.Errorf("release %d asked for %d s, want %d to %d", i+1, got, want[0], want[1])
			}
		}
	})
}

func TestAtMaxReceiveCountAReleaseIsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(1)
		q.messages[0].receives = 4
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx", RetryAfter: time.Minute}, time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Second)
		if got := q.delay(0, 0); got != 0 {
			t.Errorf("released for %d s", got)
		}
		e.stop()
	})
}

func TestRetryAfterWinsUpTo15Minutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.send(2)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			after := 7 * time.Second
			if m.ID == "m1" {
				after = time.Hour
			}
			return message.Result{Outcome: message.Rejected, Status: 409, Reason: "4xx", RetryAfter: after}, time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 2}, nil)
		pass(time.Second)
		if a, b := q.delay(0, 0), q.delay(1, 0); a != 7 || b != 900 {
			t.Errorf("released for %d and %d s, want 7 and 900", a, b)
		}
		e.stop()
	})
}
