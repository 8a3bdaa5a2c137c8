package consumer

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// failing has some actions fail until it is repaired.
type failing struct {
	actions  []string
	fault    message.Fault
	repaired atomic.Bool
}

func (f *failing) answer(action string, _ int) error {
	if f.repaired.Load() || !slices.Contains(f.actions, action) {
		return nil
	}
	return &message.SQSError{Action: action, Queue: "orders", Fault: f.fault, Err: errors.New("access denied: allow sqs:DeleteMessage")}
}

func TestWhereNothingCanBeDeletedDeliveriesStopUntilItCan(t *testing.T) {
	t.Parallel()
	for _, fault := range []message.Fault{message.Refused, message.Network, message.ThrottledBySQS} {
		t.Run(fault.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const slots = 10
				q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
				denied := &failing{actions: []string{"delete"}, fault: fault}
				q.fault = denied.answer
				q.send(3000)
				e := run(t, q, f, ratelimit.Limits{Concurrency: slots}, nil)
				pass(time.Minute)
				if n := f.deliveries(); n < slots+spareUnsettled || n > 2*slots+spareUnsettled {
					t.Errorf("%d are delivered though none can be deleted", n)
				}
				if n := q.invisible(); n > 2*slots+spareUnsettled+slots*50/5+20 { // what the pace of 500/s has waiting
					t.Errorf("%d messages are in hand", n)
				}
				receives, extensions := q.called("receive"), q.called("change")
				if extensions > 25 {
					t.Errorf("%d extension calls for %d messages", extensions, f.deliveries())
				}
				s := e.Snapshot(time.Now())
				if p := s.Problem; p == nil || !p.Stops || p.Fault != fault || !strings.Contains(p.What, "sqs:DeleteMessage") ||
					!strings.Contains(p.What, "delivered messages are not deleted, and nothing more is received") {
					t.Errorf("the problem is %+v", p)
				}
				if s.Blocked != "unsettled" || !strings.Contains(e.said(), "nothing more is received or delivered") {
					t.Errorf("blocked %q; the log says\n%s", s.Blocked, e.said())
				}

				pass(20 * time.Minute)
				if n := q.called("receive"); n != receives {
					t.Errorf("%d receives while nothing may be started", n-receives)
				}
				if n := q.called("change") - extensions; n > 20*12 { // of what waits untried
					t.Errorf("%d extension calls in 20 minutes", n)
				}

				denied.repaired.Store(true)
				pass(2 * time.Minute)
				if s := e.Snapshot(time.Now()); s.Problem != nil || s.Blocked != "" {
					t.Errorf("repaired, and blocked %q: %+v", s.Blocked, s.Problem)
				}
				if s := e.stop(); s != (Summary{Delivered: 3000}) || q.left() != 0 {
					t.Errorf("summary %+v, %d messages left", s, q.left())
				}
				for id, n := range f.tried() {
					if n != 1 {
						t.Errorf("%s was delivered %d times", id, n)
					}
				}
			})
		})
	}
}

func TestWhatCannotBeDeletedIsExtendedByOneCallNotAtEachHalfLife(t *testing.T) {
	t.Parallel()
	for _, fifo := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
			denied := &failing{actions: []string{"delete"}, fault: message.Refused}
			q.fault = denied.answer
			q.send(10)
			e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.FIFO = fifo })
			pass(5 * time.Minute)
			if n := q.called("change"); n < 1 || n > 2 {
				t.Errorf("%d extension calls for ten messages in 5 minutes, FIFO %v", n, fifo)
			}
			hidden := time.Until(q.hiddenUntil(0))
			if fifo && (hidden > 10*time.Minute || hidden < time.Minute) || !fifo && hidden < 50*time.Minute {
				t.Errorf("hidden for %s more, FIFO %v: a group is blocked for that long after a crash", hidden, fifo)
			}
			denied.repaired.Store(true)
			pass(time.Minute)
			if s := e.stop(); s.Delivered != 10 {
				t.Errorf("summary %+v", s)
			}
		})
	}
}

