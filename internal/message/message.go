// Package message holds the values that pass between the rooms: a Message on
// its way from SQS to the target, the Outcome of its delivery, and the Fault
// that sorts what SQS refuses. It promises to be plain data: nothing here
// blocks, logs, or knows another room.
package message

import "time"

// Message is one SQS message, as received. The body and the attributes are
// what the queue holds, byte for byte; neither they nor the receipt handle may
// reach logs, metrics or the status page.
type Message struct {
	// ID is the MessageId, the same at every receive of the message.
	ID string
	// ReceiptHandle is the right to settle or extend this receive of it.
	ReceiptHandle string
	// Body is at most 1 MiB, attributes included.
	Body string
	// Attributes are the message attributes by name; nil when there are none.
	Attributes map[string]Attribute
	// SentAt is the SentTimestamp, by SQS's clock.
	SentAt time.Time
	// HandedOut is when SQS handed it out, by our clock and by the answer's Date: up to
	// two seconds early, never late. Zero: the answer does not tell.
	HandedOut time.Time
	// ReceiveCount is the ApproximateReceiveCount: 1 at the first receive.
	ReceiveCount int
	// GroupID and DeduplicationID are empty where the message has none. On a
	// standard queue the group is a tenant's label and only passed on.
	GroupID         string
	DeduplicationID string
	// SequenceNumber is where the message of a FIFO queue stands in its group: digits
	// without a sign or zeros before them, empty on a standard queue.
	SequenceNumber string
	// TraceHeader is the AWSTraceHeader (X-Ray's format), or empty.
	TraceHeader string
}

// Attribute is one message attribute.
type Attribute struct {
	// DataType is String, Number or Binary, with an optional label after a dot.
	DataType string
	// StringValue is set for String and Number.
	StringValue string
	// BinaryValue is set for Binary.
	BinaryValue []byte
}

// Size is what SQS counts a message for: its body and its attributes, names and
// types included, in bytes.
func (m *Message) Size() int {
	size := len(m.Body)
	for name, a := range m.Attributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return size
}

// Before says that SQS hands out m before other, of the same group of a FIFO queue: "the
// SequenceNumber continues to increase for a particular MessageGroupId"
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
// Where one of them has none, it says no.
func (m *Message) Before(other *Message) bool {
	a, b := m.SequenceNumber, other.SequenceNumber
	switch {
	case a == "" || b == "":
		return false
	case len(a) != len(b):
		return len(a) < len(b)
	default:
		return a < b
	}
}
