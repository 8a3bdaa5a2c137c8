package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestTheLagOfAPausedWorkerGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(600)
		e := run(t, q, f, limitedTo(10), nil)
		pass(30 * time.Second)
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		for range 20 {
			pass(time.Minute)
			lag := e.Snapshot(time.Now()).Lag
			within(t, "the lag in seconds", lag.Age.Seconds(), time.Since(q.messages[0].sent).Seconds(), 0.05)
			if !lag.Known || lag.AtLeast {
				t.Errorf("%+v", lag)
			}
		}
		e.stop()
	})
}

func TestTheLagOfAQueueThatFillsInAPauseCountsFromWhenThatWasSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(10), nil)
		pass(70 * time.Minute) // SQS is asked for the depth once an hour by now
		e.options.Pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20, Limited: true})
		pass(10 * time.Minute)
		if s := e.Snapshot(time.Now()); !s.Lag.Known || s.Lag.Age != 0 || s.Drain.State != DrainEmpty {
			t.Errorf("paused and empty: lag %+v, drain %+v", s.Lag, s.Drain)
		}
		q.send(30)
		pass(10 * time.Minute)
		s := e.Snapshot(time.Now())
		if !s.Lag.Known || s.Lag.AtLeast || s.Lag.Age < 10*time.Minute-depthBusy-time.Second || s.Lag.Age > 10*time.Minute {
			t.Errorf("the lag after ten minutes is %+v", s.Lag)
		}
		if s.Depth.Visible != 30 {
			t.Errorf("%d visible", s.Depth.Visible)
		}
		e.stop()
	})
}

func TestAWorkerThatStartsPausedSaysThatTheLagIsAtLeastSoMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(30)
		pass(time.Hour)
		e := run(t, q, f, limitedTo(0), nil)
		pass(time.Millisecond)
		if lag := e.Snapshot(time.Now()).Lag; lag.Known {
			t.Errorf("before SQS's first answer the lag is %+v", lag)
		}
		pass(10 * time.Minute)
		if lag := e.Snapshot(time.Now()).Lag; !lag.Known || !lag.AtLeast || lag.Age < 9*time.Minute {
			t.Errorf("after ten minutes the lag is %+v", lag)
		}
		if d := e.Snapshot(time.Now()).Drain; d.State != DrainPaused {
			t.Errorf("%+v", d)
		}
		e.stop()
	})
}

func TestTheLagIsZeroAsSoonAsAReceiveWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(300)
		pass(time.Minute)
		e := run(t, q, f, limitedTo(50), nil)
		pass(5 * time.Second)
		if lag := e.Snapshot(time.Now()).Lag; lag.Age < time.Minute {
			t.Errorf("with a backlog the lag is %+v", lag)
		}
		pass(3 * time.Second)
		if s := e.Snapshot(time.Now()); s.Lag != (Lag{Known: true}) || s.Drain.State != DrainEmpty || s.Depth.Visible != 0 {
			t.Errorf("lag %+v, drain %+v, depth %+v", s.Lag, s.Drain, s.Depth)
		}
		e.stop()
	})
}

func TestAWorkerThatKeepsUpHasNeitherLagNorBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(5*time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		for i := range 1500 { // 20/s
			q.send(1)
			pass(50 * time.Millisecond)
			s := e.Snapshot(time.Now())
			if !s.Lag.Known || s.Lag.Age > time.Second {
				t.Fatalf("after %d messages the lag is %+v", i, s.Lag)
			}
			if i > 200 && (!(s.Drain.Seconds < 10) || s.Depth.Visible > 3) {
				t.Fatalf("after %d messages: %+v, %+v", i, s.Drain, s.Depth)
			}
		}
		e.stop()
	})
}

func TestWhatCameToAnEmptyQueueMayHaveComeAtAnyTime(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	b := backlog{again: map[int64]int{}}
	b.answered(now, message.Depth{}, false)
	b.answered(now.Add(15*time.Second), message.Depth{}, false)
	b.emptied(now)
	b.answered(now.Add(30*time.Second), message.Depth{Visible: 1000}, false)
	if perSecond, known := b.arriving(); known {
		t.Errorf("%.0f/s arrive", perSecond)
	}
	b.answered(now.Add(35*time.Second), message.Depth{Visible: 1000}, false)
	if perSecond, known := b.arriving(); !known || perSecond != 0 {
		t.Errorf("%.0f/s arrive", perSecond)
	}
}
