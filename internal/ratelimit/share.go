package ratelimit

import (
	"math"
	"slices"
	"time"
)

// Share is one queue's part of a target's pace. While several queues want to
// start deliveries, they take turns by their weights; what one does not want, the
// others use. Its methods may be called from several goroutines, but no lock that
// a wake function takes may be held over them.
//
// The turns are those of fair queueing with a virtual time: each start moves its
// share's turn on by 1/weight, the share whose turn is earliest goes first, and
// one that has wanted nothing for a while begins where the others are, so that it
// has saved nothing up.
type Share struct {
	pace   *Pace
	weight float64
	wake   func()

	// Guarded by the pace's mutex.
	turn  float64
	wants bool // it was refused, and has not started or given way since
	dry   bool

	verdicts bool // the gate has decided about some of its messages
	polls    int  // receives of its queue that are out
	// wantsWitness says that it would receive one, and another queue's is out.
	wantsWitness bool
}

// Join makes a share of the given weight; one that is not over 0 counts as 1. wake has
// its owner ask again; it must not wait, and is called without locks of this package.
func (p *Pace) Join(weight float64, wake func()) *Share {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !(weight > 0) {
		weight = 1
	}
	s := &Share{pace: p, weight: weight, wake: wake}
	p.shares = append(p.shares, s)
	return s
}

// Start takes a slot and a token and says Nothing, or takes neither and says what
// is wanting. After Nothing the caller starts one delivery of c at once, and calls
// End when it has ended. After anything else it calls Rest when it has nothing to
// start any more.
func (s *Share) Start(now time.Time, c *Case) Want {
	p := s.pace
	p.mu.Lock()
	want, next := s.start(now, c)
	p.mu.Unlock()
	if next != nil {
		next.wake()
	}
	return want
}

// start says also whose turn it is, if not this share's.
func (s *Share) start(now time.Time, c *Case) (Want, *Share) {
	p := s.pace
	if !p.gate.admits(now, c) {
		return Gate, nil
	}
	if !s.wants {
		s.turn = max(s.turn, p.virtual)
		s.wants = true
	}
	if p.delivering >= p.slots() {
		return Slot, nil
	}
	if first := p.first(); first != s && p.gate.state != Closed {
		return Turn, first
	}
	if p.bucket != nil && !p.takeToken(now) {
		return Token, nil
	}
	p.delivering++
	p.virtual = s.turn
	s.turn += 1 / s.weight
	s.wants = false
	p.gate.begin(now, c)
	next := p.first()
	if next == s {
		next = nil
	}
	return Nothing, next
}

// slots are those that may be used now.
func (p *Pace) slots() int {
	if p.gate.state == HalfOpen {
		return min(p.gate.limit, p.limits.Concurrency)
	}
	return p.limits.Concurrency
}

// first is the share whose turn it is among those that want to start; nil: none does.
func (p *Pace) first() *Share {
	var first *Share
	for _, s := range p.shares {
		if s.wants && (first == nil || s.turn < first.turn) {
			first = s
		}
	}
	return first
}

// Rest says that there is nothing to start, so that the others need not wait.
func (s *Share) Rest() {
	p := s.pace
	p.mu.Lock()
	var next *Share
	if s.wants {
		s.wants = false
		next = p.first()
	}
	p.mu.Unlock()
	if next != nil {
		next.wake()
	}
}

// End gives the slot of c's delivery back, and says whether the message is held:
// kept in hand until it is proven whose fault the failure was, or tried again.
// Else the caller settles it, and calls Leave. retryAfter is how long the target
// asked to be left alone.
func (s *Share) End(now time.Time, c *Case, a Answer, retryAfter time.Duration) bool {
	p := s.pace
	p.mu.Lock()
	p.delivering--
	c.running = false
	before, wary := p.gate.state, p.gate.wary()
	held := p.gate.ended(now, c, a, retryAfter, p.limits.Concurrency)
	next := p.first()
	changed := p.gate.state != before || wary && !p.gate.wary() || p.gate.hastened
	p.gate.hastened = false
	p.mu.Unlock()
	switch {
	case changed:
		p.wakeAll(nil)
	case next != nil && next != s: // who ends one asks again anyway
		next.wake()
	}
	s.wakeJudged()
	return held
}

// Due is when the token that was last refused will be there; zero when none was
// refused since the last start, or when the rate is 0.
func (s *Share) Due() time.Time {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.due
}

// SetDry says whether the queue has nothing to deliver: while it is dry, the others
// share its part.
func (s *Share) SetDry(dry bool) {
	p := s.pace
	p.mu.Lock()
	same := s.dry == dry
	s.dry = dry
	p.mu.Unlock()
	if !same {
		p.wakeAll(s)
	}
}

// Part is what this share may plan with: its weight over those of all the queues
// that are not dry, its own with them. Over 0, at most 1.
func (s *Share) Part() float64 {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.part()
}

func (s *Share) part() float64 {
	sum := s.weight
	for _, other := range s.pace.shares {
		if other != s && !other.dry {
			sum += other.weight
		}
	}
	return s.weight / sum
}

// Limits gives the whole pace that is in force.
func (s *Share) Limits() Limits { return s.pace.Limits() }

// Usable is how many deliveries of this share could start now: its part of the idle
// slots, or of fewer tokens, rounded up.
func (s *Share) Usable(now time.Time) int {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	usable := max(p.slots()-p.delivering, 0)
	switch {
	case p.gate.state == Closed, p.gate.wary():
		return 0
	case p.bucket == nil:
	case p.limits.Rate == 0:
		return 0
	default:
		usable = min(usable, max(int(p.bucket.TokensAt(now)), 0))
	}
	return int(math.Ceil(float64(usable) * s.part()))
}

// wakeAll has the owners of all shares but one ask again.
func (p *Pace) wakeAll(but *Share) {
	p.mu.Lock()
	shares := slices.Clip(p.shares)
	p.mu.Unlock()
	for _, s := range shares {
		if s != but {
			s.wake()
		}
	}
}
