package localsqs

import (
	"context"
	"slices"
	"time"
)

// waiter is a long poll waiting for messages.
type waiter struct {
	ask
	// gone tells that the client went away: it is then passed over.
	gone func() error
	done chan struct{}
	// out and err are the answer, once ended.
	out   []delivery
	err   error
	ended bool
}

func (w *waiter) end(out []delivery, err error) {
	w.out, w.err, w.ended = out, err, true
	close(w.done)
}

// wait blocks a long poll until it is served, its time is up, or its client has gone.
// Messages handed to a client that has gone are returned to the queue.
func (q *queue) wait(ctx context.Context, a ask, most time.Duration) ([]delivery, error) {
	now := q.s.lock()
	if q.closed {
		q.s.unlock(now)
		return nil, errNoQueue
	}
	q.serve(now) // those who came before are served before
	if out := q.take(a, now); len(out) > 0 || most <= 0 {
		err := q.full(out)
		q.s.unlock(now)
		return out, err
	}
	w := &waiter{ask: a, gone: ctx.Err, done: make(chan struct{})}
	q.waiters = append(q.waiters, w)
	q.arm(now)
	q.s.unlock(now)

	timeout := time.NewTimer(most)
	defer timeout.Stop()
	select {
	case <-w.done:
	case <-timeout.C:
	case <-ctx.Done():
	}
	return q.leave(w)
}

// leave ends the wait of w, whatever woke it: what counts is whether it was
// served, not which of two things at one instant was seen first. What is due at
// the instant at which the wait ends is still served.
func (q *queue) leave(w *waiter) ([]delivery, error) {
	now := q.s.lock()
	if !w.ended {
		q.serve(now)
	}
	if !w.ended {
		q.waiters = slices.DeleteFunc(q.waiters, func(other *waiter) bool { return other == w })
		q.arm(now)
	}
	q.s.unlock(now)
	return w.out, w.err
}

// full is SQS's error for a short poll of a standard queue with too many
// messages in flight.
func (q *queue) full(out []delivery) error {
	if len(out) == 0 && q.fifo == nil && q.inFlight.n >= inFlightLimit {
		return overLimit.because("Too many messages in flight: a queue may have %d.", inFlightLimit)
	}
	return nil
}

// serve hands visible messages to the long polls, in the order of their arrival,
// and sets the timer for the next thing due.
func (q *queue) serve(now instant) {
	q.advance(now)
	for len(q.waiters) > 0 {
		w := q.waiters[0]
		if w.gone() == nil {
			out := q.take(w.ask, now)
			if len(out) == 0 {
				break
			}
			w.end(out, nil)
		}
		q.waiters[0] = nil
		q.waiters = q.waiters[1:]
	}
	if len(q.waiters) == 0 {
		q.waiters = nil
	}
	q.arm(now)
}

// arm sets the timer for the next delay or visibility to end, if a long poll
// waits for it. A timer that fires too early serves nobody, and that is all.
func (q *queue) arm(now instant) {
	if len(q.waiters) == 0 || q.closed {
		if q.timerAt != 0 {
			q.timer.Stop()
			q.timerAt = 0
		}
		return
	}
	next := instant(-1)
	for _, l := range [...]*line{&q.delayed, &q.inFlight} {
		if n := l.first(); n != nil && (next < 0 || instant(n.key) < next) {
			next = instant(n.key)
		}
	}
	if next < 0 || (q.timerAt != 0 && q.timerAt <= next) {
		return
	}
	q.timerAt = next
	if q.timer == nil {
		q.timer = time.AfterFunc(next-now, q.due)
	} else {
		q.timer.Reset(next - now)
	}
}

// due is the timer's function.
func (q *queue) due() {
	now := q.s.lock()
	q.timerAt = 0
	if !q.closed {
		q.markDirty()
	}
	q.s.unlock(now)
}
