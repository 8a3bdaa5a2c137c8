package consumer

import (
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
)

// DrainState is whether the queue is being emptied.
type DrainState string

// The states. Only DrainShrinking has a time.
const (
	// DrainUnknown: too little is known, as in the first seconds.
	DrainUnknown DrainState = "unknown"
	// DrainEmpty: nothing is visible and nothing in hand waits.
	DrainEmpty DrainState = "empty"
	// DrainShrinking: more is settled than arrives.
	DrainShrinking DrainState = "shrinking"
	// DrainSteady: as much arrives as is settled, as far as can be measured.
	DrainSteady DrainState = "steady"
	// DrainGrowing: more arrives than is settled.
	DrainGrowing DrainState = "growing"
	// DrainPaused: the rate is 0.
	DrainPaused DrainState = "paused"
	// DrainAway: the target is down, or SQS does not respond.
	DrainAway DrainState = "away"
)

// Drain is the estimated time to empty.
type Drain struct {
	State DrainState
	// Left is how many messages are visible, in flight elsewhere, or in hand.
	Left int
	// Seconds is the time to empty: NaN unless the state is shrinking or empty, +Inf if it is
	// steady or growing.
	Seconds float64
}

const (
	// measurable is the share of the speed below which growing and shrinking are within what
	// SQS's approximate counts can show.
	measurable = 0.05
	// awayAfter is how long receives or deletes must have failed for SQS to count as away.
	awayAfter = 10 * time.Second
)

// outlook estimates the time until the queue is empty: what is left over the speed of
// settling less that of arriving.
func (v *view) outlook(now time.Time) Drain {
	depth := v.depthNow(now)
	d := Drain{State: DrainUnknown, Seconds: math.NaN(), Left: depth.Visible + depth.InFlight}
	idle := v.hand.count[waiting]+v.hand.count[held] == 0
	limits := v.hand.pace.Limits()
	switch {
	case v.sqs.away(now), v.demand.overdue(now):
		d.State = DrainAway
	case idle && v.nothingVisible(now):
		d.State, d.Seconds = DrainEmpty, 0
	case limits.Limited && limits.Rate == 0:
		d.State = DrainPaused
	case v.options.Gate.State() == gate.Closed:
		d.State = DrainAway
	case v.backlog.known:
		d.State, d.Seconds = v.emptying(now, d.Left, depth.Visible)
	}
	return d
}

// away reports whether nothing can be received, or nothing deleted, for longer than a moment.
func (s *sqsCalls) away(now time.Time) bool {
	for _, kind := range []callKind{receiveCall, deleteCall} {
		if t := &s.trouble[kind]; t.failures > 0 && now.Sub(t.since) >= awayAfter {
			return true
		}
	}
	return false
}

// emptying compares the speeds.
func (v *view) emptying(now time.Time, left, visible int) (DrainState, float64) {
	settling, known := v.speed.perSecond(now, v.demand.deliversWithin())
	if !known {
		return DrainUnknown, math.NaN()
	}
	switch {
	case visible > 0:
	case settling > 0: // what arrives is received as it comes
		return DrainShrinking, float64(v.hand.size()) / settling
	default:
		return DrainUnknown, math.NaN()
	}
	arriving, known := v.backlog.arriving()
	if !known {
		return DrainUnknown, math.NaN()
	}
	switch net := settling - arriving; {
	case net > measurable*max(settling, arriving):
		return DrainShrinking, float64(left) / net
	case net < -measurable*max(settling, arriving) && v.backlog.oneBurst():
		return DrainUnknown, math.NaN()
	case net < -measurable*max(settling, arriving):
		return DrainGrowing, math.Inf(1)
	default:
		return DrainSteady, math.Inf(1)
	}
}
