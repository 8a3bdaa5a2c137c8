//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// The exit codes of poller drain that docs/running.md lists.
const (
	wholly  = 0 // the queue was seen to be empty
	cutOff  = 3 // something was given back while its delivery was running
	tooLong = 4 // time ran out, or a signal came, with messages left
)

// startDrain starts `poller drain` between a queue and a target.
func startDrain(t *testing.T, s server, q *queue, g *target, flags ...string) *daemon {
	t.Helper()
	return startDaemon(t, s, append([]string{"drain", "--queue", q.name, "--target", g.URL, "--listen", "127.0.0.1:0", "--idle", "1s"}, flags...)...)
}

// numbered returns n bodies.
func numbered(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("message %d", i)
	}
	return bodies
}

// mustHave fails unless this many messages are in the queue right now, all visible.
func (q *queue) mustHave(t *testing.T, want int) {
	t.Helper()
	if visible, hidden := q.count(t); visible != want || hidden != 0 {
		t.Errorf("the queue has %d visible and %d invisible messages, want %d and none", visible, hidden, want)
	}
}

func TestPollerDrainEmptiesTheQueueAndEnds(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			ids := q.send(t, numbered(64)...)
			d := startDrain(t, s, q, g)
			d.mustEnd(t, wholly)
			q.mustHave(t, 0)
			d.mustCount(t, map[string]float64{"delivered": 64, "failed": 0, "released": 0, "abandoned": 0})
			mustBeOnce(t, g.deliveries(), ids)
		})
	}
}

func TestPollerDrainWaitsForWhatIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, s)
			g := newTarget(t, func(d delivery) int {
				if d.receives == 1 {
					return http.StatusBadRequest // released, with a delay of a second or two
				}
				return http.StatusOK
			})
			q.send(t, numbered(8)...)
			d := startDrain(t, s, q, g)
			d.mustEnd(t, wholly)
			q.mustHave(t, 0)
			d.mustCount(t, map[string]float64{"delivered": 8, "rejected": 8, "abandoned": 0})
		})
	}
}

// slowly answers after a while.
func slowly(after time.Duration) func(delivery) int {
	return func(delivery) int {
		<-time.After(after)
		return http.StatusOK
	}
}

func TestPollerDrainWhoseTimeIsOutFinishesWhatIsBegunAndLeavesTheRestVisible(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			// All of them would take longer than the test is patient.
			const sent = 400
			q, g := newQueue(t, s, "VisibilityTimeout", "600"), newTarget(t, slowly(500*time.Millisecond))
			q.send(t, numbered(sent)...)
			d := startDrain(t, s, q, g, "--concurrency", "2", "--max-duration", "3s", "--drain-timeout", "30s")
			d.mustEnd(t, tooLong)
			delivered := len(g.deliveries())
			if delivered == 0 {
				t.Error("nothing was delivered")
			}
			q.mustHave(t, sent-delivered)
			d.mustCount(t, map[string]float64{"delivered": float64(delivered), "failed": 0, "abandoned": 0})
			left := fmt.Sprintf("%d messages are left on the queue", sent-delivered)
			if ended := d.line("poller ended early"); ended == nil || ended["error"] != left {
				t.Errorf("it ends with %v, want %q", ended, left)
			}
		})
	}
}

func TestPollerDrainWhoseTimeIsOutWithTheLastInHandHasEmptiedTheQueue(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newShutTarget(t)
			q.send(t, numbered(2)...)
			d := startDrain(t, s, q, g, "--max-duration", "2s", "--drain-timeout", "60s")
			g.mustGet(t, 2)
			eventually(t, "its time is out", func() bool { return d.line("draining") != nil })
			g.open()
			d.mustEnd(t, wholly)
			q.mustHave(t, 0)
		})
	}
}

func TestPollerDrainGivesBackWhatOutlastsItsStop(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s, "VisibilityTimeout", "600"), newShutTarget(t)
			q.send(t, numbered(5)...)
			d := startDrain(t, s, q, g, "--concurrency", "2", "--max-duration", "2s", "--drain-timeout", "2s")
			d.mustEnd(t, cutOff)
			q.mustHave(t, 5)
			d.mustCount(t, map[string]float64{"delivered": 0, "abandoned": 0})
		})
	}
}

func TestASignalEndsPollerDrainWithTheRestVisible(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s, "VisibilityTimeout", "600"), newShutTarget(t)
			q.send(t, numbered(5)...)
			d := startDrain(t, s, q, g, "--concurrency", "1", "--drain-timeout", "60s")
			g.mustGet(t, 1)
			d.signal(t, syscall.SIGTERM)
			eventually(t, "it drains", func() bool { return d.line("draining") != nil })
			g.open()
			d.mustEnd(t, tooLong)
			q.mustHave(t, 5-len(g.deliveries()))
		})
	}
}
