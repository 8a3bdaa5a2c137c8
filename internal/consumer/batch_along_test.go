package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// gathering has four messages wait for others, and hands them to a look at them under the
// engine's mutex.
func gathering(t *testing.T, change func(*Options), look func(e *engine, f *batchFake, now time.Time, m []*life)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(time.Millisecond)
		q.send(4)
		for i, m := range q.messages {
			m.group = string(rune('a' + i))
		}
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 8, Follow: true}, func(o *Options) {
			inTens(f)(o)
			o.BatchWait = time.Hour
			if change != nil {
				change(o)
			}
		})
		pass(time.Second)
		e.mu.Lock()
		var m []*life
		for l := e.hand.first; l != nil; l = l.next {
			m = append(m, l)
		}
		if len(m) == 4 && e.hand.count[waiting] == 4 {
			look(e, f, time.Now(), m)
		} else {
			t.Errorf("%d in hand, %d of them wait", len(m), e.hand.count[waiting])
		}
		e.mu.Unlock()
		e.abort()
		<-e.summary
	})
}

// holdAll has these fail in one request.
func (e *engine) holdAll(now time.Time, r message.Result, m ...*life) {
	tries := make([]*gate.Message, len(m))
	for i, l := range m {
		tries[i] = &l.try
		if i == 0 {
			e.gate.Begin(now, &l.try)
		} else {
			e.gate.BeginWith(&l.try, &m[0].try)
		}
		e.begin(now, l)
	}
	e.gate.Dissolve(now, tries, r, 8)
	for _, l := range m {
		e.hand.hold(now, l)
	}
}

// comesAgain has a message of a group come again that was delivered before.
func (e *engine) comesAgain(now time.Time, group string) *life {
	before := &message.Message{ID: "m9", GroupID: group, ReceiptHandle: "m9/1", ReceiveCount: 2}
	e.hand.ledger.enter(keyOf(before.ID))
	e.takeIn(now, now, &poll{attempt: attempt{visibility: 30 * time.Second}}, before)
	return e.hand.byKey[keyOf(before.ID)]
}

func TestInAStrictOrderTheNextOfAGroupWaitsForTheDeleteOfOneThatHasComeAgain(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		gathering(t, func(o *Options) { o.FIFO, o.FIFOStrict = true, strict }, func(e *engine, _ *batchFake, now time.Time, m []*life) {
			before := e.comesAgain(now, m[0].message.GroupID)
			if next := e.hand.nextWaiting(now); (next == m[0]) == strict || strict && next != m[1] {
				t.Errorf("strict %v: %s is next", strict, next.message.ID)
			}
			e.hand.settle(now, before)
			if next := e.hand.nextWaiting(now); next != m[0] {
				t.Errorf("strict %v: %s is next when it is deleted", strict, next.message.ID)
			}
			if n := len(e.hand.untried); n != 4 {
				t.Errorf("strict %v: %d of four stand in the row", strict, n)
			}
		})
	}
}

// holdAlone has one fail by itself.
func (e *engine) holdAlone(now time.Time, r message.Result, l *life) {
	e.gate.Begin(now, &l.try)
	e.begin(now, l)
	e.gate.End(now, &l.try, r, 8)
	e.hand.hold(now, l)
}

func TestWhatGoesAlongInARequest(t *testing.T) {
	t.Parallel()
	fifo := func(o *Options) { o.FIFO = true }
	strict := func(o *Options) { o.FIFO, o.FIFOStrict = true, true }
	throttledFor := func(d time.Duration) message.Result {
		r := throttledAll
		r.RetryAfter = d
		return r
	}
	for _, tt := range []struct {
		rule   string
		change func(*Options)
		state  func(e *engine, now time.Time, m []*life)
		want   string // with m0
		full   bool
	}{
		{rule: "all that wait", want: "m1 m2 m3"},
		{rule: "those of other groups", change: fifo, want: "m1 m2 m3"},
		{
			rule:  "no more than the setting says",
			state: func(e *engine, _ time.Time, _ []*life) { e.options.Batch = 3 },
			want:  "m1 m2", full: true,
		},
		{
			rule:  "no lost one",
			state: func(e *engine, now time.Time, m []*life) { e.hand.lose(now, m[1], "test") },
			want:  "m2 m3",
		},
		{
			rule: "none that has started",
			state: func(e *engine, now time.Time, m []*life) {
				e.gate.Begin(now, &m[1].try)
				e.begin(now, m[1])
			},
			want: "m2 m3",
		},
		{
			rule:  "none that is short of visibility",
			state: func(_ *engine, now time.Time, m []*life) { m[1].deadline = now.Add(time.Second) },
			want:  "m2 m3",
		},
		{
			rule:   "none whose group waits for a delete",
			change: strict,
			state:  func(e *engine, now time.Time, m []*life) { e.comesAgain(now, m[1].message.GroupID) },
			want:   "m2 m3",
		},
		{
			rule:   "once each of those whose groups have waited for one",
			change: strict,
			state:  func(e *engine, now time.Time, m []*life) { e.hand.settle(now, e.comesAgain(now, m[1].message.GroupID)) },
			want:   "m1 m2 m3",
		},
		{
			rule:  "no untried one with a held one",
			state: func(e *engine, now time.Time, m []*life) { e.holdAll(now, throttledAll, m[0], m[3]) },
			want:  "m3",
		},
		{
			rule: "no held one that is not due",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAll(now, throttledAll, m[0], m[2], m[3])
				e.holdAll(now, throttledFor(time.Minute), m[1])
			},
			want: "m2 m3",
		},
		{
			rule: "no held one that is about to be released",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAll(now, throttledAll, m...)
				m[1].releaseDue = true
			},
			want: "m2 m3",
		},
		{
			rule: "no held one that may be at fault",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAll(now, throttledAll, m[0], m[2], m[3])
				e.holdAll(now, failed5xx, m[1])
			},
			want: "m2 m3",
		},
		{
			rule: "nobody with one that may be at fault",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAll(now, failed5xx, m[0])
				e.holdAll(now, throttledAll, m[1:]...)
			},
			full: true,
		},
		{
			rule: "no held one that was refused alone with those that were refused together",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAll(now, throttledAll, m[0], m[2], m[3])
				e.holdAlone(now, throttledAll, m[1])
			},
			want: "m2 m3",
		},
		{
			rule: "those that were refused alone with their like",
			state: func(e *engine, now time.Time, m []*life) {
				e.holdAlone(now, throttledAll, m[0])
				e.holdAll(now, throttledAll, m[1], m[2])
				e.holdAlone(now, throttledAll, m[3])
			},
			want: "m3",
		},
		{
			rule: "nobody while it is unclear whether the target has told all to wait",
			state: func(e *engine, now time.Time, m []*life) {
				e.pace.Start(now, &m[3].pace, 8, func() bool { return true })
				e.pace.End(now, &m[3].pace, throttledFor(time.Minute), 2)
			},
			full: true,
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			gathering(t, tt.change, func(e *engine, _ *batchFake, now time.Time, m []*life) {
				if tt.state != nil {
					tt.state(e, now, m)
				}
				others, full := e.hand.along(now.Add(2*time.Second), m[0])
				var ids []string
				for _, l := range others {
					ids = append(ids, l.message.ID)
				}
				if got := strings.Join(ids, " "); got != tt.want || full != tt.full {
					t.Errorf("%q, full: %v; want %q, %v", got, full, tt.want, tt.full)
				}
			})
		})
	}
}

