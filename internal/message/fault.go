package message

import (
	"errors"
	"fmt"
	"time"
)

// Fault sorts the error of an SQS call by what follows from it.
type Fault uint8

// The faults.
const (
	// NoFault: the error is nil, or not one of an SQS call.
	NoFault Fault = iota
	// Lost: the receipt handle no longer owns the message (ReceiptHandleIsInvalid,
	// MessageNotInflight, an InvalidParameterValue of that kind). Final for the handle.
	Lost
	// Invalid: SQS calls the request itself wrong (SenderFault, another 4xx). Sending it
	// again changes nothing.
	Invalid
	// ThrottledBySQS: the same call works later.
	ThrottledBySQS
	// Refused: credentials, permission, KMS or no such queue. A person has to act.
	Refused
	// Network: no whole answer, or a 5xx: the same call may work at once.
	Network
)

// String is the fault's name in logs and metrics.
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

// SQSError is an SQS call, or one entry of a batch, that failed.
type SQSError struct {
	// Action is SQS's name of the call, such as ReceiveMessage.
	Action string
	// Queue is the queue's name.
	Queue string
	Fault Fault
	// Code is SQS's error code, such as AccessDenied; empty when there was no answer.
	Code string
	// Err is a sentence for a person, without bodies, handles or credentials.
	Err error
}

// Error is one sentence: what was being done, to which queue, and what came of it.
func (e *SQSError) Error() string {
	return fmt.Sprintf("%s on %s: %v", e.Action, e.Queue, e.Err)
}

// Unwrap gives the cause.
func (e *SQSError) Unwrap() error { return e.Err }

// FaultOf sorts err: NoFault for nil and for errors of other rooms.
func FaultOf(err error) Fault {
	if sqs, ok := errors.AsType[*SQSError](err); ok {
		return sqs.Fault
	}
	return NoFault
}

// Depth is how many messages SQS says are in the queue, approximately.
type Depth struct {
	Visible  int
	InFlight int
	Delayed  int
}

// QueueAttributes are what SQS says of a queue that may change while it is consumed:
// how full it is, and what it is set to.
type QueueAttributes struct {
	Depth Depth
	// VisibilityTimeout and Retention are the queue's own; 0 where SQS does not say.
	VisibilityTimeout time.Duration
	Retention         time.Duration
	// MaxReceiveCount and DeadLetterQueueARN are of the redrive policy; 0 and empty when
	// there is none.
	MaxReceiveCount    int
	DeadLetterQueueARN string
}

// VisibilityChange asks for one message's visibility to end after Seconds from now;
// 0 makes it visible at once.
type VisibilityChange struct {
	ReceiptHandle string
	// Seconds is 0 to 43,200: SQS takes whole seconds.
	Seconds int
}
