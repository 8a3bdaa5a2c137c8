//go:build fleet

package fleet

import (
	"syscall"
	"testing"
	"time"
)

func TestReplicasCrashJoinAndLeave(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.joins(4, s.url())
		s.delivers(150)
		s.signals(syscall.SIGKILL, 1)
		s.join(s.url())
		s.signals(syscall.SIGTERM, 2)
		s.says(1, "fleet left")
		s.reaches(0.9, 5*time.Second) // they were young: nothing is reserved for the crashed one
		s.judge(0, 0)
	})
}

func TestTheShareOfACrashedReplicaIsReserved(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.joins(4, s.url())
		s.grows()
		s.signals(syscall.SIGKILL, 0)
		pass(4 * time.Second) // until it counts as missing
		from := s.count()
		pass(10 * time.Second)
		if got := float64(s.count()-from) / s.budget.rate / 10; got < 0.7 || got > 0.8 {
			t.Errorf("%.0f %% of the rate, 75 expected", 100*got)
		}
		s.judge(0, 0)
	})
}

// standstills are for how long processes stand still; the first alone with -short.
func standstills() []time.Duration {
	lengths := []time.Duration{5 * time.Second, 40 * time.Second, 120 * time.Second}
	if testing.Short() {
		return lengths[:1]
	}
	return lengths
}

func TestReplicasStandStill(t *testing.T) {
	for _, length := range standstills() {
		t.Run(length.String(), func(t *testing.T) {
			onEach(t, partner, func(s *stage) {
				s.joins(4, s.url())
				s.delivers(150)
				s.signals(syscall.SIGSTOP, 0, 1) // with tokens in hand
				pass(length)
				s.reaches(0.9, 5*time.Second)
				s.signals(syscall.SIGCONT, 0, 1)
				s.delivers(150)
				s.reaches(0.9, 5*time.Second)
				s.judge(0, 0)
			})
		})
	}
}

func TestTheOthersGoOnWhileSomeAreCutOff(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		n := newNetwork(t, s.server.address)
		s.joins(2, s.url())
		s.joins(2, n.url())
		alone := 0
		if !testing.Short() {
			s.grows()
			alone = 2
		}
		s.delivers(150)
		n.closes()
		pass(12 * time.Second)
		s.reaches(0.9, 5*time.Second)
		n.opens() // what was held back arrives late
		s.delivers(150)
		s.reaches(0.9, 5*time.Second)
		s.judge(alone, 0)
	})
}

func TestCallsAreLostLateAndDoubled(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		n := newNetwork(t, s.server.address)
		s.joins(4, n.url())
		s.delivers(50)
		n.troubles(trouble{lose: 0.02, late: 0.1, double: 0.3})
		pass(20 * time.Second)
		n.troubles(trouble{})
		s.delivers(150)
		s.reaches(0.9, 5*time.Second)
		s.judge(0, 0)
	})
}
