package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Lag is looked at over the last minute, in parts of five seconds.
const (
	lagPart  = 5 * time.Second
	lagParts = 12
)

// lagWatch knows the age of the oldest message of the queue, as far as it can be known:
//
//	in hand                  the oldest of them, or the largest received in the last minute
//	none visible             0
//	visible, none received   the last known, growing; or since they were first seen
//	else                     unknown
type lagWatch struct {
	ticks  ticks
	parts  [lagParts]time.Duration
	newest int64 // the number of the newest part

	// received is when a message last came; zero: none since the queue was empty.
	received time.Time
	largest  time.Duration // as it was then
	// empty reports whether the queue was empty before what is visible now came.
	empty bool
	// seen is when SQS first said that messages are visible of which none was received.
	seen time.Time
}

// note takes in the age of a message that was received.
func (w *lagWatch) note(now time.Time, lag time.Duration) {
	w.advance(now)
	part := &w.parts[w.newest%lagParts]
	*part = max(*part, lag)
	w.received, w.largest, w.seen = now, w.recent(now), time.Time{}
}

// clear forgets all: the queue is empty.
func (w *lagWatch) clear() {
	*w = lagWatch{ticks: w.ticks, newest: w.newest, empty: true}
}

// visible notes whether SQS says that messages are visible.
func (w *lagWatch) visible(now time.Time, any bool) {
	switch {
	case !any:
		w.seen = time.Time{}
	case w.seen.IsZero():
		w.seen = now
	}
}

// recent is the largest lag that was received in the last minute.
func (w *lagWatch) recent(now time.Time) time.Duration {
	w.advance(now)
	var largest time.Duration
	for _, lag := range w.parts {
		largest = max(largest, lag)
	}
	return largest
}

// waiting is the lag of what is visible though none is received. atLeast reports whether
// those messages may be much older: nothing is known from before they were seen.
func (w *lagWatch) waiting(now time.Time) (lag time.Duration, atLeast, known bool) {
	switch {
	case !w.received.IsZero():
		return w.largest + now.Sub(w.received), false, true
	case !w.seen.IsZero():
		return now.Sub(w.seen), !w.empty, true
	default:
		return 0, false, false
	}
}

func (w *lagWatch) advance(now time.Time) {
	part := int64(w.ticks.elapsed(now) / lagPart)
	if part-w.newest >= lagParts {
		w.parts = [lagParts]time.Duration{}
		w.newest = part
	}
	for w.newest < part {
		w.newest++
		w.parts[w.newest%lagParts] = 0
	}
}

// Lag is the age of the oldest message.
type Lag struct {
	Age time.Duration
	// Known is false where nothing can be said of it; Age is 0 then.
	Known bool
	// AtLeast reports whether it may be much older: it was first seen so long ago.
	AtLeast bool
}

// lagNow returns the age of the oldest message that is not delivered.
func (v *view) lagNow(now time.Time) Lag {
	undelivered := v.hand.count[waiting] + v.hand.count[delivering] + v.hand.count[held]
	oldest := v.hand.oldestAge(now, &v.clock)
	switch {
	case v.backlog.shows(now) || v.depth.withheld():
		if lag, atLeast, known := v.lag.waiting(now); known {
			return Lag{Age: max(lag, oldest), Known: true, AtLeast: atLeast && undelivered == 0}
		}
		return Lag{Age: oldest, Known: undelivered > 0}
	case undelivered > 0:
		return Lag{Age: max(v.lag.recent(now), oldest), Known: true}
	case v.nothingVisible(now):
		return Lag{Known: true}
	case !v.lag.received.IsZero() && now.Sub(v.lag.received) <= staleAfter:
		return Lag{Age: v.lag.recent(now), Known: true}
	default:
		return Lag{}
	}
}

// nothingVisible reports whether the queue is known to have no visible message: a receive
// that waits for one shows it, or the last that returned, or, while nothing is received,
// SQS's count.
func (v *view) nothingVisible(now time.Time) bool {
	b := &v.backlog
	switch {
	case b.shows(now) || v.depth.withheld():
		return false
	case v.sqs.trouble[receiveCall].failures > 0 || v.demand.overdue(now):
		return false
	case len(v.demand.polls) > 0:
		return b.empty || v.demand.dry
	default:
		return b.known && now.Sub(b.at) <= staleAfter && b.said.Visible == 0 && b.received == 0
	}
}

// depthNow is the estimate of the queue's depth, as the rest of the page has it: while a
// receive shows that nothing is visible, what SQS counted a minute ago is not.
func (v *view) depthNow(now time.Time) message.Depth {
	d := v.backlog.depth(now, v.hand.size())
	if v.nothingVisible(now) {
		d.InFlight += d.Visible
		d.Visible = 0
	}
	return d
}

// waitsForMessages reports whether a receive that is out shows that nothing is visible:
// on a FIFO queue, and with too many in flight, it may wait for other reasons.
func (v *view) waitsForMessages(inFlight int) bool {
	return len(v.demand.polls) > 0 && v.demand.dry && !v.options.FIFO && inFlight < inFlightLimit
}
