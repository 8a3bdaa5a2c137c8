package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
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
