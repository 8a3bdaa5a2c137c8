package demo

import "time"

// Condition is how a sink is at a moment.
type Condition uint8

// The conditions.
const (
	// Well takes what the sink's options say.
	Well Condition = iota
	// Away is in an outage.
	Away
	// Recovering is back from an outage, and takes less.
	Recovering
)

// Recovery is the time after each outage, in which a sink is overloaded: it takes
// fewer at once. The zero value is none.
type Recovery struct {
	For      time.Duration
	Capacity int
}

// Condition says how the sink is now, and for how long yet; 0 is for an unknown time.
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
