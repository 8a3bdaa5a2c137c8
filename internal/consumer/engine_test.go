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
