package simulation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// staged is a world that is not drawn: one target, one queue, and nothing wrong except what
// the test adds.
func staged(seed uint64) *scenario {
	return &scenario{
		seed: seed, dice: dice(seed), drain: 25 * time.Second, healing: longestAfterStorm,
		trouble: time.Minute, storm: &storm{},
		targets: []targetPlan{{
			name: "target-0", timeout: 5 * time.Second, backoff: time.Second, backoffMax: 5 * time.Second,
			fastest: 20 * time.Millisecond, slowest: 80 * time.Millisecond,
			limits: ratelimit.Limits{Concurrency: 10, Burst: 1},
		}},
		queues: []queuePlan{{
			name: "queue-0", visibility: 30 * time.Second, gather: 20 * time.Millisecond, weight: 1, maxReceives: 3,
		}},
		replicas: []replicaPlan{{start: 100 * time.Millisecond}},
	}
}

// send sends n messages from a time on, one after another.
func (s *scenario) send(n int, from, each time.Duration, group string, poison int) {
	s.storm.poison = s.storm.poison || poison != 0
	for i := range n {
		s.sends = append(s.sends, sendPlan{at: from + time.Duration(i)*each, group: group, size: 50, poison: poison})
	}
}

// judged plays the scenario and fails for each invariant that it breaks.
func judged(t *testing.T, s *scenario) *world {
	t.Helper()
	w := newWorld(s)
	synctest.Test(t, func(t *testing.T) { w.run(t.Context()) })
	if broken := judge(w); len(broken) > 0 {
		t.Error(strings.Join(broken, "\n"))
	}
	return w
}

func TestPoisonAtTheHeadOfAGroupTakesNoGoodMessageWithIt(t *testing.T) {
	t.Parallel()
	seeds := uint64(5)
	if !*whole {
		seeds = 1
	}
	for seed := range seeds {
		s := staged(seed + 1)
		s.queues[0].fifo, s.queues[0].name = true, "queue-0.fifo"
		s.send(3, 0, time.Millisecond, "g", 500)
		s.send(30, 10*time.Millisecond, time.Millisecond, "g", 0)
		s.send(600, 50*time.Millisecond, 50*time.Millisecond, "other", 0)
		w := judged(t, s)
		if len(w.dead) != 3 {
			t.Errorf("%d are dead, and 3 are poison", len(w.dead))
		}
	}
}

// TestARowOfPoisonMessagesIsPassed: a hundred; with -long a thousand, which take 2.7 hours.
func TestARowOfPoisonMessagesIsPassed(t *testing.T) {
	t.Parallel()
	row, more := 100, 300
	if *long {
		row, more = 1000, 2500
	}
	s := staged(1)
	s.send(row, 0, time.Millisecond, "", 500)
	s.send(200, 2*time.Second, time.Millisecond, "", 0)
	s.send(more, 3*time.Second, 5*time.Second, "", 0)
	w := judged(t, s)
	if len(w.dead) != row {
		t.Errorf("%d are dead, and %d are poison", len(w.dead), row)
	}
	if last := s.sends[len(s.sends)-1].at; w.healed > last+time.Minute {
		t.Errorf("the queue was empty %v after the last message", w.healed-last)
	}
}

// TestALongOutageKillsNoGoodMessage: of an hour; with -long of 13, more than a message may
// be in flight.
func TestALongOutageKillsNoGoodMessage(t *testing.T) {
	t.Parallel()
	for way, name := range map[int]string{answers503: "503", answers500: "500", refusesDials: "refused"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			lasts := time.Hour
			if *long {
				lasts = 13 * time.Hour
			}
			s := staged(uint64(way) + 1)
			s.storm = &storm{window: window{10 * time.Second, lasts, way}}
			s.targets[0].outages = []window{s.storm.window}
			s.trouble = s.storm.to + time.Minute
			s.send(200, 0, 200*time.Millisecond, "", 0)
			s.send(int(lasts/time.Minute), time.Minute, time.Minute, "", 0)
			if way == answers503 {
				s.replicas = append(s.replicas, replicaPlan{start: 200 * time.Millisecond})
			}
			if w := judged(t, s); len(w.dead) != 0 {
				t.Errorf("%d are dead", len(w.dead))
			}
		})
	}
}
