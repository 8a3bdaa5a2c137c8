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

// sending runs an engine with one slot, which sends requests of up to ten to a target that takes
// so long, and hands it to a test. So many messages are there at the start.
func sending(t *testing.T, took time.Duration, messages int, change func(*Options), test func(e *engine, f *batchFake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(took)
		q.send(messages)
		test(run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1}, func(o *Options) {
			inTens(f)(o)
			if change != nil {
				change(o)
			}
		}), f)
	})
}

func TestAFullRequestWaitsForNobody(t *testing.T) {
	t.Parallel()
	sending(t, time.Millisecond, 10, func(o *Options) { o.BatchWait = time.Hour }, func(e *engine, f *batchFake) {
		pass(time.Second)
		if sent := f.sent(); len(sent) != 1 || len(sent[0]) != 10 {
			t.Errorf("sent %v", sent)
		}
		e.stop()
	})
}

func TestAMessageStartsAtTheEndOfItsWaitThoughNothingHappens(t *testing.T) {
	t.Parallel()
	sending(t, time.Millisecond, 1, func(o *Options) { o.BatchWait = 2345 * time.Millisecond }, func(e *engine, f *batchFake) {
		pass(2340 * time.Millisecond)
		if sent := f.sent(); len(sent) != 0 {
			t.Errorf("sent %v before the end of its wait", sent)
		}
		pass(5*time.Millisecond + e.queue.trip)
		if sent := f.sent(); len(sent) != 1 {
			t.Errorf("sent %v at the end of its wait", sent)
		}
		e.stop()
	})
}

func TestWhatComesInADrainWaitsForNoOthers(t *testing.T) {
	t.Parallel()
	sending(t, time.Millisecond, 0, func(o *Options) { o.BatchWait, o.Timeout = time.Hour, time.Second }, func(e *engine, _ *batchFake) {
		pass(time.Second)
		e.drain()
		pass(time.Millisecond)
		e.queue.send(1) // to the receive that is out
		if s := <-e.summary; s.Delivered != 1 {
			t.Errorf("%+v", s)
		}
		e.abort()
	})
}

func TestInAHalfOpenGateAMessageWaitsForNoOthers(t *testing.T) {
	t.Parallel()
	change := func(o *Options) { o.BatchWait, o.Pace = time.Hour, ratelimit.New(ratelimit.Limits{Concurrency: 1000}) }
	sending(t, time.Second, 50, change, func(e *engine, f *batchFake) {
		f.whole = func([]string) message.Result {
			return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
		}
		for e.door.State() != gate.Closed {
			pass(time.Second)
		}
		f.mu.Lock()
		f.whole = notRejected
		f.mu.Unlock()
		for e.door.State() != gate.HalfOpen {
			pass(time.Second)
		}
		e.queue.send(1)
		pass(20 * time.Second)
		if e.door.State() != gate.HalfOpen || f.good["m50"] != 1 {
			t.Errorf("the gate is %v, and the message was delivered %d times", e.door.State(), f.good["m50"])
		}
		e.abort()
		<-e.summary
	})
}

// On a FIFO queue a function names those that it has not come to as well.
func TestOfSeveralThatAnAnswerNamesNoneIsAtFaultOnAFIFOQueue(t *testing.T) {
	t.Parallel()
	for name, fifo := range map[string]bool{"FIFO": true, "standard": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newBatchFake(time.Millisecond)
				first := true
				f.whole = func(ids []string) message.Result {
					first = len(ids) > 1
					return delivered2xx
				}
				f.bad = func(id string) bool { return first && (id == "m1" || id == "m2") }
				q.send(4)
				q.messages[0].group, q.messages[1].group, q.messages[2].group, q.messages[3].group = "a", "b", "c", "d"
				q.messages[3].visible = time.Now().Add(100 * time.Millisecond) // comes before they are tried again
				e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1}, func(o *Options) {
					inTens(f)(o)
					o.FIFO = fifo
				})
				pass(10 * time.Second)
				want := int64(2)
				if fifo {
					want = 0
				}
				if sent := f.sent(); len(sent) != 4 || len(sent[0]) != 3 {
					t.Errorf("sent %v", sent)
				}
				if n := e.door.Status(1).Strikes; n != want {
					t.Errorf("%d strikes, want %d", n, want)
				}
				if s := e.stop(); s.Delivered != 4 {
					t.Errorf("%+v", s)
				}
			})
		})
	}
}

func TestARequestOfSeveralLastsAsLongAsOneDelivery(t *testing.T) {
	t.Parallel()
	sending(t, 300*time.Millisecond, 10, nil, func(e *engine, _ *batchFake) {
		pass(time.Second)
		e.mu.Lock()
		if mean := e.demand.delivery; mean.n != 1 || mean.value != 0.3 {
			t.Errorf("%+v", mean)
		}
		e.mu.Unlock()
		e.stop()
	})
}

func TestACanceledRequestHoldsNothing(t *testing.T) {
	t.Parallel()
	sending(t, time.Minute, 10, nil, func(e *engine, _ *batchFake) {
		pass(time.Second)
		e.abort()
		if s := <-e.summary; s.Abandoned != 10 || e.hand.count[held] != 0 {
			t.Errorf("%d held, %+v", e.hand.count[held], s)
		}
	})
}

func TestNonsenseInAnAnswerToSeveralIsSaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newBatchFake(time.Millisecond)
		f.whole = func([]string) message.Result {
			r := delivered2xx
			r.LimitsIgnored = 2
			return r
		}
		q.send(10)
		e := run(t, q, f.fakeTarget, ratelimit.Limits{Concurrency: 1, Follow: true}, inTens(f))
		pass(time.Second)
		if said := e.said(); strings.Count(said, "makes no sense in part") != 1 || !strings.Contains(said, "ignored=2") {
			t.Errorf("it says:\n%s", said)
		}
		e.stop()
	})
}
