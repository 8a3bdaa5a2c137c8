package consumer

import (
	"context"
	"time"

	"poller/internal/gate"
	"poller/internal/message"
)

// state is where a message in hand stands.
//
//	receive -> waiting -> delivering -> deleting | releasing -> settled
//	                       |      ^
//	                       v      |
//	                       held --+--> releasing
//
// A message whose delivery failed is held until it is proven whose fault that was,
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
	size    int // in bytes, attributes included
	key     ledgerKey
	state   state

	// out says that a call with this message's handle is under way. There is never
	// more than one: an extension that overtakes a release would hide the message
	// again, and one that overtakes a delete logs an error for nothing.
	out bool
	// renewed says that the message came again while a call was out: that call
	// carried an old handle, so the settle has to be repeated with the new one.
	renewed bool
	// lost says that SQS gave the message to somebody else.
	lost bool
	// urgent says that its delete must not linger: its group is blocked until then.
	urgent bool

	// owned is when the ownership began, by our clock and on the safe side: the
	// receive's answer less its round trip. SQS ends it 12 h later for good.
	owned time.Time
	// visibility is the queue's, as it was when the message was received or last
	// extended; deadline is when it ends, extendAt when it is to be extended.
	visibility time.Duration
	deadline   time.Time
	extendAt   time.Time
	// since is when the present state began.
	since time.Time

	// seq is its place in the order of the receives.
	seq uint64
	// try is what the gate knows of it, and last what its last try came to.
	try  gate.Message
	last message.Result

	// cut ends the delivery that runs.
	cut context.CancelCauseFunc

	// group is where it stands on a FIFO queue; nil on a standard one.
	group *group

	// goesBack says that it is released, with what is behind it in its group, as soon as
	// no receive is out that could bring them all at once.
	goesBack bool

	// backAt is when it may be visible again by its release, as first sent; zero: it was
	// not.
	backAt time.Time

	// outcome and delay are what a release is for: outcome is the settled metric's
	// label, delay in whole seconds.
	outcome settled
	delay   int

	previous, next *life // all in hand, in the order of their receives
}

// isBack says that a message that comes again has come anew: its release is done. A FIFO
// queue hands out nothing that is in flight; on a standard queue it may also come before
// that, for what SQS does once in a while.
func (l *life) isBack(now time.Time) bool {
	return !l.backAt.IsZero() && (l.group != nil || !now.Before(l.backAt))
}

// grant notes that l is hidden from a time on, by a receive.
func (l *life) grant(from time.Time, visibility time.Duration) {
	l.visibility, l.deadline = visibility, from.Add(visibility)
}

// hand is everything in hand, by MessageId and in the order of the receives.
type hand struct {
	byKey       map[ledgerKey]*life
	first, last *life
	count       [states]int
	memory      *Memory
	groups      groups // of a FIFO queue
	seq         uint64
	// followers wait behind another of their group.
	followers int
}

func newHand(memory *Memory) hand {
	return hand{memory: memory, byKey: make(map[ledgerKey]*life), groups: make(groups)}
}

func (h *hand) size() int { return len(h.byKey) }

func (h *hand) add(l *life) {
	h.seq++
	l.seq = h.seq
	h.byKey[l.key] = l
	h.count[l.state]++
	h.memory.add(l.size)
	l.previous = h.last
	if h.last == nil {
		h.first = l
	} else {
		h.last.next = l
	}
	h.last = l
	h.enter(l)
}

func (h *hand) move(l *life, to state, now time.Time) {
	h.leave(l)
	h.count[l.state]--
	h.count[to]++
	l.state = to
	l.since = now
	h.enter(l)
}

// enter and leave keep the group in step with the state, and count the followers.
func (h *hand) enter(l *life) {
	if g := l.group; g != nil {
		h.followers -= g.followers()
		g.enter(l)
		h.followers += g.followers()
	}
}

func (h *hand) leave(l *life) {
	if g := l.group; g != nil {
		h.followers -= g.followers()
		g.leave(l)
		h.followers += g.followers()
	}
}

func (h *hand) remove(l *life) {
	h.leave(l)
	if l.group != nil && l.group.idle() {
		delete(h.groups, l.group.id)
	}
	delete(h.byKey, l.key)
	h.count[l.state]--
	h.memory.add(-l.size)
	if l.previous == nil {
		h.first = l.next
	} else {
		l.previous.next = l.next
	}
	if l.next == nil {
		h.last = l.previous
	} else {
		l.next.previous = l.previous
	}
	l.previous, l.next = nil, nil
}

// has says whether l is (still) in hand.
func (h *hand) has(l *life) bool { return h.byKey[l.key] == l }
