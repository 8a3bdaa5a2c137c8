package localsqs

import "time"

// ask is what a receive asks for.
type ask struct {
	limit      int     // the most messages
	visibility instant // hidden for so long
	attempt    string  // ReceiveRequestAttemptId, FIFO only
}

// delivery is one message as one receive hands it out: the changing parts as
// they were at that moment, so that it can be encoded without the mutex.
type delivery struct {
	*message
	count   int
	first   int64
	receipt receipt
	// again says that an earlier receive of the same attempt handed it out.
	again bool
}

// take hands out what there is, up to the ask. Messages that the redrive policy
// has given up go to the dead-letter queue instead.
func (q *queue) take(a ask, now instant) []delivery {
	limit := min(a.limit, inFlightLimit-q.inFlight.n)
	if limit <= 0 {
		return nil
	}
	if q.fifo == nil {
		return q.takeOldest(limit, a, now)
	}
	if a.attempt != "" {
		if out := q.takeAgain(a, now); out != nil {
			return out
		}
	}
	out := q.takeGroups(limit, a, now)
	if a.attempt != "" && len(out) > 0 {
		handed := make([]receipt, len(out)) // not the messages: they may be deleted long before
		for i := range out {
			handed[i] = out[i].receipt
		}
		q.fifo.attempts.put(a.attempt, handed, now)
	}
	return out
}

func (q *queue) takeOldest(limit int, a ask, now instant) []delivery {
	var out []delivery
	for len(out) < limit {
		n := q.visible.first()
		if n == nil {
			break
		}
		if !q.redrive(n.m, now) {
			out = append(out, q.hand(n.m, a, now))
		}
	}
	return q.taken(out, a, now)
}

// takeGroups takes as many as possible of one group, in order, then goes on to
// the next group that is ready.
func (q *queue) takeGroups(limit int, a ask, now instant) []delivery {
	var out []delivery
	for len(out) < limit && q.fifo.head != nil {
		for m := q.fifo.head.first; m != nil && m.where == visible && len(out) < limit; {
			next := m.next
			if !q.redrive(m, now) {
				out = append(out, q.hand(m, a, now))
			}
			m = next
		}
	}
	return q.taken(out, a, now)
}

// takeAgain repeats an attempt: the same messages and handles, their visibility
// anew, if none of them was settled, changed or became visible since.
func (q *queue) takeAgain(a ask, now instant) []delivery {
	before, ok := q.fifo.attempts.get(a.attempt)
	if !ok || len(before) > a.limit {
		return nil
	}
	out := make([]delivery, len(before))
	for i, r := range before {
		m := q.holder(r)
		if m == nil {
			return nil
		}
		out[i] = delivery{message: m, count: m.receives, first: m.first, receipt: r, again: true}
	}
	for i := range out {
		q.put(out[i].message, inFlight, now+a.visibility)
	}
	return q.taken(out, a, now)
}

// taken ends a take: a visibility of 0 has ended when it begins.
func (q *queue) taken(out []delivery, a ask, now instant) []delivery {
	if a.visibility == 0 && len(out) > 0 {
		q.advance(now)
	}
	return out
}

// hand counts one receive of m and puts it in flight.
func (q *queue) hand(m *message, a ask, now instant) delivery {
	m.receives++
	m.here++
	if m.first == 0 {
		m.first = time.Now().UnixMilli()
	}
	q.s.receives++
	m.receive = q.s.receives
	m.last = now
	m.touched = false
	q.received.put(m.number, m)
	q.put(m, inFlight, now+a.visibility)
	return delivery{message: m, count: m.receives, first: m.first, receipt: m.receiptOf(q)}
}

// holder is the message of a receive that is still its newest, in flight and
// unchanged; else nil.
func (q *queue) holder(r receipt) *message {
	m, ok := q.received.get(r.message)
	if !ok || m.where != inFlight || m.receive != r.receive || m.touched {
		return nil
	}
	return m
}

// giveBack undoes a receive whose answer did not reach its client: the messages
// are visible again, in their old order, and the receive was none.
func (s *Server) giveBack(q *queue, out []delivery) {
	now := s.lock()
	defer s.unlock(now)
	for _, d := range out {
		m := q.holder(d.receipt)
		if d.again || m == nil {
			continue
		}
		m.receives--
		m.here--
		if m.receives == 0 {
			m.first = 0
		}
		m.receive = 0
		q.put(m, visible, 0)
	}
}
