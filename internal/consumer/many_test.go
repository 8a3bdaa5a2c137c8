package consumer

import (
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
