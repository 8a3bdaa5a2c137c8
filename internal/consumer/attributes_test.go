package consumer

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// asked are the visibilities that receives asked for, in their order, each once.
type asked struct {
	*fakeQueue
	visibilities []time.Duration
}

func (a *asked) ReceiveWithin(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string, _ func(context.Context, int)) ([]*message.Message, error) {
	a.mu.Lock()
	if !slices.Contains(a.visibilities, visibility) {
		a.visibilities = append(a.visibilities, visibility)
	}
	a.mu.Unlock()
	return a.fakeQueue.ReceiveWithin(ctx, maximum, wait, visibility, attempt, nil)
}

func (a *asked) so(t *testing.T, want ...time.Duration) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.visibilities, want) {
		t.Errorf("receives asked for %v, want %v", a.visibilities, want)
	}
}

// trickle has one message come each second.
func trickle(q *fakeQueue, lasts time.Duration) {
	for range lasts / time.Second {
		q.send(1)
		pass(time.Second)
	}
}

func TestAChangedVisibilityIsFollowedByReceivesAndExtensionsAndSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID == "m13" {
				return delivered2xx, 100 * time.Second
			}
			return delivered2xx, 50 * time.Millisecond
		}
		source := &asked{fakeQueue: q}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Source, o.Timeout = source, 2*time.Minute })
		trickle(q, 21*time.Second) // SQS is asked at 15 or 20 s, and again 15 s later
		q.set(func(a *message.QueueAttributes) { a.VisibilityTimeout = 80 * time.Second })
		trickle(q, 2*time.Minute)
		s := e.stop()
		if q.left() != 0 || s.Abandoned != 0 || f.tried()["m13"] != 1 {
			t.Errorf("%d left, %d deliveries of m13, summary %+v", q.left(), f.tried()["m13"], s)
		}
		source.so(t, 30*time.Second, 80*time.Second)
		// In hand since before the change: extended at half of the old one, by what is known then.
		if got := slices.Compact(q.messages[13].delay); !slices.Equal(got, []int{30, 80}) {
			t.Errorf("m13 was extended by %v", got)
		}
		const line = "the queue's attributes have changed"
		if n := strings.Count(e.logs.String(), line); n != 1 || !strings.Contains(e.logs.String(), "visibility_timeout.old=30s visibility_timeout.new=1m20s\n") {
			t.Errorf("%d lines at the change:\n%s", n, e.logs)
		}
	})
}

func TestALoweredVisibilityTakesNothingFromWhatIsInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(40*time.Second)
		q.attributes.VisibilityTimeout = 10 * time.Minute
		q.send(40)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 5}, func(o *Options) { o.Timeout = time.Minute })
		pass(10 * time.Second)
		q.set(func(a *message.QueueAttributes) { a.VisibilityTimeout = 4 * time.Second })
		pass(10 * time.Minute)
		s := e.stop()
		if s != (Summary{Delivered: 40}) || q.left() != 0 {
			t.Errorf("%d left, summary %+v", q.left(), s)
		}
		if n := mostReceives(q); n != 1 {
			t.Errorf("a message was received %d times", n)
		}
	})
}

func TestARaisedVisibilityKeepsNothingInHandFromItsStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Timeout = 5 * time.Minute })
		q.send(30)
		pass(10 * time.Second)
		q.set(func(a *message.QueueAttributes) { a.VisibilityTimeout = 10 * time.Minute })
		pass(20*time.Second + 500*time.Millisecond) // no second in which nothing is delivered
		if n := f.deliveries(); n < 29 {
			t.Errorf("%d deliveries of a second each in 30 s", n)
		}
		e.stop()
	})
}

func TestTheVisibilityThatIsSetWinsOverTheQueues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		source := &asked{fakeQueue: q}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Source, o.Visibility = source, 50*time.Second })
		trickle(q, 5*time.Second)
		q.set(func(a *message.QueueAttributes) { a.VisibilityTimeout = 0 })
		trickle(q, time.Minute)
		e.stop()
		source.so(t, 50*time.Second)
		if logs := e.logs.String(); strings.Contains(logs, "visibility_timeout") {
			t.Errorf("a line of what changes nothing:\n%s", logs)
		}
	})
}

func TestAVisibilityOfNoneIsNotFollowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		source := &asked{fakeQueue: q}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Source = source })
		trickle(q, 5*time.Second)
		q.set(func(a *message.QueueAttributes) { a.VisibilityTimeout = 0 })
		trickle(q, 3*time.Minute)
		e.stop()
		source.so(t, 30*time.Second)
		if n := strings.Count(e.logs.String(), "the queue's visibility timeout is 0"); n < 2 || n > 4 {
			t.Errorf("%d warnings in three minutes:\n%s", n, e.logs)
		}
	})
}

