package localsqs

import "time"

// held counts the bytes of all bodies, so that memory can be given back to the
// system when most of them are gone.
type held struct {
	release func() // nil means never
	bytes   int
	peak    int
	timer   *time.Timer
}

// Below releaseFrom it is not worth a garbage collection. The delay lets what
// refers to the last messages end first.
const (
	releaseFrom  = 64 << 20
	releaseDelay = time.Second
)

// hold counts n bytes more, or fewer, in the queue.
func (q *queue) hold(n int) {
	q.bytes += n
	q.s.held.add(n)
}

// add calls for a release when the bytes have fallen to a quarter of their peak.
func (h *held) add(n int) {
	h.bytes += n
	h.peak = max(h.peak, h.bytes)
	if h.release == nil || h.peak < releaseFrom || h.bytes > h.peak/4 {
		return
	}
	h.peak = h.bytes
	if h.timer == nil {
		h.timer = time.AfterFunc(releaseDelay, h.release)
	} else {
		h.timer.Reset(releaseDelay)
	}
}

func (h *held) stop() {
	if h.timer != nil {
		h.timer.Stop()
	}
}
