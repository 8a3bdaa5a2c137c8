package message

import (
	"errors"
	"fmt"
	"time"
)

// Fault classifies the error of an SQS call by what to do about it.
type Fault uint8

// The faults.
const (
	// NoFault means no error, or an error that is not from an SQS call.
	NoFault Fault = iota
	// Lost means that the receipt handle no longer owns the message
	// (ReceiptHandleIsInvalid, MessageNotInflight, or InvalidParameterValue for a
	// handle). It is final for the handle.
	Lost
	// Invalid means that the request itself is wrong (SenderFault, another 4xx). Sending
	// it again does not help.
	Invalid
	// ThrottledBySQS means that the same call may succeed later.
	ThrottledBySQS
	// Refused means bad credentials, a missing permission, KMS, or no such queue.
	// Somebody has to act.
	Refused
	// Network means no complete response, or a 5xx. The same call may succeed
	// immediately.
	Network
)

// String returns the fault's name in logs and metrics.
func (f Fault) String() string {
	switch f {
	case Lost:
		return "lost"
	case Invalid:
		return "invalid"
	case ThrottledBySQS:
		return "throttled"
	case Refused:
		return "refused"
	case Network:
		return "network"
	default:
		return "none"
	}
}

// SQSError is the error of an SQS call, or of one entry of a batch.
type SQSError struct {
	// Action is the call's name in the SQS API, such as ReceiveMessage.
	Action string
	// Queue is the queue's name.
	Queue string
	Fault Fault
	// Code is SQS's error code, such as AccessDenied; empty if there was no response.
	Code string
	// Err is for people to read. It contains no bodies, handles or credentials.
	Err error
}

// Error returns the action, the queue and what went wrong, in one line.
func (e *SQSError) Error() string {
	return fmt.Sprintf("%s on %s: %v", e.Action, e.Queue, e.Err)
}

// Unwrap returns the cause.
func (e *SQSError) Unwrap() error { return e.Err }

// FaultOf returns the fault of err, or NoFault if err is not an SQSError.
func FaultOf(err error) Fault {
	if sqs, ok := errors.AsType[*SQSError](err); ok {
		return sqs.Fault
	}
	return NoFault
}

// Depth is the approximate number of messages in the queue according to SQS.
type Depth struct {
	Visible  int
	InFlight int
	Delayed  int
}

// QueueAttributes are the attributes of a queue that may change while it is consumed: its
// depth and its settings.
type QueueAttributes struct {
	Depth Depth
	// VisibilityTimeout and Retention are the queue's; 0 if unknown.
	VisibilityTimeout time.Duration
	Retention         time.Duration
	// MaxReceiveCount and DeadLetterQueueARN are from the redrive policy; 0 and empty if
	// there is none.
	MaxReceiveCount    int
	DeadLetterQueueARN string
}

// VisibilityChange changes how long a message stays invisible, counted from now; 0 makes
// it visible immediately.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
type VisibilityChange struct {
	ReceiptHandle string
	// Seconds is 0 to 43,200 (12 hours).
	Seconds int
}
