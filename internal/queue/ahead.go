package queue

import "time"

const (
	// dateStep is what Date leaves out: parts of a second.
	dateStep = time.Second
	// drift: of so many seconds, two clocks may differ by one.
	drift = 10_000
)

// ahead is the most that SQS's clock can be ahead of ours. An answer is written after
// its call was sent and before it came, so each one bounds the offset from both sides,
// however late it came:
//
//	Date - came < offset < Date + 1 s - sent
//
// The tightest upper bound is kept, and loosened as clocks drift. Ours is the monotonic
// one, which nobody sets.
type ahead struct {
	origin time.Time // of our clock; zero: nothing is known
	most   time.Duration
	at     time.Time // when most was known
}

func (a *ahead) note(date, sent, came time.Time) {
	if a.origin.IsZero() {
		a.origin = sent
	}
	upper, lower := a.offset(date, sent)+dateStep, a.offset(date, came)
	// Beyond the bound there is no drift: one of the clocks was set, or stood still.
	if most := a.bound(came); a.at.IsZero() || upper < most || lower > most {
		a.most, a.at = upper, came
	}
}

// offset is how far a moment by SQS's clock is ahead of one by ours.
func (a *ahead) offset(theirs, ours time.Time) time.Duration {
	return theirs.Sub(a.origin) - ours.Sub(a.origin)
}

func (a *ahead) bound(now time.Time) time.Duration { return a.most + now.Sub(a.at)/drift }

// earliest is the earliest moment between sent and came at which it can have been date
// by SQS's clock.
func (a *ahead) earliest(date, sent, came time.Time) time.Time {
	if a.at.IsZero() {
		return time.Time{}
	}
	at := a.origin.Add(date.Sub(a.origin) - a.bound(came))
	switch {
	case at.Before(sent):
		return sent
	case at.After(came):
		return came
	default:
		return at
	}
}
