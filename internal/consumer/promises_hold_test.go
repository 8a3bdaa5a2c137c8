package consumer

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var throttled429 = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}

func TestAMessageAloneIsGivenUpThoughNothingElseHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		outage(f, 0, time.Hour, message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"})
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(290 * time.Second)
		if n := e.Snapshot(time.Now()).Settled["failed"]; n != 0 {
			t.Errorf("given up %d times before five minutes", n)
		}
		pass(30 * time.Second)
		if n := e.Snapshot(time.Now()).Settled["failed"]; n != 1 {
			t.Errorf("given up %d times after five minutes", n)
		}
		e.stop()
	})
}

func TestAHeldMessageWaitsThoughAnotherIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
		q.send(2)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			result := throttled429
			if m.ID == "m0" {
				result.RetryAfter = 5 * time.Minute
			}
			return result, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Minute)
		if tried := f.tried(); tried["m0"] != 1 || tried["m1"] < 3 {
			t.Errorf("tried %v", tried)
		}
		e.abort()
		<-e.summary
	})
}

// heavy is a queue whose bodies have a mebibyte each.
func heavy(n int) *fakeQueue {
	q, body := newFakeQueue(), strings.Repeat("x", 1<<20)
	q.send(n)
	for _, m := range q.messages {
		m.body = body
	}
	return q
}

func TestRoomIsMadeWithMessagesThatHaveReceivesLeft(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 5} {
		t.Run(strconv.Itoa(most), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := heavy(300), newFakeTarget(10*time.Millisecond)
				q.attributes.MaxReceiveCount = most
				f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
					if n, _ := strconv.Atoi(m.ID[1:]); n%3 == 0 {
						return throttled429, f.took
					}
					return delivered2xx, f.took
				}
				e := run(t, q, f, ratelimit.Limits{Concurrency: 4}, nil)
				pass(10 * time.Minute)
				if n := e.Snapshot(time.Now()).Settled["failed"]; (n > 0) != (most > 1) {
					t.Errorf("%d were released to make room, with %d receives each", n, most)
				}
				if n := len(f.took2xx()); most > 1 && n != 200 {
					t.Errorf("%d of 200 good ones are delivered", n)
				}
				e.abort()
				<-e.summary
			})
		})
	}
}

func TestWhileNothingWorksRoomIsMadeEvery90Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := heavy(300), newFakeTarget(10*time.Millisecond)
		outage(f, time.Second, time.Hour, message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
		f.took = 2 * time.Second
		e := run(t, q, f, ratelimit.Limits{Concurrency: 100}, nil)
		for range 30 * 60 {
			pass(time.Second)
			if n := e.options.Memory.Use().Messages; n > defaultBudget {
				t.Errorf("%d MiB are in hand", n>>20)
				break
			}
		}
		if n := e.Snapshot(time.Now()).Settled["failed"]; n < 10 || n > 21 {
			t.Errorf("%d were released to make room in 30 minutes", n)
		}
		e.abort()
		<-e.summary
	})
}
