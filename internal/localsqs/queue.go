package localsqs

import (
	"time"
)

// inFlightLimit is how many messages of one queue may be in flight.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const inFlightLimit = 120_000

// queue is the state of one queue, guarded by the server's mutex. Each message
// is in the line of its place and in the line of births; on a FIFO queue also
// in its group.
type queue struct {
	s        *Server
	name     string
	tag      uint64
	fifo     *fifo // nil on a standard queue
	created  time.Time
	modified time.Time
	tags     map[string]string

	attributes map[string]string // as GetQueueAttributes shows them
	settings   settings          // the same, read

	visible  line // by number: the oldest first
	delayed  line // by when they become visible
	inFlight line // by when they become visible again
	births   line // by birth: the first to expire first
	received shrinking[uint64, *message]
	bytes    int // of all bodies

	waiters  []*waiter // long polls, in the order of their arrival
	dirty    bool      // in the server's list of queues to serve
	timer    *time.Timer
	timerAt  instant // when the timer fires, 0 when it is not set
	purgedAt instant // -1 before the first PurgeQueue
	closed   bool
}

func (s *Server) newQueue(name string, isFIFO bool) *queue {
	now := time.Now()
	q := &queue{s: s, name: name, tag: tagOf(name), created: now, modified: now, purgedAt: -1}
	if isFIFO {
		q.fifo = &fifo{}
	}
	return q
}

// arn is the queue's ARN; everything lives in one account and region.
func (q *queue) arn() string { return arnOf(q.name) }

// put is the one way a message changes its place. at is when a delay or a
// visibility ends; of no meaning for the other places.
func (q *queue) put(m *message, where place, at instant) {
	if l := q.line(m.where); l != nil {
		l.remove(&m.spot)
	}
	m.where = where
	key := int64(at)
	if where == visible {
		key = int64(m.number) //nolint:gosec // a counter from 1
	}
	if l := q.line(where); l != nil {
		l.push(&m.spot, key)
	}
	if m.group != nil {
		q.fifo.refresh(m.group)
	}
	if len(q.waiters) > 0 {
		q.markDirty()
	}
}

func (q *queue) markDirty() {
	if !q.dirty {
		q.dirty = true
		q.s.dirty = append(q.s.dirty, q)
	}
}

func (q *queue) line(where place) *line {
	switch where {
	case visible:
		return &q.visible
	case delayed:
		return &q.delayed
	case inFlight:
		return &q.inFlight
	default:
		return nil
	}
}

// add takes a new message into the queue, to be visible after delay.
func (q *queue) add(m *message, now, delay instant) {
	q.births.push(&m.age, int64(m.born))
	q.hold(len(m.body))
	if q.fifo != nil {
		q.fifo.join(m)
	}
	if delay > 0 {
		q.put(m, delayed, now+delay)
	} else {
		q.put(m, visible, 0)
	}
}

// drop takes a message out of the queue for good.
func (q *queue) drop(m *message) {
	q.put(m, nowhere, 0)
	q.births.remove(&m.age)
	q.hold(-len(m.body))
	q.received.remove(m.number)
	if m.group != nil {
		q.fifo.leave(m)
	}
}

// advance does what has become due by now: delays and visibilities end,
// messages past their retention are gone, also those in flight.
func (q *queue) advance(now instant) {
	for n := q.births.first(); n != nil && instant(n.key)+q.settings.retention <= now; n = q.births.first() {
		q.drop(n.m)
	}
	for n := q.delayed.first(); n != nil && instant(n.key) <= now; n = q.delayed.first() {
		q.put(n.m, visible, 0)
	}
	for n := q.inFlight.first(); n != nil && instant(n.key) <= now; n = q.inFlight.first() {
		q.put(n.m, visible, 0)
	}
	if q.fifo != nil {
		q.fifo.forget(now)
	}
}

// clear drops all messages, and with them what deduplication remembers.
func (q *queue) clear() {
	q.visible, q.delayed, q.inFlight, q.births = line{}, line{}, line{}, line{}
	q.hold(-q.bytes)
	q.received = shrinking[uint64, *message]{}
	if q.fifo != nil {
		q.fifo = &fifo{}
	}
}

// close ends the queue's long polls with err (nil: with no messages) and its
// timer. What still refers to the queue finds it empty.
func (q *queue) close(err error) {
	q.closed = true
	q.clear()
	for _, w := range q.waiters {
		w.end(nil, err)
	}
	q.waiters = nil
	if q.timer != nil {
		q.timer.Stop()
	}
}
