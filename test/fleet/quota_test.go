//go:build fleet

package fleet

import (
	"syscall"
	"testing"
	"time"
)

// mostIn returns the most starts in any window of a length.
func (g *target) mostIn(window time.Duration) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	most, from := 0, 0
	for i, at := range g.starts {
		for at.Sub(g.starts[from]) > window {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func TestAQuotaHoldsThroughACrashAJoinALostMemoryAndACutWire(t *testing.T) {
	const quota = 100
	onEach(t, partner, func(s *stage) {
		n := newNetwork(t, s.server.address)
		flags := []string{"--rate", "7/s", "--quota", "100/m"}
		cut := s.join(n.url(), flags...)
		for range 3 {
			s.join(s.url(), flags...)
		}
		s.delivers(quota / 3)
		s.signals(syscall.SIGKILL, 1)
		s.join(s.url(), flags...)
		s.delivers(quota / 6)
		n.closes() // with tokens in hand
		s.server.tells("FLUSHALL")
		s.says(2, "fleet memory lost")
		s.delivers(quota / 4)
		n.opens()
		s.eventually("the quota is used up", func() bool { return s.count() >= 94*quota/100 })
		pass(10 * time.Second) // in which it would be passed
		s.eventually("the quota is shown as used up", func() bool { return cut.metric("poller_quota_used") >= 94 })
		from := s.count()
		s.eventually("what is free again is used", func() bool { return s.count() >= from+quota/4 })
		most := s.mostIn(time.Minute)
		t.Logf("%s: %d starts, at most %d of %d in a minute", s.program, s.count(), most, quota)
		if most > quota {
			t.Errorf("%d starts in a minute, the quota is %d", most, quota)
		}
	})
}
