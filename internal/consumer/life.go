package consumer

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// state is where a message in hand stands.
//
//	receive -> waiting -> delivering -> deleting | releasing -> settled
//	                       |      ^
//	                       v      |
//	                       held --+--> releasing
//
// A message whose delivery failed is held until it is known whose fault that was,
// and tried again meanwhile.
//
// A duplicate of a message in the ledger starts at deleting; at a stop, a
// message that was not started goes from waiting to releasing.
type state uint8

const (
	waiting state = iota
	delivering
	held
	deleting
	releasing

	states
)

func (s state) String() string {
	return [states]string{"waiting", "delivering", "held", "deleting", "releasing"}[s]
}

// life is one message in hand, from its receive to its settle.
type life struct {
	message *message.Message
	size    int  // the memory it takes, in bytes
	solo    bool // it was tried alone
	inBatch int  // how much of a request it takes; 0 until it is known
	queued  bool // it has its place in the row of those that wait for their start
	key     ledgerKey
	state   state

	// out: a call with this message's handle is under way. There is never more than
	// one: an extension that overtakes a release would hide the message again, and one
	// that overtakes a delete logs an error for nothing.
	out bool
	// renewed: the message came again while a call was out. That call carried an old
	// handle, so the settle has to be repeated with the new one.
	renewed bool
	// lost: SQS gave the message to somebody else.
	lost bool
	// urgent: its delete must not linger, since its group is blocked until then.
	urgent bool

	// owned is when the ownership began, by our clock and on the safe side: the
	// receive's answer less its round trip. SQS ends it 12 h later for good.
	owned time.Time
	came  time.Time // when its last receive's answer did
	// visibility is the queue's, as it was when the message was received or last
	// extended; deadline is when it ends, extendAt when it is to be extended.
	visibility time.Duration
	deadline   time.Time
	extendAt   time.Time
	// since is when the present state began.
	since time.Time

	// seq is its place in the sequence of the receives.
	seq uint64
	// try is what the gate knows of it, pace what the pace does, and last what its last try
	// came to.
	try  gate.Message
	pace ratelimit.Try
	last message.Result

	// cut ends the delivery that runs, which is one for all of batch.
	cut   context.CancelCauseFunc
	batch *batch // while delivering with others; else nil

	// group is where it stands on a FIFO queue; nil on a standard one.
	group *group

	// releaseDue: it is released, with what is behind it in its group, as soon as no
	// receive is out that could bring them all together.
	releaseDue bool

	// visibleAt is when it may be visible again by its release, as first sent; zero: it
	// was not sent.
	visibleAt time.Time

	// struck is how many of its strikes are in its traces.
	struck uint8
	// givenUp: it has failed for good.
	givenUp bool
	// unsent: it was rejected, and the dead-letter queue does not have it yet.
	unsent bool

	// outcome and delay are what a release is for: outcome is the settled metric's
	// label, delay in whole seconds.
	outcome settled
	delay   int

	previous, next *life // all in hand, in the sequence of their receives
}

// released reports whether SQS has carried out the release of a message that comes again.
// A FIFO queue hands out nothing that is in flight; a standard queue does once in a while,
// so there it counts only once its delay is over.
func (l *life) released(now time.Time) bool {
	return !l.visibleAt.IsZero() && (l.group != nil || !now.Before(l.visibleAt))
}

// grant notes that l is hidden from a time on, by a receive.
func (l *life) grant(from time.Time, visibility time.Duration) {
	l.visibility, l.deadline = visibility, from.Add(visibility)
}

// mayStart reports whether enough visibility is left for a delivery: the smaller of
// its timeout and half of the visibility. If not, the extension that is due at
// half-life has not been made yet, and comes first.
func (l *life) mayStart(now time.Time, timeout time.Duration) bool {
	return l.deadline.Sub(now) >= min(timeout, l.visibility/2)
}
