package consumer

import (
	"errors"
	"slices"
	"strings"
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

// What SQS has taken back meanwhile is nobody's to extend, delete or release.
func TestAnOutageOfSQSIsOverWhenItAnswersThoughNothingIsLeftToTryAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]message.Result{
		"extensions": {Outcome: message.Unavailable, Status: 503, Reason: "5xx"},
		"deletes":    delivered2xx,
		"releases":   {Outcome: message.Rejected, Status: 422, Reason: "4xx"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
				f.answer = func(*message.Message, int) (message.Result, time.Duration) {
					q.answers(away)
					return answer, time.Millisecond
				}
				q.send(1)
				e := run(t, q, f, limitedTo(28), nil)
				pass(2 * time.Minute)
				if s := e.Snapshot(time.Now()); s.Problem == nil {
					t.Error("SQS is away, and nothing is said of it")
				}
				q.mu.Lock()
				q.messages[0].deleted = true // another replica has delivered it
				q.mu.Unlock()
				q.answers(nil)
				pass(time.Minute)
				if s := e.Snapshot(time.Now()); s.Problem != nil {
					t.Errorf("a minute after it is back: %s", s.Problem.What)
				}
				said := strings.Split(e.said(), "\n")
				if !slices.ContainsFunc(said, func(line string) bool {
					return strings.Contains(line, "calls to SQS work again") && strings.HasSuffix(line, "calls="+name)
				}) {
					t.Errorf("it is not said that %s work again:\n%s", name, strings.Join(said, "\n"))
				}
				e.stop()
			})
		})
	}
}

// As long as something in hand waits for a call that fails, or SQS has refused it, that is said,
// though receives work.
func TestWhatFailsStaysSaidAsLongAsItMatters(t *testing.T) {
	t.Parallel()
	refused := func(string, int) error {
		return &message.SQSError{Action: "any", Queue: "orders", Fault: message.Refused, Err: errors.New("access denied")}
	}
	for _, test := range []struct {
		name  string
		kind  string // of the calls that fail
		fails func(string, int) error
		took  time.Duration // the first message
		gone  bool          // it is lost before the end
		said  bool          // at the end
	}{
		{"a delete that waits", "delete", away, time.Millisecond, false, true},
		{"an extension of what is delivered for long", "change", away, time.Hour, false, true},
		{"an extension that is refused", "change", refused, 50 * time.Second, true, true},
		{"an extension of what is gone", "change", away, 50 * time.Second, true, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
				f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
					if m.ID == "m0" {
						return delivered2xx, test.took
					}
					return delivered2xx, 3 * time.Second
				}
				q.answers(func(action string, call int) error {
					if action == test.kind {
						return test.fails(action, call)
					}
					return nil
				})
				q.send(1)
				e := run(t, q, f, limitedTo(28), func(o *Options) { o.Timeout = 2 * time.Hour })
				pass(26 * time.Second)
				for range 4 {
					q.send(1)
					pass(5 * time.Millisecond) // a receive has brought it, and no call has failed since
					if s := e.Snapshot(time.Now()); s.Problem == nil {
						t.Error("nothing is said of what fails")
					}
					pass(time.Second)
				}
				if test.gone {
					q.mu.Lock()
					q.messages[0].deleted = true
					q.mu.Unlock()
					for range 60 { // something is always in hand
						q.send(1)
						pass(2 * time.Second)
					}
				}
				if s := e.Snapshot(time.Now()); (s.Problem != nil) != test.said {
					t.Errorf("at the end it is said: %+v", s.Problem)
				}
				e.stop()
			})
		})
	}
}
