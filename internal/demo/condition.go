package demo

import "time"

// Condition is the state of a sink.
type Condition uint8

// The conditions.
const (
	// Well means that the sink accepts what its options say.
	Well Condition = iota
	// Away means an outage.
	Away
	// Recovering means that an outage has just ended, and the sink accepts less.
	Recovering
)

// Recovery is the time after each outage in which a sink is overloaded and accepts fewer
// concurrent requests. The zero value means none.
type Recovery struct {
	For      time.Duration
	Capacity int
}

// Condition returns the sink's state, and how much longer it lasts, or 0 if unknown.
func (s *Sink) Condition() (c Condition, left time.Duration) {
	since := s.since()
	o := &s.options
	if _, out := o.Outages.at(since); out {
		if left = o.Outages.next(since); left == never {
			left = 0
		}
		return Away, left
	}
	if over := o.Outages.over(since); over < o.Recovery.For {
		return Recovering, o.Recovery.For - over
	}
	return Well, 0
}
