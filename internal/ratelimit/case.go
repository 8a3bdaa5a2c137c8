package ratelimit

import "time"

// Case is what the gate knows of one message in hand, from Enter to Leave. Its
// fields belong to the gate; the zero value is ready for Enter.
type Case struct {
	// Owner is whatever Enter was given, for Probe's caller.
	Owner any

	id       string
	receives int
	share    *Share
	offered  bool // could be started: on a FIFO queue, nothing of its group is before it

	tries     int
	began     time.Time // of the last try
	running   bool
	whileShut bool // that try began while the gate was closed
	throttled bool // a try of this receive was answered 429

	held        bool
	next        time.Time // not tried again before
	notBefore   time.Time // nor before this, by its Retry-After
	failed      Answer    // of the last failed try
	failedBegan time.Time // when that one began
	firstFailed time.Time // when the first failed try ended
	answered    int       // tries that failed by an answer
	suspect     bool
	strikes     int
	verdict     Verdict

	before, after *Case // in hand, in the order of their receives
}

// waited says that it has failed for as long as a message alone waits for proof.
func (c *Case) waited(now time.Time) bool {
	return !c.firstFailed.IsZero() && now.Sub(c.firstFailed) >= unprovenAfter
}

// Verdict is what the gate has decided about a held message.
type Verdict uint8

// The verdicts.
const (
	// NoVerdict: it stays held.
	NoVerdict Verdict = iota
	// GivenUp: enough strikes, or nobody to prove it: it is released as failed.
	GivenUp
	// MadeRoom: too many are held, and it failed most often: it is released for
	// RoomDelay.
	MadeRoom
)

// cases are those in hand, the oldest first.
type cases struct {
	first, last       *Case
	n, held, suspects int
	untried           int // offered, never tried
	heldWithAnswer    int // held, and failed by an answer at least once
}

func (l *cases) add(c *Case) {
	c.before, c.after = l.last, nil
	if l.last == nil {
		l.first = c
	} else {
		l.last.after = c
	}
	l.last = c
	l.n++
}

// offer notes whether c could be started. The untried are those that could be: what
// waits behind a held message of its group is not one of them.
func (l *cases) offer(c *Case, could bool) {
	if c.offered == could {
		return
	}
	c.offered = could
	switch {
	case c.tries > 0:
	case could:
		l.untried++
	default:
		l.untried--
	}
}

func (l *cases) remove(c *Case) {
	if c.before == nil {
		l.first = c.after
	} else {
		c.before.after = c.after
	}
	if c.after == nil {
		l.last = c.before
	} else {
		c.after.before = c.before
	}
	c.before, c.after = nil, nil
	l.n--
	l.offer(c, false)
	l.hold(c, false)
	l.suspect(c, false)
}

func (l *cases) hold(c *Case, held bool) {
	if c.held == held {
		return
	}
	c.held = held
	d := 1
	if !held {
		d = -1
	}
	l.held += d
	if c.answered > 0 {
		l.heldWithAnswer += d
	}
}

func (l *cases) suspect(c *Case, suspect bool) {
	if c.suspect == suspect {
		return
	}
	c.suspect = suspect
	if suspect {
		l.suspects++
	} else {
		l.suspects--
	}
}
