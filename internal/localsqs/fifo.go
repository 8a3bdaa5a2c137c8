package localsqs

import "time"

// rememberedFor is how long a FIFO queue remembers deduplication ids and
// receive attempts.
const rememberedFor = 5 * time.Minute

// fifo is what a FIFO queue has in addition to the lines: its groups, each in the order
// of sending. A group is ready while its first message is visible. A message in
// flight or delayed so blocks all that come after it in its group, and none
// before it.
type fifo struct {
	groups     shrinking[string, *group]
	head, tail *group // the ready groups, in the order in which they became so

	sent     recent[sentBefore] // by deduplication id
	attempts recent[[]receipt]  // by ReceiveRequestAttemptId
}

// sentBefore is what a duplicate is answered with.
type sentBefore struct {
	id       uuid
	sequence uint64
}

// group is one message group with at least one message.
type group struct {
	id          string
	first, last *message
	ready       bool
	prev, next  *group
}

// join puts m at the end of its group.
func (f *fifo) join(m *message) {
	g, ok := f.groups.get(m.groupID)
	if !ok {
		g = &group{id: m.groupID}
		f.groups.put(g.id, g)
	}
	m.group = g
	m.prev = g.last
	if g.last == nil {
		g.first = m
	} else {
		g.last.next = m
	}
	g.last = m
}

// leave takes m out of its group; the group goes with its last message.
func (f *fifo) leave(m *message) {
	g := m.group
	if m.prev == nil {
		g.first = m.next
	} else {
		m.prev.next = m.next
	}
	if m.next == nil {
		g.last = m.prev
	} else {
		m.next.prev = m.prev
	}
	m.group, m.prev, m.next = nil, nil, nil
	f.refresh(g)
	if g.first == nil {
		f.groups.remove(g.id)
	}
}

// refresh puts g at the end of the ready groups when it has become ready, and
// takes it out when it is so no longer.
func (f *fifo) refresh(g *group) {
	ready := g.first != nil && g.first.where == visible
	if ready == g.ready {
		return
	}
	g.ready = ready
	if ready {
		g.prev, g.next = f.tail, nil
		if f.tail == nil {
			f.head = g
		} else {
			f.tail.next = g
		}
		f.tail = g
		return
	}
	if g.prev == nil {
		f.head = g.next
	} else {
		g.prev.next = g.next
	}
	if g.next == nil {
		f.tail = g.prev
	} else {
		g.next.prev = g.prev
	}
	g.prev, g.next = nil, nil
}

// forget drops what has been remembered for long enough.
func (f *fifo) forget(now instant) {
	f.sent.forget(now - rememberedFor)
	f.attempts.forget(now - rememberedFor)
}

// sequenceBase makes sequence numbers twenty digits long, as SQS's are.
const sequenceBase = 10_000_000_000_000_000_000

// dedupKey is what a second send of the same is known by.
func (q *queue) dedupKey(groupID, dedupID string) string {
	if q.settings.dedupPerGroup {
		return groupID + " " + dedupID // neither may contain a space
	}
	return dedupID
}
