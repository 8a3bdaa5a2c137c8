package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"poller/internal/ratelimit"
)

// At a stop several long polls may be out. What they bring is given back; by the next of
// them it comes again.
func TestAStopWithSeveralReceivesOutCostsAMessageOneMoreReceiveAtMost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(100*time.Millisecond)
		q.retire = 3
		q.send(300)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 50}, nil)
		pass(5 * time.Second)
		e.drain()
		pass(time.Second)
		q.send(1)
		begin := time.Now()
		s := <-e.summary
		if !strings.Contains(e.logs.String(), "receives_out=") || strings.Contains(e.logs.String(), "receives_out=1 ") {
			t.Fatalf("the test wants several receives out:\n%s", e.logs)
		}
		if s.Delivered != 300 || s.Released != 2 || s.Abandoned != 0 || mostReceives(q) > 2 {
			t.Errorf("summary %+v; the message was received %d times", s, mostReceives(q))
		}
		if q.left() != 1 || q.invisible() != 0 {
			t.Errorf("%d left, %d invisible", q.left(), q.invisible())
		}
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("the drain took %v more", took)
		}
	})
}
