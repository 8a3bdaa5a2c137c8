package queue

import "time"

const (
	// dateStep is the resolution of Date.
	dateStep = time.Second
	// drift is in how many seconds two clocks may come to differ by one.
	drift = 10_000
)

// ahead bounds how far SQS's clock can be ahead of ours. A response is written after its
// call is sent and before it arrives, so each one bounds the offset from both sides, no
// matter how late it arrives:
//
//	Date - came < offset < Date + 1 s - sent
//
// The tightest upper bound is kept, and loosened as clocks drift. Our clock is the
// monotonic one, which is never set.
type ahead struct {
	origin time.Time // of our clock; zero if nothing is known
	most   time.Duration
	at     time.Time // when the bound was tightest
}

func (a *ahead) note(date, sent, came time.Time) {
	if a.origin.IsZero() {
		a.origin = sent
	}
	upper, lower := a.offset(date, sent)+dateStep, a.offset(date, came)
	// This is more than drift: one of the clocks was set or stood still.
	if most := a.bound(came); a.at.IsZero() || upper < most || lower > most {
		a.most, a.at = upper, came
	}
}

// offset returns how far a time on SQS's clock is ahead of one on ours.
func (a *ahead) offset(theirs, ours time.Time) time.Duration {
	return theirs.Sub(a.origin) - ours.Sub(a.origin)
}

func (a *ahead) bound(now time.Time) time.Duration { return a.most + now.Sub(a.at)/drift }

// earliest returns the earliest time between sent and came at which SQS's clock can have
// shown date.
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
