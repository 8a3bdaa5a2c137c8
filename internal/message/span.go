package message

import "time"

// Span is the trace of one delivery.
type Span interface {
	// TraceID is the trace's id, for logs and exemplars.
	TraceID() string
	// Note records events of the delivery's message: in the delivery's span or, once that has
	// ended, in a span of their own after it.
	Note(at time.Time, events ...Event)
	// End ends the delivery's span.
	End()
}

// Event is something that happened to a message because of a delivery.
type Event struct {
	// Name is probe, struck, held, given_up, released, dead_lettered or lost.
	Name string
	// Tries and Strikes are those of this receive; 0 says nothing.
	Tries, Strikes int
	// SettledAs and DelaySeconds say how a message was released: as in the metric, and
	// hidden for how long.
	SettledAs    string
	DelaySeconds int
}
