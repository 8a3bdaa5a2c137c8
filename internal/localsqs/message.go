package localsqs

import "crypto/md5" //nolint:gosec // SQS's protocol names its digests MD5

// place is where in its queue a message is:
//
//	send -> delayed -> visible <-> inFlight -> nowhere (deleted)
//	                      |            |
//	                      +------------+--> nowhere (expired, moved to another queue)
type place uint8

const (
	nowhere place = iota
	delayed
	visible
	inFlight
)

type digest = [md5.Size]byte

// message is one message in one queue. The fields above the line never change
// after the send, so that it may be read without the server's mutex.
type message struct {
	number  uint64 // the server's n-th: the order of arrival, and the key in receipt handles
	id      uuid
	bodyMD5 digest
	body    string
	sent    int64   // SentTimestamp, in milliseconds since 1970
	born    instant // when its retention began
	*details
	// ------------------------------------------------------------------

	where    place
	touched  bool    // its visibility was changed since the last receive
	receives int     // ApproximateReceiveCount, over all queues
	here     int     // receives in this queue: what the redrive policy counts
	first    int64   // ApproximateFirstReceiveTimestamp, 0 before it
	last     instant // the latest receive: the start of its twelve hours
	receive  uint64  // which receive of the server that was: only its handle is the newest
	spot     node    // in the line of its place
	age      node    // in the line of births

	group      *group
	prev, next *message // in the group
}

// details are what most messages have none of. They never change.
type details struct {
	attributes    []attribute // by name
	attributesMD5 digest
	traceHeader   string
	groupID       string
	dedupID       string
	sequence      uint64 // FIFO queues; else 0
	source        string // DeadLetterQueueSourceArn
}

var noDetails details

// attribute is one message attribute. Its value is the bytes of the string or
// of the binary value.
type attribute struct {
	name     string
	dataType string
	value    string
	binary   bool
}

// newMessage makes a message with the server's next number, in no queue yet.
func (s *Server) newMessage(now instant) *message {
	s.messages++
	m := &message{number: s.messages, born: now, details: &noDetails}
	m.spot = node{m: m, index: notInLine}
	m.age = node{m: m, index: notInLine}
	return m
}

// receiptOf is the handle of the newest receive of m from q.
func (m *message) receiptOf(q *queue) receipt {
	return receipt{queue: q.tag, message: m.number, receive: m.receive}
}

// copyTo copies the message for another queue, as it was sent: same id,
// body, attributes, group and deduplication id.
func (s *Server) copyOf(m *message, now instant) *message {
	c := s.newMessage(now)
	d := *m.details
	c.id, c.body, c.bodyMD5, c.sent, c.details = m.id, m.body, m.bodyMD5, m.sent, &d
	return c
}