func TestTheSizeOfAMessageInARequestIsFoundOutOnce(t *testing.T) {
	t.Parallel()
	gathering(t, nil, func(e *engine, f *batchFake, now time.Time, m []*life) {
		e.hand.along(now, m[0])
		e.hand.along(now, m[0])
		if n := f.sized.Load(); n != 4 {
			t.Errorf("asked for %d times, for four messages", n)
		}
	})
}

func TestARequestWhoseMessagesAreAllLostBeforeItBeginsIsCut(t *testing.T) {
	t.Parallel()
	var fake *batchFake
	gathering(t, nil, func(e *engine, f *batchFake, now time.Time, m []*life) {
		fake = f
		e.options.BatchWait = 0
		e.startWaiting(now)
		for _, l := range m {
			if l.state != delivering || l.batch == nil || l.cut != nil {
				t.Errorf("%s is %v, or has begun", l.message.ID, l.state)
			}
			e.hand.lose(now, l, "test")
		}
		e.mu.Unlock()
		pass(time.Second)
		e.mu.Lock()
	})
	if sent := fake.sent(); len(sent) != 1 || len(fake.took2xx()) != 0 {
		t.Errorf("sent %v, and it was taken: %v", sent, fake.took2xx())
	}
}

// Many messages are refused for what they are: trying them again may take all that the rate allows.
func TestWhoWasRefusedForAnothersSakeIsTriedBeforeTheRefused(t *testing.T) {
	t.Parallel()
	gathering(t, nil, func(e *engine, _ *batchFake, now time.Time, m []*life) {
		e.holdAlone(now, failed5xx, m[0])
		later := now.Add(2 * time.Second)
		e.hand.countDue(later)
		e.hand.holding.starts = 1
		if e.hand.holding.heldFirst(false) {
			t.Error("what has failed alone takes turns with the untried, though that does not pay")
		}
		e.holdAll(now, failed5xx, m[2], m[3])
		e.hand.countDue(later)
		if l := e.hand.nextHeld(later); l != m[2] {
			t.Errorf("%s is tried first, not m2", l.message.ID)
		}
		e.hand.holding.starts = 1
		if !e.hand.holding.heldFirst(false) {
			t.Error("who has failed with others does not take turns with the untried")
		}
		m[2].deadline, m[3].deadline = later, later
		if l := e.hand.nextHeld(later); l != m[0] {
			t.Error("the other is not tried when those may not be")
		}
	})
}

// What is refused is lost, as the process stands still, and all comes again.
func TestFiveThatComeAgainAndAreRefusedAloneAreNotTheTargetsWord(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{true, false} {
		gathering(t, nil, func(e *engine, _ *batchFake, now time.Time, m []*life) {
			e.gate.Begin(now, &m[0].try)
			e.gate.End(now, &m[0].try, delivered2xx, 8)
			for i := range 5 {
				l := &life{message: &message.Message{ID: "again" + string(rune('0'+i))}}
				e.gate.Enter(&l.try, l.message.ID)
				e.gate.Begin(now, &l.try)
				if again {
					e.gate.End(now, &l.try, failed5xx, 8)
				}
				e.gate.Leave(&l.try)
				e.gate.Enter(&l.try, l.message.ID)
				e.gate.Begin(now, &l.try)
				e.pace.Start(now, &l.pace, 8, func() bool { return true })
				e.running++
				r := throttledAll
				r.RetryAfter = time.Minute
				e.paced(now, time.Millisecond, l, 1, r)
			}
			if e.pace.Asks() == again {
				t.Errorf("came again %v: taken for the target's word: %v", again, e.pace.Asks())
			}
		})
	}
}
