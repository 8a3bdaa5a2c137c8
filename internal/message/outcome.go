package message

import "time"

// Outcome is what a delivery came to.
type Outcome uint8

// The outcomes, by what follows from them. Which answer means which is the
// target's table (package target).
const (
	// Delivered: the target took the message; it is deleted.
	Delivered Outcome = iota
	// Rejected: the target is well and does not want this message.
	Rejected
	// Failed: an answer that message or target may be to blame for.
	Failed
	// Unavailable: an answer that rather the target is to blame for.
	Unavailable
	// Throttled: the target says that it is too much.
	Throttled
	// Connection: the target was not reached; no message can cause it.
	Connection

	outcomes
)

// Outcomes lists every outcome, in the order of their constants.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// String is the outcome's name in logs, metrics and docs.
func (o Outcome) String() string {
	switch o {
	case Delivered:
		return "delivered"
	case Rejected:
		return "rejected"
	case Failed:
		return "failed"
	case Unavailable:
		return "unavailable"
	case Throttled:
		return "throttled"
	case Connection:
		return "connection"
	default:
		return "unknown"
	}
}

// Result is what one delivery came to, and why.
type Result struct {
	Outcome Outcome
	// Status is the HTTP status of the answer, 0 when there was none.
	Status int
	// Reason is the status's class ("2xx" … "5xx") or, when there was no whole
	// answer, why not ("timeout", "refused", "dns", …). It is from a fixed set,
	// so that it may label a metric.
	Reason string
	// RetryAfter is how long the target asked to be left alone, 0 when it did not.
	RetryAfter time.Duration
	// Refused: the answer's status is one by which a target refuses: 3xx, 401, 403, 404,
	// 405, 407, 421; a message given up after it counts as rejected.
	Refused bool
	// Canceled says that we cut the delivery off: it proves nothing.
	Canceled bool
	// Err says in words why there was no whole answer; nil when there was one.
	// It carries neither body nor credentials.
	Err error
}
