package consumer

import "time"

// ticks numbers the seconds since a first time, which is in second 1. It goes by the
// monotonic clock: somebody who sets the machine's clock back must not stop what is counted
// per second until the clock is there again.
type ticks struct {
	origin time.Time
}

func (t *ticks) second(now time.Time) int64 { return int64(t.elapsed(now) / time.Second) }

// elapsed returns the time since a second before the first time.
func (t *ticks) elapsed(now time.Time) time.Duration {
	if t.origin.IsZero() {
		t.origin = now.Add(-time.Second)
	}
	return now.Sub(t.origin)
}
