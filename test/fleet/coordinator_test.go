//go:build fleet

package fleet

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestTheServerStandsStill(t *testing.T) {
	for _, length := range standstills() {
		t.Run(length.String(), func(t *testing.T) {
			onEach(t, partner, func(s *stage) {
				s.joins(4, s.url())
				alone := 0
				if !testing.Short() {
					s.grows()
					alone = 4
				}
				s.delivers(150)
				signal(s.server.command, syscall.SIGSTOP)
				pass(7 * time.Second) // nothing starts for 6 s
				if length < 7*time.Second {
					signal(s.server.command, syscall.SIGCONT)
				} else {
					s.says(4, "fleet on share")
					s.reaches(0.9, 5*time.Second)
					pass(length - 12*time.Second)
					signal(s.server.command, syscall.SIGCONT) // it reads all that was sent meanwhile
				}
				s.delivers(150)
				s.reaches(0.9, 5*time.Second)
				s.judge(alone, 0)
			})
		})
	}
}

func TestReplicasGoOnByThemselvesWhileTheServerIsAway(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.joins(4, s.url())
		s.grows()
		s.server.kills()
		s.says(4, "fleet on share")
		s.reaches(0.9, 5*time.Second)
		s.server.start() // with nothing in its memory
		s.says(4, "fleet memory lost")
		s.reaches(0.9, 5*time.Second)
		s.judge(4, 0)
	})
}

// The fixed part comes 5 minutes after the last answer: too long for the short form, which
// sees that it is announced.
func TestAFixedPartFollowsOnceTheServerIsAwayForLong(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.server.kills()
		for range 4 {
			s.join(s.url(), "--fleet-replicas", "4")
		}
		s.says(4, "fleet coordinator not reached")
		for _, r := range s.replicas {
			s.eventually("it is not ready, and says what it waits for", func() bool {
				return contains(r, "/-/ready", "fleet orders: nothing may start while its budget is unknown; waiting for the coordinator, or the fixed part in ")
			})
		}
		if s.count() > 0 {
			t.Errorf("%d starts without a budget", s.count())
		}
		alone := 0
		if !testing.Short() {
			pass(5 * time.Minute)
			s.says(4, "fleet on fixed part")
			s.reaches(0.9, 10*time.Second)
			alone = 4
		}
		s.server.start()
		s.says(4, "fleet live")
		s.reaches(0.9, 5*time.Second)
		s.judge(alone, 0)
	})
}

func TestTheServerLosesItsMemory(t *testing.T) {
	onEach(t, partner, func(s *stage) {
		s.joins(4, s.url())
		s.delivers(100)
		s.server.tells("FLUSHALL")
		s.says(4, "fleet memory lost")
		s.delivers(100)
		s.server.kills()
		s.server.start()
		s.delivers(100)
		// An old file: what it says is 5 s behind.
		s.server.tells("SAVE")
		old, err := os.ReadFile(filepath.Join(s.server.folder, "dump.rdb"))
		if err != nil {
			t.Fatal(err)
		}
		pass(5 * time.Second)
		s.server.kills()
		if err := os.WriteFile(filepath.Join(s.server.folder, "dump.rdb"), old, 0o600); err != nil {
			t.Fatal(err)
		}
		s.server.start()
		s.delivers(100)
		s.reaches(0.9, 5*time.Second)
		for i, r := range s.replicas {
			if got := r.metric("poller_fleet_memory_lost_total"); got != 3 {
				t.Errorf("replica %d has seen %v losses of 3", i, got)
			}
		}
		s.judge(0, 0)
	})
}

func TestAPromotionThatLosesCallsGrantsNothingTwice(t *testing.T) {
	// Without INFO the tokens of the lost calls are granted twice: docs/fleet.md says so.
	for name, info := range map[string]string{"INFO allowed": "+info", "INFO refused": "-info"} {
		t.Run(name, func(t *testing.T) {
			onEach(t, partner, func(s *stage) {
				second := s.starts()
				for _, v := range []*server{s.server, second} {
					v.tells("ACL", "SETUSER", "default", "on", "nopass", "~*", "&*", "+@all", info)
				}
				n := newNetwork(t, s.server.address)
				s.joins(4, n.url())
				second.tells("REPLICAOF", "127.0.0.1", s.server.port())
				s.delivers(200)
				second.tells("REPLICAOF", "NO", "ONE") // what follows, the second does not have
				pass(300 * time.Millisecond)
				n.to(second.address)
				twice := s.budget.rate / 2
				if info == "+info" {
					s.says(4, "fleet memory lost")
					twice = 0
				}
				s.delivers(100)
				s.reaches(0.9, 5*time.Second)
				s.judge(0, twice)
			})
		})
	}
}

func TestTheServersClockIsSet(t *testing.T) {
	for name, by := range map[string]time.Duration{"back 30 s": -30 * time.Second, "ahead 10 s": 10 * time.Second, "ahead 10 min": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			onEach(t, partner, func(s *stage) {
				s.joins(4, s.url())
				s.delivers(150)
				s.server.steps(by)
				if by < 0 {
					s.says(4, "fleet memory lost")
				}
				pass(time.Second)
				s.delivers(150)
				s.reaches(0.9, 5*time.Second)
				s.judge(0, 0)
			})
		})
	}
}
