// Package message defines the values that other packages share: a Message on its way
// from SQS to the target, the Outcome of its delivery, and the Fault that classifies
// errors of SQS. It is plain data: nothing here blocks, logs or imports another package
// of this module.
package message

import "time"

// Message is an SQS message as received, its body and attributes byte for byte. These and
// the receipt handle must not appear in logs, metrics or on the status page.
type Message struct {
	// ID is the MessageId, which is the same at every receive.
	ID string
	// ReceiptHandle identifies this receive when the message is settled or extended.
	ReceiptHandle string
	// Body is at most 1 MiB, including attributes.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
	Body string
	// Attributes are the message attributes by name; nil if there are none.
	Attributes map[string]Attribute
	// SentAt is the SentTimestamp, according to SQS's clock.
	SentAt time.Time
	// FirstReceivedAt is the ApproximateFirstReceiveTimestamp, according to SQS's clock.
	FirstReceivedAt time.Time
	// HandedOut is when SQS handed the message out, on our clock, estimated from the
	// response's Date: up to two seconds early, never late. It is zero if unknown.
	HandedOut time.Time
	// ReceiveCount is the ApproximateReceiveCount, 1 at the first receive.
	ReceiveCount int
	// GroupID and DeduplicationID are empty if the message has none. On a standard queue
	// the group is a tenant's label and only passed on.
	GroupID         string
	DeduplicationID string
	// SequenceNumber orders a FIFO queue's messages within their group. It is decimal
	// digits without a sign or leading zeros, and empty on a standard queue.
	SequenceNumber string
	// SenderID is the SenderId: who sent it, as an AWS account, user or role.
	SenderID string
	// TraceHeader is the AWSTraceHeader (X-Ray's format), or empty.
	TraceHeader string
	// Traceparent and Tracestate are those of the delivery's own span, which the target gets
	// instead of the message's; empty if there is none.
	Traceparent, Tracestate string
}

// Attribute is a message attribute.
type Attribute struct {
	// DataType is String, Number or Binary, with an optional label after a dot.
	DataType string
	// StringValue is set for String and Number.
	StringValue string
	// BinaryValue is set for Binary.
	BinaryValue []byte
}

// Size returns the message's size as SQS counts it: the bytes of its body and of its
// attributes' names, types and values.
func (m *Message) Size() int {
	size := len(m.Body)
	for name, a := range m.Attributes {
		size += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return size
}

// Before reports whether m comes before other in their group of a FIFO queue: "the
// SequenceNumber continues to increase for a particular MessageGroupId"
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
// It is false if either has no number.
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