func TestWhatCannotBeReleasedIsBoundedAndComesAgainWhenItsVisibilityEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slots = 10
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		denied := &failing{actions: []string{"change"}, fault: message.Refused}
		q.fault = denied.answer
		q.send(2000)
		f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
			if m.ID[len(m.ID)-1]%2 == 0 && try == 1 {
				return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, 20 * time.Millisecond
			}
			return delivered2xx, 20 * time.Millisecond
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: slots}, nil)
		for range 20 {
			pass(5 * time.Second)
			if n := e.Snapshot(time.Now()).InHand["releasing"]; n > 2*slots+spareUnsettled {
				t.Fatalf("%d wait to be released", n)
			}
		}
		if p := e.Snapshot(time.Now()).Problem; p == nil || p.Fault != message.Refused {
			t.Errorf("the problem is %+v", p)
		}
		pass(30 * time.Minute) // nobody repairs it: the queue goes on all the same, slowly
		if n := q.left(); n != 0 {
			t.Errorf("%d messages are left", n)
		}
		if s := e.stop(); s.Delivered != 2000 || s.Duplicates != 0 {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestExtensionsThatAreRefusedAreTriedByOneCallEachFiveSecondsAndSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(25*time.Second)
		denied := &failing{actions: []string{"change"}, fault: message.Refused}
		q.fault = denied.answer
		q.send(100)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 100}, nil)
		pass(16 * time.Second)
		before := q.called("change")
		pass(8 * time.Second)
		if n := q.called("change") - before; n < 1 || n > 2 {
			t.Errorf("%d extension calls in 8 s of refusals", n)
		}
		if p := e.Snapshot(time.Now()).Problem; p == nil || p.Fault != message.Refused || !strings.Contains(p.What, "delivered twice") {
			t.Errorf("the problem is %+v", p)
		}
		denied.repaired.Store(true)
		pass(time.Minute)
		if p := e.Snapshot(time.Now()).Problem; p != nil {
			t.Errorf("repaired, and the problem is %+v", p)
		}
		if s := e.stop(); s != (Summary{Delivered: 100}) || len(f.doubled) > 0 {
			t.Errorf("summary %+v; twice at the same time: %v", s, f.doubled)
		}
	})
}

func TestTheRuleUndeletedCountsWhatSQSHasNotConfirmed(t *testing.T) {
	t.Parallel()
	const slots = 10
	for _, test := range []struct {
		deleting, releasing int
		draining, want      bool
	}{
		{deleting: slots + spareUnsettled - 1},
		{deleting: slots + spareUnsettled, want: true},
		{releasing: slots + spareUnsettled, want: true},
		{deleting: slots, releasing: spareUnsettled, want: true},
		{releasing: 500, draining: true}, // they wait for the receives that are out
		{deleting: slots + spareUnsettled, draining: true, want: true},
	} {
		c, err := New(Options{Gate: gate.New(1), Pace: ratelimit.New(ratelimit.Limits{Concurrency: slots}), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c.hand.count[deleting], c.hand.count[releasing], c.drain.begun = test.deleting, test.releasing, test.draining
		if got := c.hand.tooManyUnsettled(); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestNothingIsReceivedWhileTooManyAreNotDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		denied := &failing{actions: []string{"delete"}, fault: message.Refused}
		q.fault = denied.answer
		q.send(10 + spareUnsettled)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(25 * time.Second) // the parked receives end
		q.send(200)
		pass(time.Minute)
		if n := q.invisible(); n != 10+spareUnsettled {
			t.Errorf("%d are in hand", n)
		}
		denied.repaired.Store(true)
		pass(time.Minute)
		if s := e.stop(); s.Delivered != 310 {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestTheProblemThatAPersonHasToSolveIsToldFirstThenTheOldest(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int, fault message.Fault, text string) trouble {
		return trouble{failures: 1, since: noon.Add(time.Duration(minutes) * time.Minute), fault: fault, err: errors.New(text)}
	}
	for _, test := range []struct {
		deletes, receiving, extension trouble
		want                          string
	}{
		{at(3, message.Network, "deletes"), at(1, message.Network, "receives"), at(2, message.Network, "extensions"), "receives"},
		{at(3, message.Network, "deletes"), at(1, message.Network, "receives"), at(5, message.Refused, "extensions"), "extensions"},
		{at(3, message.Refused, "deletes"), at(1, message.Refused, "receives"), at(2, message.Network, "extensions"), "deletes"},
		{trouble{}, trouble{}, at(2, message.Network, "extensions"), "extensions"},
		{trouble{}, trouble{}, trouble{}, ""},
	} {
		c, err := New(Options{Gate: gate.New(1), Pace: ratelimit.New(ratelimit.Limits{Concurrency: 1}), Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		c.sqs.trouble[deleteCall], c.sqs.trouble[receiveCall], c.sqs.trouble[extendCall] = test.deletes, test.receiving, test.extension
		said := ""
		if p := c.sqs.problem(0, 0, false); p != nil {
			said, _, _ = strings.Cut(p.What, ";")
		}
		if said != test.want {
			t.Errorf("told %q, want %q", said, test.want)
		}
	}
}
