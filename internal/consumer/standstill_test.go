package consumer

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestADeliveryThatOutlastsItsTimeoutSinceTheProcessStoodStillIsNoStrike(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		took time.Duration
		want int64 // given up
	}{
		"a time-out":   {took: 5 * time.Second, want: 1},
		"a standstill": {took: 65 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
				f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
					if m.ID == "m0" && try == 1 {
						return message.Result{Outcome: message.Failed, Reason: "timeout"}, test.took
					}
					return delivered2xx, f.took
				}
				e := run(t, q, f, ratelimit.Limits{Concurrency: 2}, func(o *Options) { o.Timeout = 5 * time.Second })
				q.send(1)
				for range 80 { // others begin later and are delivered
					pass(time.Second)
					q.send(1)
				}
				if s := e.stop(); s.Failed != test.want {
					t.Errorf("summary %+v", s)
				}
			})
		})
	}
}

func TestDeliveriesThatAStandstillLeftOpenDoNotCloseTheGate(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]gate.State{5 * time.Second: gate.Closed, 65 * time.Second: gate.Open} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFakeQueue(), newFakeTarget(10*time.Millisecond)
			f.answer = func(m *message.Message, try int) (message.Result, time.Duration) {
				if m.ID == "m0" {
					return delivered2xx, f.took
				}
				return message.Result{Outcome: message.Failed, Reason: "timeout"}, took
			}
			q.send(11)
			e := run(t, q, f, ratelimit.Limits{Concurrency: 11}, func(o *Options) { o.Timeout = 5 * time.Second })
			pass(took + 2*time.Second)
			if is := e.door.State(); is != want {
				t.Errorf("after time-outs of %s the gate is %v", took, is)
			}
			e.stop()
		})
	}
}
