package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

func TestTheGateOfAnIdleWorkerIsNotHalfOpenForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		up := f.downWith(message.Result{Outcome: message.Failed, Status: 404, Reason: "4xx", Refused: true})
		q.send(5)
		e := run(t, q, f, limitedTo(100), nil)
		pass(30 * time.Second)
		if got := e.door.Status(20); got.State != gate.Closed || !strings.HasPrefix(got.Answers.String(), "404 (") {
			t.Errorf("%+v", got)
		}
		if said := e.said(); !strings.Contains(said, "deliveries of 5 messages have failed since") || !strings.Contains(said, ": 404 (") {
			t.Errorf("the log does not say that all were 404:\n%s", said)
		}
		up()
		pass(10 * time.Second)
		if n := q.left(); n != 0 {
			t.Errorf("%d left", n)
		}
		pass(time.Minute)
		if is := e.door.State(); is != gate.Open {
			t.Errorf("the gate is %s", is)
		}
		e.stop()
	})
}

func TestDeliveriesThatHangAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(0)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID >= "m997" {
				return delivered2xx, 25 * time.Second
			}
			return delivered2xx, 50 * time.Millisecond
		}
		q.send(2000)
		e := run(t, q, f, limitedTo(100), nil)
		pass(4 * time.Second)
		if s := e.Snapshot(time.Now()); s.Hanging != 0 || s.LongestDelivery > time.Second {
			t.Errorf("%d hang, the longest for %v", s.Hanging, s.LongestDelivery)
		}
		pass(20 * time.Second)
		if s := e.Snapshot(time.Now()); s.Hanging != 3 || s.LongestDelivery < 10*time.Second || s.ReceiveTime != q.trip {
			t.Errorf("%d hang, the longest for %v; a receive takes %v", s.Hanging, s.LongestDelivery, s.ReceiveTime)
		}
		e.stop()
	})
}
