package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestTheSameMessageTwiceInHandIsOneDeliveryAndOneSettleWithTheNewestHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(3*time.Second)
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(time.Second)
		q.mu.Lock()
		q.messages[0].visible = time.Now() // SQS hands it out again, as it may
		q.mu.Unlock()
		q.send(1)
		pass(10 * time.Second)
		s := e.stop()
		if f.tried()["m0"] != 1 || q.left() != 0 || s.Delivered != 2 {
			t.Errorf("%d deliveries, %d left, summary %+v", f.tried()["m0"], q.left(), s)
		}
		if n := e.stats.duplicates; n != 1 {
			t.Errorf("%d duplicates counted", n)
		}
	})
}

func TestAnOldReceiveWhoseAnswerIsLateDoesNotReplaceTheNewestHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(3*time.Second)
		q.send(30)
		q.late = func(id string, receives int) time.Duration {
			if id == "m20" && receives == 1 {
				return 11 * time.Second // by then it was received again, and is being delivered
			}
			return 0
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 30}, func(o *Options) { o.Visibility, o.Timeout = 10*time.Second, 8*time.Second })
		pass(time.Minute)
		if s := e.stop(); s != (Summary{Delivered: 30}) {
			t.Errorf("summary %+v", s)
		}
		if m := q.messages[20]; m.receives != 2 || !m.deleted || f.tried()["m20"] != 1 {
			t.Errorf("%d receives and %d deliveries, deleted: %t; want 2 and 1", m.receives, f.tried()["m20"], m.deleted)
		}
	})
}

func TestAnOldReceiveDoesNotReplaceTheNewestHandleThoughTheNewestWasLateToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Second)
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(5 * time.Second)
		func() {
			e.mu.Lock()
			defer e.mu.Unlock()
			now := time.Now()
			comes := func(handle string, receives int, handedOut, sent time.Duration) {
				m := &message.Message{ID: "m0", ReceiptHandle: handle, Body: "{}", SentAt: now, ReceiveCount: receives}
				e.takeIn(now, now.Add(-handedOut), &poll{sent: now.Add(-sent)}, m)
			}
			comes("m0/3", 3, 4*time.Second, 4*time.Second)
			comes("m0/2", 2, time.Second, time.Second) // by a receive that was out already
			if handle := e.hand.byKey[keyOf("m0")].message.ReceiptHandle; handle != "m0/3" {
				t.Errorf("the handle is %s", handle)
			}
		}()
		e.abort()
		<-e.summary
	})
}
