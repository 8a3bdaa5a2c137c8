//go:build fleet

package fleet

import (
	"strings"
	"testing"
	"time"
)

// operates runs a verb that tells a replica something, which has to exit so and to say a text.
func (s *stage) operates(r *replica, code int, text string, args ...string) {
	s.t.Helper()
	c := s.command(append(args, "--listen", r.admin)...)
	out, err := c.CombinedOutput()
	if got := c.ProcessState.ExitCode(); got != code || !strings.Contains(string(out), text) {
		s.t.Errorf("poller %s: %v, exit %d, want %d and %q:\n%s", strings.Join(args, " "), err, got, code, text, out)
	}
}

// known waits until so many replicas know of a pause of all.
func (s *stage) known(paused float64, replicas ...*replica) {
	s.t.Helper()
	s.eventually("it has reached all replicas", func() bool {
		for _, r := range replicas {
			if r.metric("poller_fleet_override") != paused {
				return false
			}
		}
		return true
	})
}

// still checks that nothing starts for a while.
func (s *stage) still(d time.Duration) {
	s.t.Helper()
	from := s.count()
	if pass(d); s.count() != from {
		s.t.Errorf("%d deliveries in a pause", s.count()-from)
	}
}

func TestAPauseOfTheFleetHoldsForAllAndForThoseThatStartLater(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.joins(3, s.url())
		s.delivers(100)
		s.operates(s.replicas[0], 0, "target default, all replicas: paused until resume", "pause", "--fleet", "--by", "ada")
		told := time.Now()
		s.known(1, s.replicas...)
		t.Logf("%s: all three know of it after %v", s.program, time.Since(told).Round(10*time.Millisecond))
		pass(time.Second) // what was under way arrives
		s.still(3 * time.Second)
		fourth := s.join(s.url())
		s.says(4, "fleet live")
		s.known(1, fourth)
		if !contains(fourth, "/status.json", "Paused by ada for all replicas since ") {
			t.Error("the one that started later does not say that it is paused")
		}
		s.still(2 * time.Second)
		s.server.tells("FLUSHALL")
		s.says(4, "fleet memory lost")
		fifth := s.join(s.url()) // which only knows what the others have brought
		s.known(1, fifth)
		s.still(8 * time.Second) // until the new memory grants something
		s.operates(fifth, 0, "pause lifted", "resume", "--fleet", "--by", "bob")
		s.known(0, s.replicas...)
		s.reaches(0.9, 5*time.Second)
		s.operates(fourth, 0, "rate 14/s until ", "pace", "--fleet", "--rate", "14/s", "--for", "5m")
		s.known(1, s.replicas...)
		pass(time.Second)
		from := s.count()
		pass(5 * time.Second)
		if n := s.count() - from; n < 60 || n > 5*14+s.budget.burst+2 {
			t.Errorf("%d starts in 5 s, 70 expected", n)
		}
		s.operates(fourth, 0, "rate override lifted", "pace", "--fleet", "--reset")
		s.reaches(0.9, 5*time.Second)
		s.server.kills()
		s.operates(s.replicas[1], 1, "target default: the fleet's coordinator did not take it (Redis cannot be reached: ", "pause", "--fleet")
		s.server.start()
		s.judge(0, 0)
	})
}
