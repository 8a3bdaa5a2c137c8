package consumer

import "time"

// Lag is looked at over the last minute, in parts of five seconds.
const (
	lagPart  = 5 * time.Second
	lagParts = 12
)

// lagWindow is the largest lag that was received in the last minute.
type lagWindow struct {
	parts  [lagParts]time.Duration
	newest int64 // the number of the newest part, since the epoch
}

func (w *lagWindow) note(now time.Time, lag time.Duration) {
	w.advance(now)
	part := &w.parts[w.newest%lagParts]
	*part = max(*part, lag)
}

// clear forgets all: the queue is empty.
func (w *lagWindow) clear() { w.parts = [lagParts]time.Duration{} }

func (w *lagWindow) largest(now time.Time) time.Duration {
	w.advance(now)
	var largest time.Duration
	for _, lag := range w.parts {
		largest = max(largest, lag)
	}
	return largest
}

func (w *lagWindow) advance(now time.Time) {
	part := now.UnixNano() / int64(lagPart)
	if part-w.newest >= lagParts {
		w.clear()
		w.newest = part
	}
	for w.newest < part {
		w.newest++
		w.parts[w.newest%lagParts] = 0
	}
}
