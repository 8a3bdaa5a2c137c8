package consumer

import (
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestTheFirstMessageOfAnyOfManyQueuesIsDeliveredAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const queues = 40
		f := newFakeTarget(50 * time.Millisecond)
		door, pace := gate.New(1), ratelimit.New(ratelimit.Limits{Concurrency: 64})
		var all []*engine
		for range queues {
			all = append(all, run(t, newFakeQueue(), f, ratelimit.Limits{Concurrency: 64}, func(o *Options) { o.Gate, o.Pace = door, pace }))
		}
		pass(10 * time.Second)
		last := all[0].queue
		for i, e := range all {
			if n := e.queue.called("receive"); n == 0 {
				t.Errorf("queue %d: nothing has been asked of it", i)
				last = e.queue
			}
		}
		last.send(1)
		pass(time.Second)
		if n := f.deliveries(); n != 1 {
			t.Errorf("%d are delivered a second after the message was sent", n)
		}
		for _, e := range all {
			e.stop()
		}
	})
}

// Each probe of a closed gate tries another message, whichever queue it is from: a queue that has
// only such as were tried before leaves the probe to one that has not, whatever their weights.
func TestEachProbeOfManyQueuesTriesAnotherMessage(t *testing.T) {
	t.Parallel()
	const refused = 8 // of each queue, for what they are
	for _, took := range []time.Duration{10 * time.Millisecond, 3 * time.Second} {
		t.Run(took.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeTarget(took)
				f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
					if n, _ := strconv.Atoi(m.ID[1:]); n < refused {
						return message.Result{Outcome: message.Throttled, Status: 429, Reason: "429"}, took
					}
					return delivered2xx, took
				}
				door, pace := gate.New(1), ratelimit.New(ratelimit.Limits{Concurrency: 10})
				var all []*engine
				for name, weight := range map[string]float64{"a": 5, "b": 1, "c": 1} {
					q := newFakeQueue()
					q.send(2 * refused)
					for i, m := range q.messages {
						m.id = name + strconv.Itoa(i)
					}
					all = append(all, run(t, q, f, ratelimit.Limits{}, func(o *Options) { o.Gate, o.Pace, o.Weight = door, pace, weight }))
				}
				for door.State() != gate.Closed {
					pass(10 * time.Millisecond)
				}
				before := f.deliveries()
				for door.State() == gate.Closed {
					pass(10 * time.Millisecond)
				}
				if probes := f.deliveries() - before; probes > 3*refused {
					t.Errorf("%d probes to pass %d messages", probes, 3*refused)
				}
				for _, e := range all {
					e.stop()
				}
			})
		})
	}
}

// A queue whose receives have failed is asked again while the gate is closed, though another
// queue's receives work: the messages to probe with may be in the one that failed.
func TestAfterAnOutageOfSQSAndTargetEachQueueIsAskedForAProbe(t *testing.T) {
	t.Parallel()
	for empty, name := range []string{"the first queue is empty", "the second is"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFakeTarget(10 * time.Millisecond)
				up := f.downWith(message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"})
				door, pace := gate.New(1), ratelimit.New(ratelimit.Limits{Concurrency: 10})
				all := make([]*engine, 2)
				for i := range all {
					q := newFakeQueue()
					q.send(10)
					for n, m := range q.messages {
						m.id = string(rune('a'+i)) + strconv.Itoa(n)
					}
					all[i] = run(t, q, f, ratelimit.Limits{}, func(o *Options) { o.Gate, o.Pace = door, pace })
				}
				for door.State() != gate.Closed {
					pass(10 * time.Millisecond)
				}
				for _, e := range all {
					e.queue.answers(away)
				}
				for door.Status(10).Held > 0 {
					pass(time.Second)
				}
				pass(time.Minute)
				q := all[empty].queue
				q.mu.Lock()
				for _, m := range q.messages {
					m.deleted = true
				}
				q.mu.Unlock()
				up()
				for _, i := range []int{empty, 1 - empty} { // the empty one answers first
					all[i].queue.answers(nil)
					pass(time.Minute)
				}
				if n := all[1-empty].queue.left(); n != 0 || door.State() != gate.Open {
					t.Errorf("a minute after the outage %d of the other queue's messages are left, the gate is %s", n, door.State())
				}
				for _, e := range all {
					e.stop()
				}
			})
		})
	}
}

// While a queue waits to be asked again, since SQS has refused its receives, the others' probes
// do not wait for it.
func TestAQueueThatSQSRefusesTakesNoTurnsFromTheOthersProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFakeTarget(10 * time.Millisecond)
		_ = f.downWith(message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"})
		door, pace := gate.New(1), ratelimit.New(ratelimit.Limits{Concurrency: 10})
		mine, refused := newFakeQueue(), newFakeQueue()
		mine.send(100)
		refused.answers(func(action string, _ int) error {
			if action == "receive" {
				return &message.SQSError{Action: "ReceiveMessage", Queue: "refused", Fault: message.Refused, Err: errors.New("access denied")}
			}
			return nil
		})
		share := func(o *Options) { o.Gate, o.Pace = door, pace }
		other := run(t, refused, f, ratelimit.Limits{}, share)
		e := run(t, mine, f, ratelimit.Limits{}, share)
		for door.State() != gate.Closed {
			pass(10 * time.Millisecond)
		}
		receives, tries := mine.called("receive"), f.deliveries()
		pass(time.Minute)
		receives, tries = mine.called("receive")-receives, f.deliveries()-tries
		if receives < tries-1 {
			t.Errorf("%d probes have brought %d receives", tries, receives)
		}
		e.stop()
		other.stop()
	})
}