func TestAChangedMaxReceiveCountIsFollowedByReleases(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID == "m0" || m.ID == "m20" {
				return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, time.Millisecond
			}
			return delivered2xx, 50 * time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		trickle(q, 4*time.Second)
		q.set(func(a *message.QueueAttributes) { a.MaxReceiveCount = 1 })
		trickle(q, 20*time.Second)
		if before, after := q.delay(0, 0), q.delay(20, 0); before == 0 || after != 0 {
			t.Errorf("released for %d s before the change and %d s after it, want 1 and 0", before, after)
		}
		q.set(func(a *message.QueueAttributes) { a.MaxReceiveCount = 0 })
		trickle(q, time.Minute) // the second line within a minute waits for its end
		e.stop()
		for _, want := range []string{"max_receive_count.old=5 max_receive_count.new=1", "max_receive_count.old=1 max_receive_count.new=0"} {
			if n := strings.Count(e.logs.String(), want); n != 1 {
				t.Errorf("%d lines with %s:\n%s", n, want, e.logs)
			}
		}
	})
}

func TestAChangedRetentionIsFollowedByItsWarning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.attributes.Retention = 96 * time.Hour
		q.send(300)
		pass(55 * time.Minute)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1, Limited: true, Rate: 5, Burst: 1}, nil)
		pass(10 * time.Second)
		if strings.Contains(e.logs.String(), "SQS drops messages soon") {
			t.Errorf("warned of a retention of four days:\n%s", e.logs)
		}
		q.set(func(a *message.QueueAttributes) { a.Retention = time.Hour })
		pass(30 * time.Second)
		e.stop()
		if !strings.Contains(e.logs.String(), "SQS drops messages soon") {
			t.Errorf("no warning of an hour's retention:\n%s", e.logs)
		}
	})
}

func refused(action string) error {
	return &message.SQSError{Action: action, Queue: "orders", Fault: message.Refused, Code: "AWS.SimpleQueueService.NonExistentQueue", Err: context.Canceled}
}

func TestAQueueThatIsMadeAnewIsFollowedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		source := &asked{fakeQueue: q}
		gone := false
		q.fault = func(action string, _ int) error {
			q.mu.Lock()
			defer q.mu.Unlock()
			if gone {
				return refused(action)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Source = source })
		trickle(q, 20*time.Second)
		q.mu.Lock()
		gone, q.attributes.VisibilityTimeout = true, time.Minute
		q.mu.Unlock()
		pass(2 * time.Minute)
		q.mu.Lock()
		gone = false
		q.mu.Unlock()
		q.send(1)
		for range 40 { // receives are tried every half minute
			if pass(time.Second); f.deliveries() > 20 {
				break
			}
		}
		pass(time.Second)
		q.send(1)
		pass(time.Second)
		source.so(t, 30*time.Second, time.Minute)
		e.stop()
	})
}

func TestWhatWasRefusedIsTriedAgainAsSoonAsAnythingElseWorks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(3*time.Second)
		gone := time.Now().Add(4 * time.Second)
		back := gone.Add(2 * time.Minute)
		worked := make(map[string]time.Time)
		q.fault = func(action string, _ int) error {
			q.mu.Lock()
			defer q.mu.Unlock()
			now := time.Now()
			if now.After(gone) && now.Before(back) {
				return refused(action)
			}
			if _, ok := worked[action]; now.After(back) && !ok {
				worked[action] = now
			}
			return nil
		}
		q.attributes.VisibilityTimeout = 10 * time.Minute
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		q.send(30)
		pass(4 * time.Minute)
		s := e.stop()
		if s != (Summary{Delivered: 30}) {
			t.Errorf("summary %+v", s)
		}
		if apart := worked["delete"].Sub(worked["receive"]).Abs(); apart > time.Second {
			t.Errorf("deletes and receives work again %s apart, %s and %s after the refusal", apart, worked["delete"].Sub(back), worked["receive"].Sub(back))
		}
	})
}

func TestAttributesThatMayNotBeReadAreAskedForOnceAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.fault = func(action string, _ int) error {
			if action == "look" {
				return refused(action)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		trickle(q, 10*time.Minute)
		if n, lines := q.called("look"), strings.Count(e.logs.String(), "depth is not known"); n != 1 || lines != 1 {
			t.Errorf("%d calls and %d lines in ten minutes:\n%s", n, lines, e.logs)
		}
		trickle(q, time.Hour)
		if n := q.called("look"); n != 2 {
			t.Errorf("%d calls in 70 minutes", n)
		}
		e.stop()
	})
}

func TestOneLostAnswerAboutTheDepthIsNotSaidAndAMinuteOfThemIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.send(1000)
		e := run(t, q, f, limitedTo(4), nil)
		pass(time.Minute)
		lose := func(lasting time.Duration) {
			q.answers(func(action string, _ int) error {
				if action == "look" {
					return &message.SQSError{Action: action, Queue: "orders", Fault: message.Network, Err: context.DeadlineExceeded}
				}
				return nil
			})
			pass(lasting)
			q.answers(nil)
			pass(30 * time.Second)
		}
		lose(20 * time.Second)
		if said := e.said(); strings.Contains(said, "depth is not known") {
			t.Errorf("it is known:\n%s", said)
		}
		lose(100 * time.Second)
		if lines := strings.Count(e.said(), "depth is not known"); lines != 1 {
			t.Errorf("%d lines:\n%s", lines, e.said())
		}
		e.stop()
	})
}
