package consumer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func TestWhileSQSIsAwayNothingIsSaidOfTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		pass(time.Minute)
		if lag := e.Snapshot(time.Now()).Lag; !lag.Known || lag.Age != 0 {
			t.Errorf("an empty queue has the lag %+v", lag)
		}
		q.answers(away)
		for range 300 { // between two tries too
			pass(400 * time.Millisecond)
			if s := e.Snapshot(time.Now()); s.Problem != nil && s.Lag.Known {
				t.Fatalf("the lag is %+v, though %s", s.Lag, s.Problem.What)
			}
		}
		s := e.Snapshot(time.Now())
		if s.Lag.Known || s.Drain.State != DrainAway {
			t.Errorf("lag %+v, drain %+v", s.Lag, s.Drain)
		}
		q.answers(nil)
		pass(time.Minute)
		if s := e.Snapshot(time.Now()); !s.Lag.Known || s.Drain.State != DrainEmpty {
			t.Errorf("it is back: lag %+v, drain %+v", s.Lag, s.Drain)
		}
		e.stop()
	})
}

func TestWhileSQSOwesAnAnswerNothingIsSaidOfTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(28), nil)
		q.answers(func(string, int) error {
			time.Sleep(maxPollWait + callTimeout) // as long as a receive waits
			return &message.SQSError{Action: "ReceiveMessage", Queue: "orders", Fault: message.Network, Err: errors.New("no answer within 30s")}
		})
		pass(maxPollWait - time.Millisecond) // the receive that was out
		if lag := e.Snapshot(time.Now()).Lag; !lag.Known {
			t.Errorf("while a receive waits for messages the lag is %+v", lag)
		}
		pass(time.Second)
		due := e.demand.polls[0].sent.Add(maxPollWait)
		pass(time.Until(due) + answerGrace)
		if s := e.Snapshot(time.Now()); !s.Lag.Known || s.Problem != nil {
			t.Errorf("2 s late: lag %+v, problem %+v", s.Lag, s.Problem)
		}
		pass(time.Millisecond)
		if s := e.Snapshot(time.Now()); s.Lag.Known || s.Drain.State != DrainAway || s.Problem == nil || !s.Problem.Silent || !s.Problem.Since.Equal(due) {
			t.Errorf("later: lag %+v, drain %+v, problem %+v", s.Lag, s.Drain, s.Problem)
		}
		for _, beside := range []struct {
			fault  message.Fault
			since  time.Duration
			silent bool
		}{{message.Network, time.Second, true}, {message.Network, awayAfter, false}, {message.Refused, time.Second, false}} {
			e.mu.Lock()
			e.sqs.failed(time.Now(), time.Now().Add(-beside.since), extendCall, &message.SQSError{Fault: beside.fault, Err: errors.New("it fails")}, time.Second)
			if p := e.view.problem(time.Now()); p == nil || p.Silent != beside.silent {
				t.Errorf("beside an extension that fails, %+v: problem %+v", beside, p)
			}
			e.sqs.worked(time.Now(), extendCall)
			e.mu.Unlock()
		}
		pass(callTimeout)
		if s := e.Snapshot(time.Now()); s.Problem == nil || s.Problem.Silent || !s.Problem.Since.Equal(due) || s.Drain.State != DrainAway {
			t.Errorf("when the receive has timed out: problem %+v, drain %+v; it was due at %v", s.Problem, s.Drain, due)
		}
		q.answers(nil)
		e.stop()
	})
}
