//go:build fleet

package fleet

import (
	"syscall"
	"testing"
	"time"
)

// TestABudgetHoldsThroughCrashesAndOutages is also the short form: faults of replicas and of
// the server, one after another.
func TestABudgetHoldsThroughCrashesAndOutages(t *testing.T) {
	for _, program := range programs(t) {
		t.Run(program, func(t *testing.T) {
			s := newStage(t, program)
			url := "redis://" + s.address
			for range 4 {
				s.join(url)
			}
			s.delivers(150)
			s.reaches(0.98, 15*time.Second)
			signal(s.replicas[0], syscall.SIGSTOP) // it stands still, with tokens in hand
			pass(5 * time.Second)
			signal(s.replicas[0], syscall.SIGCONT)
			signal(s.replicas[1], syscall.SIGKILL)
			s.join(url)
			signal(s.replicas[2], syscall.SIGTERM) // it leaves
			s.delivers(150)
			signal(s.server, syscall.SIGSTOP) // nobody hears anything
			pass(5 * time.Second)
			signal(s.server, syscall.SIGCONT)
			s.delivers(200)
			s.redis(s.address, "FLUSHALL")
			s.delivers(150)
			if !s.said("fleet memory lost") || !s.said("fleet left") {
				t.Error("the logs do not say it")
			}
			s.judge(0)
		})
	}
}

func TestReplicasGoOnByThemselvesThroughTheLossOfTheServer(t *testing.T) {
	if testing.Short() {
		return
	}
	for _, program := range programs(t) {
		t.Run(program, func(t *testing.T) {
			s := newStage(t, program)
			url := "redis://" + s.address
			for range 4 {
				s.join(url)
			}
			pass(75 * time.Second) // they have a share
			signal(s.server, syscall.SIGSTOP)
			pass(40 * time.Second)
			if !s.said("fleet on share") {
				t.Error("no replica goes on by itself")
			}
			s.show("fleet on share")
			s.reaches(0.9, 10*time.Second)
			signal(s.server, syscall.SIGCONT)
			s.delivers(200)
			signal(s.server, syscall.SIGKILL)
			pass(9 * time.Second) // on their shares again
			s.startServer()
			s.delivers(200)
			signal(s.replicas[0], syscall.SIGKILL)
			pass(10 * time.Second)
			s.judge(4)
		})
	}
}

func TestAPromotionThatLosesCallsGrantsNothingTwice(t *testing.T) {
	if testing.Short() {
		return
	}
	for _, program := range programs(t) {
		t.Run(program, func(t *testing.T) {
			// Without INFO the tokens of the lost calls are granted twice: docs/fleet.md says so.
			for name, of := range map[string]struct {
				user  string
				twice int
			}{"INFO allowed": {"+info", 0}, "INFO refused": {"-info", rate / 2}} {
				t.Run(name, func(t *testing.T) {
					s := newStage(t, program)
					second := free(t)
					s.start(s.serverOn(second))
					acl := "+@all " + of.user
					for _, address := range []string{s.address, second} {
						s.listens(address)
						s.redis(address, "ACL SETUSER default on nopass ~* &* "+acl)
					}
					proxy := newSwitch(t, s.address)
					for range 4 {
						s.join("redis://" + proxy.address())
					}
					_, port, _ := splitAddress(s.address)
					s.redis(second, "REPLICAOF", "127.0.0.1", port)
					s.delivers(300)
					s.redis(second, "REPLICAOF", "NO", "ONE") // what follows, the second does not have
					pass(300 * time.Millisecond)
					proxy.to(second)
					s.delivers(300)
					if !s.said("fleet memory lost") {
						t.Error("nobody has noticed")
					}
					s.judge(of.twice)
				})
			}
		})
	}
}

func TestSlotsBindAndSomeReplicasStandBy(t *testing.T) {
	if testing.Short() {
		return
	}
	for _, program := range programs(t) {
		t.Run(program, func(t *testing.T) {
			s := newStage(t, program)
			for range 16 {
				s.join("redis://" + s.address)
			}
			s.delivers(200)
			s.reaches(0.98, 20*time.Second)
			s.judge(0)
		})
	}
}
