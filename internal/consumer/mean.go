package consumer

import "time"

// mean is an exponentially weighted moving mean.
type mean struct {
	n     int
	value float64
}

// add takes in a sample with its weight, over 0 and at most 1; the first is the mean.
func (m *mean) add(sample, weight float64) {
	if m.n++; m.n == 1 {
		weight = 1
	}
	m.value += weight * (sample - m.value)
}

// earlier is the earlier of two times, where zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
