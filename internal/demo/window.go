package demo

import "time"

// window counts what happened in the last span of time. Events exactly one span
// apart are not in the same window.
type window struct {
	span  time.Duration
	times []time.Duration // since the start, in order; those before head are over
	head  int
}

// count is how many events there were in the span that ends at now.
func (w *window) count(now time.Duration) int {
	for w.head < len(w.times) && now-w.times[w.head] >= w.span {
		w.head++
	}
	if w.head > len(w.times)/2 {
		w.times = append(w.times[:0], w.times[w.head:]...)
		w.head = 0
	}
	return len(w.times) - w.head
}

func (w *window) add(now time.Duration) { w.times = append(w.times, now) }

func (w *window) clear() { w.times, w.head = w.times[:0], 0 }
