package message

import "time"

// Outcome is the result of a delivery.
type Outcome uint8

// The outcomes. Package target has the table that maps answers to outcomes.
const (
	// Delivered means that the target took the message. It is deleted.
	Delivered Outcome = iota
	// Rejected means that the target is healthy and does not want this message.
	Rejected
	// Failed means that the message or the target may be at fault.
	Failed
	// Unavailable means that the target is more likely at fault.
	Unavailable
	// Throttled means that the target asked for fewer requests.
	Throttled
	// Connection means that the target was not reached, which no message can cause.
	Connection

	outcomes
)

// Outcomes returns every outcome, in the order of the constants.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// String returns the outcome's name in logs, metrics and docs.
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

// Result is the outcome of one delivery, and why.
type Result struct {
	Outcome Outcome
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// Reason is the status's class ("2xx" to "5xx") or, if there was no complete answer,
	// why not ("timeout", "refused", "dns" and so on). It is from a fixed set, so that it
	// can label a metric.
	Reason string
	// RetryAfter is how long the target asked to wait, 0 if it did not.
	RetryAfter time.Duration
	// Limits are what the answer says of the target's limits, and LimitsIgnored how many
	// such statements made no sense.
	Limits        []Limit
	LimitsIgnored int
	// Announced reports whether it is a refusal that the target has announced and is waited
	// for, which is no trouble. The engine sets it.
	Announced bool
	// Unseen reports whether this process stood still while the request ran: nobody knows what
	// the target did, so it is no trouble. The engine sets it.
	Unseen bool
	// Crowded reports whether it is a refusal that shows that too many deliveries ran: how
	// well a retry works then says nothing. The engine sets it.
	Crowded bool
	// Refused reports whether the status means that the target refuses requests: 3xx,
	// 401, 403, 404, 405, 407 or 421. A message given up after it counts as rejected.
	Refused bool
	// Canceled reports whether the worker canceled the delivery, which says nothing about
	// the message or the target.
	Canceled bool
	// Span is the delivery's, which the engine ends; nil if it has none that is kept.
	Span Span
	// Err says why there was no complete answer; nil if there was one. It contains
	// neither the body nor credentials.
	Err error
}
