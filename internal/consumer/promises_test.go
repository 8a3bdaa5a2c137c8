package consumer

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestADeliveryStartsWithEnoughVisibilityLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(8*time.Second)
		q.send(2)
		q.fault = func(action string, _ int) error {
			if action == "change" && time.Since(q.messages[0].sent) < time.Minute {
				return away("", 0)
			}
			return nil
		}
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			n, _ := strconv.Atoi(m.ID[1:])
			if left := time.Until(q.hiddenUntil(n)); left < 5*time.Second {
				t.Errorf("%s starts with %v left", m.ID, left)
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Visibility, o.Timeout = 10*time.Second, 10*time.Second })
		pass(2 * time.Minute)
		e.stop()
		if n := q.left(); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}

// stubborn is a target that cannot be canceled: it has taken the request.
type stubborn struct{ *fakeTarget }

func (s stubborn) Deliver(ctx context.Context, queue string, m *message.Message) message.Result {
	return s.fakeTarget.Deliver(context.WithoutCancel(ctx), queue, m)
}

func TestWhatWasLostAndDeliveredAfterAllIsDeletedWhenItComesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(40*time.Second)
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Timeout, o.Deliver = time.Minute, stubborn{f} })
		pass(time.Second)
		q.mu.Lock()
		q.messages[0].handle = "m0/elsewhere" // the other receiver dies with it
		q.messages[0].visible = time.Now().Add(time.Minute)
		q.mu.Unlock()
		pass(3 * time.Minute)
		e.stop()
		if n := f.tried()["m0"]; n != 1 || q.left() != 0 {
			t.Errorf("%d deliveries, %d left", n, q.left())
		}
	})
}

func TestADeliveryOfAMessageThatIsLostBeforeItBeginsIsCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Minute)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Second)
		e.mu.Lock()
		l := &life{message: &message.Message{ID: "m0"}, state: delivering, lost: true}
		e.gate.Enter(&l.try, "m0")
		if e.pace.Start(time.Now(), &l.pace, 1, func() bool { return e.gate.Begin(time.Now(), &l.try) }) != ratelimit.Nothing {
			t.Error("it may not be tried")
		}
		e.running++
		e.deliveries.hire(l)
		e.mu.Unlock()
		pass(time.Second)
		if f.atOnce != 0 || f.deliveries() != 1 {
			t.Errorf("%d of %d deliveries run on", f.atOnce, f.deliveries())
		}
		e.stop()
	})
}

// ordered is a queue whose messages are of one group. Unlike SQS it hands them out while
// others of it are in flight.
type ordered struct{ *fakeQueue }

func (q ordered) ReceiveWithin(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string, _ func(context.Context, int)) ([]*message.Message, error) {
	all, err := q.fakeQueue.ReceiveWithin(ctx, maximum, wait, visibility, attempt, nil)
	for _, m := range all {
		n, _ := strconv.Atoi(m.ID[1:])
		m.GroupID, m.SequenceNumber = "group", fmt.Sprintf("%020d", n)
	}
	return all, err
}

func TestOneOfAGroupIsDeliveredAtATimeInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(1)
		var order []string
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			order = append(order, m.ID)
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.FIFO, o.Source = true, ordered{q} })
		pass(300 * time.Millisecond)
		q.send(9)
		pass(30 * time.Second)
		e.stop()
		if most := f.mostAtOnce(); most != 1 || fmt.Sprint(order) != "[m0 m1 m2 m3 m4 m5 m6 m7 m8 m9]" {
			t.Errorf("%d at once, %v", most, order)
		}
	})
}

func TestWhatWaitsBehindARejectedMessageOfItsGroupGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(10)
		f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
			if m.ID == "m0" {
				return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, f.took
			}
			if try == 1 && m.ReceiveCount == 1 {
				t.Errorf("%s is delivered after its first receive", m.ID)
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.FIFO, o.Source = true, ordered{q} })
		pass(time.Minute)
		e.abort()
		<-e.summary
	})
}

func TestAHeldMessageHasATurnWhileOthersWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.send(300)
		f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
			if m.ID == "m5" && try == 1 {
				return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}, f.took
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(10 * time.Second)
		if n := len(f.took2xx()); f.took2xx()["m5"] != 1 || n > 200 {
			t.Errorf("%d are delivered, %d times the one that was held", n, f.took2xx()["m5"])
		}
		e.stop()
	})
}

func TestAStopStartsNothingMoreThoughThereIsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(300)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 2}, func(o *Options) { o.Timeout, o.DrainTimeout = 2*time.Second, time.Minute })
		pass(3500 * time.Millisecond)
		n := f.deliveries()
		if s := e.stop(); f.deliveries() != n || s.Released == 0 {
			t.Errorf("%d deliveries before the stop, %d after it: %+v", n, f.deliveries()-n, s)
		}
	})
}

func TestWhatWaitsBehindAMessageThatMakesRoomGoesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := heavy(80), newFakeTarget(time.Second)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID == "m0" {
				return throttled429, f.took
			}
			if m.ID == "m1" && m.ReceiveCount == 1 {
				t.Errorf("%s is delivered after its first receive", m.ID)
			}
			return delivered2xx, f.took
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.FIFO, o.Source = true, ordered{q} })
		pass(10 * time.Minute)
		if n := e.Snapshot(time.Now()).Settled["failed"]; n == 0 {
			t.Error("no room was made")
		}
		if n := q.messages[1].receives; n < 2 {
			t.Errorf("what waited behind it was received %d times", n)
		}
		e.abort()
		<-e.summary
	})
}
