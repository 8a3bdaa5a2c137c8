//go:build fleet

package fleet

import (
	"fmt"
	"testing"
	"time"
)

// The tests of this file have the machine to themselves: they are not parallel with others.

func TestWithoutFaultsThePaceIsTheWholeBudget(t *testing.T) {
	for _, c := range []struct{ n, busy int }{{1, 1}, {4, 4}, {4, 1}, {16, 16}, {16, 1}} {
		t.Run(fmt.Sprintf("%d of %d have work", c.busy, c.n), func(t *testing.T) {
			b := partner
			b.slots = 32 // the idle keep one each
			onEach(t, b, func(s *stage) {
				s.joins(c.busy, s.url())
				for range c.n - c.busy {
					s.join(s.url(), "--queue", "idle")
				}
				s.says(c.n, "fleet live")
				s.reaches(0.98, 15*time.Second)
				s.judge(0, 0)
			})
		})
	}
}

func TestSlotsBindAndSomeReplicasStandBy(t *testing.T) {
	b := partner
	b.slots = 4
	onEach(t, b, func(s *stage) {
		s.joins(16, s.url())
		s.says(16, "fleet live")
		s.reaches(0.98, 15*time.Second)
		s.judge(0, 0)
	})
}
