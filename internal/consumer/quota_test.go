package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// quota are limits with one quota.
func quota(n int, window time.Duration) ratelimit.Limits {
	l := ratelimit.Limits{Concurrency: 10}
	l.Quotas[0] = ratelimit.Quota{N: n, Window: window}
	return l
}

func (e *engine) received() int64 { return e.Snapshot(time.Now()).Received }

func TestNothingIsReceivedThatAQuotaDoesNotLetStartSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.send(1000)
		e := run(t, q, f, quota(95, time.Hour), nil)
		pass(time.Minute)
		if n, got := f.deliveries(), e.received(); n != 95 || got != 95 {
			t.Errorf("%d started and %d received of a quota of 95", n, got)
		}
		polls := q.called("receive")
		pass(58 * time.Minute)
		if n := q.called("receive") - polls; n != 0 {
			t.Errorf("%d receives while the quota is used up", n)
		}
		pass(51 * time.Second)
		if n := q.called("receive") - polls; n == 0 {
			t.Error("no receive as soon as what it brings can wait for the quota")
		}
		pass(69 * time.Second)
		if n, got := f.deliveries(), e.received(); n != 190 || got != 190 {
			t.Errorf("%d started and %d received in an hour and a minute", n, got)
		}
		e.stop()
	})
}

func TestWhatIsReceivedEarlyForAQuotaIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(1000)
		e := run(t, q, f, quota(4, time.Minute), nil)
		most := 0
		for range 20 * 60 {
			pass(time.Second)
			most = max(most, e.Snapshot(time.Now()).InHand["waiting"])
		}
		if most > 4 {
			t.Errorf("%d wait in hand for a quota of 4", most)
		}
		if n := f.deliveries(); n != 80 {
			t.Errorf("%d started in 20 minutes of 4 each", n)
		}
		e.stop()
	})
}

func TestWhatIsInHandWaitsForAQuotaWithoutAReceive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(100)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, nil)
		pass(10 * time.Second)
		before := e.Snapshot(time.Now())
		if before.InHand["waiting"] == 0 {
			t.Fatal("nothing waits in hand")
		}
		started := f.deliveries()
		e.options.Pace.Set(time.Now(), quota(1, 3*time.Hour))
		pass(2 * time.Hour)
		after := e.Snapshot(time.Now())
		if after.Received != before.Received || after.InHand["waiting"] != before.InHand["waiting"]-1 || f.deliveries() != started+1 {
			t.Errorf("before %d received, %d waiting; then %d, %d; %d more started", before.Received, before.InHand["waiting"],
				after.Received, after.InHand["waiting"], f.deliveries()-started)
		}
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 10})
		pass(time.Minute)
		if w := e.Snapshot(time.Now()).Waits; w.Quota.Count == 0 || w.Token.Count > 0 || w.Quota.Sum < 2*time.Hour {
			t.Errorf("waited %+v", w)
		}
		if s := e.stop(); s.Delivered != 100 || e.received() != 100 {
			t.Errorf("%+v, received %d times", s, e.received())
		}
	})
}

func TestWhatWaitsForAQuotaStartsTheMomentItIsFree(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		var starts []time.Time
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			starts = append(starts, time.Now())
			return delivered2xx, 250 * time.Millisecond
		}
		q.send(3)
		e := run(t, q, f, quota(1, 7*time.Second), nil)
		pass(30 * time.Second)
		e.stop()
		if len(starts) != 3 {
			t.Fatalf("%d starts", len(starts))
		}
		for i, at := range starts[1:] {
			if after := at.Sub(starts[i]); after < 7*time.Second || after > 7*time.Second+300*time.Millisecond {
				t.Errorf("start %d came %v after the one before: its end and 7 s are 7.25 s", i+1, after)
			}
		}
	})
}

// TestAQuotaOfDaysCostsAMessageInHandOneReceive: SQS lets no message be in flight for more
// than 12 hours.
func TestAQuotaOfDaysCostsAMessageInHandOneReceive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		f.answer = func(_ *message.Message, try int) (message.Result, time.Duration) {
			if try == 1 {
				return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}, 0
			}
			return delivered2xx, 0
		}
		q.send(1)
		e := run(t, q, f, quota(1, 48*time.Hour), nil)
		pass(47 * time.Hour)
		if n, s := e.received(), e.Snapshot(time.Now()); n != 1 || s.Settled["released"] != 1 || f.deliveries() != 1 {
			t.Errorf("after 47 h: received %d times, settled %v, %d tries", n, s.Settled, f.deliveries())
		}
		pass(2 * time.Hour)
		if s := e.stop(); s.Delivered != 1 || e.received() != 2 {
			t.Errorf("%+v, received %d times", s, e.received())
		}
	})
}
