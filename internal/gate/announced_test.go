package gate_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

func TestWhatTheTargetHasAnnouncedIsNoTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := gate.New(1)
		seat := g.Join(func() {})
		try := func(id string, r message.Result) {
			m := new(gate.Message)
			seat.Enter(m, id)
			seat.Begin(time.Now(), m)
			seat.End(time.Now(), m, r, 10)
		}
		try("first", message.Result{Outcome: message.Delivered})
		refused := message.Result{Outcome: message.Throttled, RetryAfter: time.Minute}
		for i := range 4 {
			try(strconv.Itoa(i), refused) // not yet believed
		}
		refused.Announced = true
		for i := range 20 {
			try("announced "+strconv.Itoa(i), refused)
		}
		<-time.After(20 * time.Second)
		seat.Tick(time.Now(), 10)
		if s := g.Status(10); s.State != gate.Open || s.Messages != 0 || s.Held != 24 || s.Strikes != 0 {
			t.Errorf("%+v", s)
		}
	})
}
