package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// depth is the true one.
func (q *fakeQueue) depth(now time.Time) message.Depth {
	q.mu.Lock()
	defer q.mu.Unlock()
	var d message.Depth
	for _, m := range q.messages {
		switch {
		case m.deleted:
		case m.visible.After(now):
			d.InFlight++
		default:
			d.Visible++
		}
	}
	return d
}

// answers changes what calls are answered while the engine runs.
func (q *fakeQueue) answers(fault func(action string, call int) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fault = fault
}

// set changes what the queue is set to.
func (q *fakeQueue) set(change func(*message.QueueAttributes)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(&q.attributes)
}

// claim has Depth say that there are more messages than can be received.
func (q *fakeQueue) claim(visible, inFlight int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claimed = message.Depth{Visible: visible, InFlight: inFlight}
}

// left is how many are not deleted.
func (q *fakeQueue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, m := range q.messages {
		if !m.deleted {
			n++
		}
	}
	return n
}

// retired are the ids of those that are gone after their last receive.
func (q *fakeQueue) retired() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for _, m := range q.messages {
		if m.deleted && m.receives >= q.retire {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// invisible is how many nobody can receive now.
func (q *fakeQueue) invisible() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, m := range q.messages {
		if !m.deleted && m.visible.After(time.Now()) {
			n++
		}
	}
	return n
}

// called is how many calls of these actions there were.
func (q *fakeQueue) called(actions ...string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, action := range actions {
		n += q.calls[action]
	}
	return n
}

// hiddenUntil is when the visibility of message m ends.
func (q *fakeQueue) hiddenUntil(m int) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages[m].visible
}

// delay is what the n-th release or extension of message m asked for, in seconds.
func (q *fakeQueue) delay(m, n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages[m].delay[n]
}
