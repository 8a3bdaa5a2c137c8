//go:build fleet

package fleet

import (
	"testing"
	"time"
)

// TestWhatAFleetCosts measures four replicas at 450 messages a second with a budget of 500,
// shared by the coordinator and in fixed parts: run.sh -run Costs -v. It has the machine to
// itself.
func TestWhatAFleetCosts(t *testing.T) {
	const perSecond = 450
	arrive := 15
	if testing.Short() {
		arrive = 3
	}
	for name, flags := range map[string][]string{"a fleet": nil, "fixed parts": {"--fleet-replicas", "4"}} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, servers[0], budget{rate: 500, burst: 26, slots: 200})
			for range 4 {
				if flags == nil {
					s.join(s.url())
				} else {
					s.join("", flags...)
				}
			}
			for _, r := range s.replicas {
				s.eventually("it is ready", func() bool { return contains(r, "/-/ready", "ready") })
			}
			s.sends(perSecond, "--rate", "450/s") // the first connections
			s.eventually("all have arrived", func() bool { return s.count() == perSecond })
			before := s.cpu()
			began := time.Now()
			s.sends(arrive*perSecond, "--rate", "450/s")
			s.eventually("all have arrived", func() bool { return s.count() >= (arrive+1)*perSecond })
			n := s.count() - perSecond
			t.Logf("%s: %d messages in %v: %.0f µs of CPU a message; from SQS to the target %v (half), %v (99 %%)", name, n, time.Since(began).Round(time.Second),
				1e6*(s.cpu()-before)/float64(n), s.wait(perSecond, 0.5).Round(100*time.Microsecond), s.wait(perSecond, 0.99).Round(100*time.Microsecond))
			s.judge(0, 0)
		})
	}
}

// cpu returns the seconds of processor that the replicas have used.
func (s *stage) cpu() float64 {
	sum := 0.0
	for _, r := range s.replicas {
		sum += r.metric("process_cpu_seconds_total")
	}
	return sum
}
