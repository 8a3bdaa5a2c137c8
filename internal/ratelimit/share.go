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

// Start takes a slot and a token and says Nothing, or takes neither and says what is
// wanting. slots are how many deliveries may run now, at most the concurrency. consent is
// asked last, when everything else is there; it must not wait. After Nothing the caller
// starts one delivery immediately, and calls End when it has ended. After anything else it
// calls Rest when it has nothing to start any more.
func (s *Share) Start(now time.Time, slots int, consent func() bool) Want {
	p := s.pace
	p.mu.Lock()
	want, next := s.start(now, slots, consent)
	p.mu.Unlock()
	if next != nil {
		next.wake()
	}
	return want
}

// start says also whose turn it is, if not this share's.
func (s *Share) start(now time.Time, slots int, consent func() bool) (Want, *Share) {
	p := s.pace
	if !s.wants {
		s.turn = max(s.turn, p.virtual)
		s.wants = true
	}
	if p.delivering >= min(slots, p.limits.Concurrency) {
		return Slot, nil
	}
	if first := p.first(); first != s {
		return Turn, first
	}
	at, ok := p.token(now)
	if !ok {
		return Token, nil
	}
	if !consent() {
		return Consent, nil
	}
	if p.bucket != nil {
		p.bucket.AllowN(at, 1)
		p.due = time.Time{}
	}
	p.delivering++
	p.virtual = s.turn
	s.turn += 1 / s.weight
	s.wants = false
	next := p.first()
	if next == s {
		next = nil
	}
	return Nothing, next
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

// End gives the slot of a delivery back.
func (s *Share) End() {
	p := s.pace
	p.mu.Lock()
	p.delivering--
	next := p.first()
	p.mu.Unlock()
	if next != nil && next != s { // who ends one asks again anyway
		next.wake()
	}
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

// Usable is how many deliveries of this share could start now, of the slots that may be
// used: its part of the idle ones, or of fewer tokens, rounded up.
func (s *Share) Usable(now time.Time, slots int) int {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	usable := max(min(slots, p.limits.Concurrency)-p.delivering, 0)
	if p.bucket != nil {
		usable = min(usable, max(int(p.bucket.TokensAt(now)), 0))
	}
	if p.limits.Limited && p.limits.Rate == 0 {
		return 0
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
