//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"syscall"
	"testing"
)

func TestADrainFinishesWhatIsBegunAndGivesBackTheRest(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s, "VisibilityTimeout", "600"), newShutTarget(t)
			ids := q.send(t, "one", "two", "three", "four", "five")
			// What a receive that is out at the stop brings would be delivered if the time left covered
			// the timeout: on a slow machine, one is.
			d := newDaemon(t, s, q, g, "--concurrency", "1", "--drain-timeout", "60s", "--timeout", "90s")
			g.mustGet(t, 1)
			// All are in hand, or wait in the queue for a receive that may be out.
			eventually(t, "a message waits in hand", func() bool {
				return d.metric(t, "poller_messages_in_hand", `state="waiting"`) > 0
			})
			d.signal(t, syscall.SIGTERM)
			eventually(t, "what has not begun is visible again", func() bool {
				visible, _ := q.count(t)
				return visible == 4
			})
			if d.isEnded() {
				t.Fatal("the daemon ended while a delivery was running")
			}
			g.open()
			d.mustEnd(t, 0)
			begun := g.deliveries()
			if len(begun) != 1 {
				t.Fatalf("%d deliveries began", len(begun))
			}
			d.mustCount(t, map[string]float64{"delivered": 1, "failed": 0, "rejected": 0, "abandoned": 0})
			back := map[string]bool{}
			for len(back) < 4 {
				got := q.receive(t)
				if len(got) == 0 {
					break
				}
				for _, m := range got {
					back[*m.MessageId] = true
				}
			}
			for _, id := range ids {
				if back[id] == (id == begun[0].id) {
					t.Errorf("message %s: visible %t, delivered %t", id, back[id], id == begun[0].id)
				}
			}
		})
	}
}

func TestAKillLosesNothing(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s, "VisibilityTimeout", "3"), newShutTarget(t)
			bodies := make([]string, 24)
			for i := range bodies {
				bodies[i] = fmt.Sprintf("message %d", i)
			}
			ids := q.send(t, bodies...)
			first := newDaemon(t, s, q, g, "--concurrency", "4")
			g.mustGet(t, 4)
			first.signal(t, os.Kill)
			first.mustEnd(t, -1)
			g.open()
			second := newDaemon(t, s, q, g, "--concurrency", "4")
			eventually(t, "every message is delivered", func() bool { return len(counts(g.deliveries())) == len(ids) })
			q.mustGetEmpty(t)
			second.mustDrain(t)
			for id, times := range counts(g.deliveries()) {
				if times > 2 {
					t.Errorf("message %s was delivered %d times", id, times)
				}
			}
			if n := len(g.deliveries()); n > len(ids)+4 {
				t.Errorf("%d deliveries of %d messages: more than those that the kill cut off came twice", n, len(ids))
			}
		})
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newShutTarget(t)
			q.send(t, "one")
			d := newDaemon(t, s, q, g, "--drain-timeout", "10m")
			g.mustGet(t, 1)
			d.signal(t, os.Interrupt)
			eventually(t, "it drains", func() bool { return d.line("draining") != nil })
			d.signal(t, os.Interrupt)
			d.mustEnd(t, 130)
			d.mustCount(t, map[string]float64{"delivered": 0})
		})
	}
}

func TestAKillTakesNoMessageWithItsLongPoll(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			if !s.can(t, brokenPolls) {
				return
			}
			q, g := newQueue(t, s, "VisibilityTimeout", "600"), newTarget(t, nil)
			first := newDaemon(t, s, q, g, "--drain-timeout", "25s")
			mustPark(t, first)
			first.signal(t, os.Kill)
			first.mustEnd(t, -1)
			q.send(t, "one")
			second := newDaemon(t, s, q, g)
			g.mustGet(t, 1)
			q.mustGetEmpty(t)
			second.mustDrain(t)
		})
	}
}
