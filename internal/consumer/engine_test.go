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

func TestEveryMessageIsDeliveredOnceAndDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.send(1000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 20}, nil)
		pass(time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d messages left in the queue", n)
		}
		s := e.stop()
		if s != (Summary{Delivered: 1000}) {
			t.Errorf("summary %+v", s)
		}
		for id, n := range f.tried() {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
		if f.mostAtOnce() != 20 {
			t.Errorf("%d deliveries at once with 20 slots", f.mostAtOnce())
		}
		if calls := q.called("receive", "delete"); calls > 220 {
			t.Errorf("%d receives and %d deletes for 1000 messages", q.called("receive"), q.called("delete"))
		}
	})
}

func TestThePaceIsTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(50*time.Millisecond)
		q.send(2000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 20, Limited: true, Rate: 28, Burst: 1}, nil)
		pass(60 * time.Second)
		if n := f.deliveries(); n < 28*60-10 || n > 28*60+1 {
			t.Errorf("%d starts in a minute at 28/s", n)
		}
		if calls := q.called("receive", "delete"); float64(calls) > 0.22*28*60 {
			t.Errorf("%d receives and %d deletes in a minute", q.called("receive"), q.called("delete"))
		}
		if most := e.Snapshot(time.Now()).InHand["waiting"]; most > 26 {
			t.Errorf("%d waiting in hand", most)
		}
		e.stop()
	})
}

func TestAnIdleQueueCostsOneLongPollEach20Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(10 * time.Minute)
		before := q.called("receive", "look")
		pass(time.Hour)
		if n := q.called("receive", "look") - before; n > 182 {
			t.Errorf("%d requests in an idle hour", n)
		}
		e.stop()
	})
}

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

func TestALongDeliveryIsExtendedAndDeliveredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(95*time.Second)
		q.send(30)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) {
			o.Visibility = 4 * time.Second
			o.Timeout = 2 * time.Minute
		})
		pass(6 * time.Minute)
		s := e.stop()
		if s != (Summary{Delivered: 30}) {
			t.Errorf("summary %+v", s)
		}
		for id, n := range f.tried() {
			if n != 1 {
				t.Errorf("%s was delivered %d times", id, n)
			}
		}
	})
}

func TestAMessageWhoseDeleteFailsIsExtendedUntilItIsDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(5)
		q.fault = func(action string, _ int) error {
			if action == "delete" && time.Since(q.messages[0].sent) < 10*time.Minute {
				return away(action, 0)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 5}, nil)
		pass(11 * time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d left", n)
		}
		s := e.stop()
		if s != (Summary{Delivered: 5}) || f.deliveries() != 5 {
			t.Errorf("summary %+v, %d deliveries", s, f.deliveries())
		}
		if lines := strings.Count(e.logs.String(), "calls=deletes"); lines > 12 {
			t.Errorf("%d lines about failing deletes in ten minutes", lines)
		}
	})
}

func TestWhatWasDeliveredAndComesAgainIsDeletedNotDelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(5)
		outage := func() bool { return time.Since(q.messages[0].sent) < 2*time.Minute }
		q.fault = func(action string, _ int) error {
			if action != "receive" && outage() {
				return away(action, 0)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 5}, nil)
		pass(5 * time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d left", n)
		}
		s := e.stop()
		if f.deliveries() != 5 || s.Delivered != 5 {
			t.Errorf("%d deliveries, summary %+v", f.deliveries(), s)
		}
	})
}

func TestAFailedEntryDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		q.fails = "m0"
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if n, _ := strconv.Atoi(m.ID[1:]); n%2 == 1 {
				return delivered2xx, time.Millisecond
			}
			return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx", RetryAfter: 15 * time.Minute}, time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		most := 0
		for range 200 {
			q.send(4)
			pass(100 * time.Millisecond)
			most = max(most, e.Snapshot(time.Now()).InHand["releasing"])
		}
		if most > 15 { // half a second's, and the one that fails
			t.Errorf("%d were being released at once", most)
		}
		if n := strings.Count(e.logs.String(), "calls to SQS fail"); n != 1 {
			t.Errorf("%d lines in 20 s:\n%s", n, e.logs)
		}
		e.abort()
		<-e.summary
	})
}

func TestSQSAwayForMinutesLosesNothingAndFloodsNoLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.send(500)
		begin := time.Now()
		q.fault = func(action string, n int) error {
			if d := time.Since(begin); d > time.Second && d < 4*time.Minute {
				return away(action, n)
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(6 * time.Minute)
		if n := q.left(); n != 0 {
			t.Errorf("%d left", n)
		}
		e.stop()
		if f.deliveries() != 500 {
			t.Errorf("%d deliveries of 500 messages", f.deliveries())
		}
		if n := strings.Count(e.logs.String(), "\n"); n > 40 {
			t.Errorf("%d log lines:\n%s", n, e.logs)
		}
	})
}

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

func TestARateOfZeroPausesAndTheNewRateIsUsedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(500)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 0, Burst: 1}, nil)
		pass(time.Hour)
		if f.deliveries() != 0 || q.called("receive") != 0 {
			t.Errorf("paused: %d deliveries, %d receives", f.deliveries(), q.called("receive"))
		}
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 100, Burst: 1})
		pass(3 * time.Second)
		if n := f.deliveries(); n < 290 || n > 301 {
			t.Errorf("%d starts in three seconds at 100/s", n)
		}
		e.stop()
	})
}

func TestOwnershipLostCutsTheDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Minute)
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Timeout = time.Hour })
		pass(time.Second)
		q.mu.Lock()
		q.messages[0].handle = "m0/elsewhere"
		q.messages[0].visible = time.Now().Add(time.Hour)
		q.mu.Unlock()
		pass(20 * time.Second)
		s := e.stop()
		if s != (Summary{Abandoned: 1}) || f.atOnce != 0 {
			t.Errorf("summary %+v, %d deliveries run on", s, f.atOnce)
		}
	})
}

func TestAQueueWhoseVisibleMessagesCannotBeReceivedIsCalledBlocked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.FIFO = true })
		pass(time.Second)
		q.claim(7, 0)
		pass(2 * time.Minute)
		if got := e.Snapshot(time.Now()).Blocked; got != "groups" {
			t.Errorf("blocked by %q on a FIFO queue", got)
		}
		q.claim(7, 120_000)
		pass(time.Minute)
		if got := e.Snapshot(time.Now()).Blocked; got != "in_flight_limit" {
			t.Errorf("blocked by %q with 120,000 in flight", got)
		}
		q.claim(0, 0)
		q.send(1)
		pass(time.Minute)
		if got := e.Snapshot(time.Now()).Blocked; got != "" {
			t.Errorf("blocked by %q when messages come", got)
		}
		e.stop()
	})
}

func TestAMessageThatSQSWillSoonDropIsWarnedOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(100)
		q.attributes.Retention = 100 * time.Minute
		pass(91 * time.Minute)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(time.Minute)
		e.stop()
		if n := strings.Count(e.logs.String(), "SQS drops messages soon"); n != 1 {
			t.Errorf("%d warnings in a minute:\n%s", n, e.logs)
		}
	})
}
