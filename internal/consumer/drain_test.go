package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// At a stop several long polls may be out. What they bring is released; by the next of
// them it comes again.
func TestAStopWithSeveralReceivesOutCostsAMessageOneMoreReceiveAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.retire = 3
		q.send(300)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 50}, nil)
		pass(5 * time.Second)
		e.drain()
		pass(time.Second)
		q.send(1)
		begin := time.Now()
		s := <-e.summary
		if !strings.Contains(e.logs.String(), "receives_out=") || strings.Contains(e.logs.String(), "receives_out=1 ") {
			t.Fatalf("the test wants several receives out:\n%s", e.logs)
		}
		if s.Delivered != 300 || s.Released != 2 || s.Abandoned != 0 || mostReceives(q) > 2 {
			t.Errorf("summary %+v; the message was received %d times", s, mostReceives(q))
		}
		if q.left() != 1 || q.invisible() != 0 {
			t.Errorf("%d left, %d invisible", q.left(), q.invisible())
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the drain took %v more", took)
		}
	})
}

func TestDrainFinishesWhatRunsAndReleasesWhatHasNotStarted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(300)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(3500 * time.Millisecond)
		begin := time.Now()
		s := e.stop()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if s.CutOff != 0 || s.Abandoned != 0 || s.Delivered != int64(f.tried()["m0"])*40 {
			t.Errorf("summary %+v", s)
		}
		if n := q.invisible(); n != 0 {
			t.Errorf("%d messages stranded", n)
		}
		if got := 300 - q.left(); got != int(s.Delivered) {
			t.Errorf("%d deleted, %d delivered", got, s.Delivered)
		}
	})
}

func TestADeliveryThatOutlastsTheDrainIsCutOffAndGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Minute)
		q.send(3)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Timeout = time.Hour })
		pass(time.Second)
		begin := time.Now()
		s := e.stop()
		if took := time.Since(begin); took < 25*time.Second || took > 26*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if s != (Summary{CutOff: 3}) || q.invisible() != 0 {
			t.Errorf("summary %+v, %d stranded", s, q.invisible())
		}
	})
}

func TestDeletesThatWereRefusedAreTriedToTheEndOfTheDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		begun := time.Now()
		q.fault = func(action string, _ int) error {
			if action == "delete" && time.Since(begun) < 12*time.Second {
				return refused(action)
			}
			return nil
		}
		q.send(30)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.DrainTimeout = 6 * time.Second })
		pass(10 * time.Second)
		if s := e.stop(); s != (Summary{Delivered: 30}) || q.left() != 0 {
			t.Errorf("%d left, summary %+v", q.left(), s)
		}
	})
}

func TestAMessageThatArrivesInTheDrainIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(5 * time.Second)
		e.drain()
		pass(time.Second)
		q.send(1)
		s := <-e.summary
		if s != (Summary{Released: 1}) || q.invisible() != 0 {
			t.Errorf("summary %+v, %d stranded", s, q.invisible())
		}
	})
}

func TestWhatArrivesInTheDrainAndFindsNoSlotInTimeIsGivenBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(20*time.Second)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.Timeout = 20 * time.Second })
		pass(time.Second)
		stopped := time.Now()
		e.drain()
		pass(time.Second)
		q.send(3)
		s := <-e.summary
		if s != (Summary{Delivered: 1, Released: 2}) || q.invisible() != 0 {
			t.Errorf("summary %+v, %d invisible", s, q.invisible())
		}
		if took := time.Since(stopped); took > 25*time.Second {
			t.Errorf("the drain took %s", took)
		}
	})
}

func TestASecondSignalEndsAtOnceAndReportsWhatItAbandons(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(10*time.Minute)
		q.send(3)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Timeout = time.Hour })
		pass(time.Second)
		e.drain()
		pass(time.Second)
		begin := time.Now()
		e.abort()
		s := <-e.summary
		if took := time.Since(begin); took > 0 {
			t.Errorf("it took %v", took)
		}
		if s != (Summary{Abandoned: 3, Stranded: 3}) {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestADrainWithSQSAwayEndsAndReportsWhatItCouldNotGiveBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Second)
		q.send(20)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(500 * time.Millisecond)
		q.mu.Lock()
		q.fault = away
		q.mu.Unlock()
		begin := time.Now()
		s := e.stop()
		if took := time.Since(begin); took > 29*time.Second {
			t.Errorf("the drain took %v", took)
		}
		if s.Abandoned != 20 || s.Duplicates != 10 {
			t.Errorf("summary %+v", s)
		}
	})
}
