package ratelimit

import (
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
	"github.com/sqs-poller/poller/internal/message"
)

// setAdaptive begins or ends adapting, or changes its maximum.
func (p *Pace) setAdaptive(now time.Time) {
	switch {
	case !p.limits.Adaptive:
		p.adapt, p.moment = nil, nil
	case p.adapt == nil:
		p.adapt, p.closings = adapt.New(now, p.limits.Concurrency), -1
	default:
		p.adapt.SetMost(now, p.limits.Concurrency)
	}
	p.adapts.Store(p.adapt != nil)
}

// sameMoment is how far apart deliveries may begin for nobody to know which of them the
// target took first. Of three that begin beside four it may refuse the first, which is no
// sign that it takes only four: so one that began counts as beside all that have run
// within its moment, at the same time.
const sameMoment = 3 * time.Millisecond

// began notes the start of a delivery, for those of the same moment.
func (p *Pace) began(now time.Time, t *Try) {
	p.moment = slices.DeleteFunc(p.moment, func(other *Try) bool { return other == t || now.Sub(other.began) > sameMoment })
	for _, other := range p.moment {
		other.most = max(other.most, p.delivering)
	}
	p.moment = append(p.moment, t)
}

// found returns so many slots, or the limit that was found where it is lower.
func (p *Pace) found(slots int) int {
	if p.adapt == nil {
		return slots
	}
	return min(slots, p.adapt.Slots())
}

// Adapt has the limit that is found follow the result of a delivery that End has ended. It
// reports whether that shows that too many ran. gate returns whether the answer says
// something about load, which only one to a delivery through an open gate does, and how
// often the gate has closed.
func (s *Share) Adapt(now time.Time, t *Try, r message.Result, gate func() (open bool, closings int)) (crowded bool) {
	p := s.pace
	if !p.adapts.Load() {
		return false
	}
	p.mu.Lock()
	if p.adapt == nil {
		p.mu.Unlock()
		return false
	}
	p.moment = slices.DeleteFunc(p.moment, func(other *Try) bool { return other == t })
	before := p.adapt.Slots()
	open, closings := gate()
	if p.closings >= 0 && closings > p.closings {
		p.adapt.GateClosed(now)
	}
	p.closings = closings
	if kind, says := loadKind(r); says && open {
		beside := t.beside
		if kind != adapt.Delivered {
			beside = t.most
		}
		crowded = p.adapt.Answer(now, adapt.Answer{
			Kind: kind, Began: t.began, Beside: beside, Full: p.delivering+1 >= before,
		})
	}
	grew := p.adapt.Slots() > before
	p.mu.Unlock()
	if grew {
		p.wakeAll() // those that receive nothing, too
	}
	return crowded
}

// serviceUnavailable is the one answer, besides a 429, with which a target sheds load.
const serviceUnavailable = 503

// loadKind returns what a result says about load, if it says something.
func loadKind(r message.Result) (kind adapt.Kind, says bool) {
	switch {
	case r.Canceled, r.Announced:
		return 0, false
	case r.Outcome == message.Delivered:
		return adapt.Delivered, true
	case r.Outcome == message.Throttled:
		return adapt.Throttled, true
	case r.Outcome == message.Unavailable && r.Status == serviceUnavailable:
		return adapt.Overloaded, true
	default:
		return 0, false
	}
}

// Adaptive returns the limit that was found, if the pace adapts.
func (p *Pace) Adaptive() (is adapt.Status, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adapt == nil {
		return is, false
	}
	return p.adapt.Status(), true
}

// AdaptChanges returns how the limit that is found has changed since the last call, and how
// many 429s came with nothing else running.
func (s *Share) AdaptChanges() (changes []adapt.Change, alone int) {
	p := s.pace
	if !p.adapts.Load() {
		return nil, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.adapt == nil {
		return nil, 0
	}
	return p.adapt.Changes()
}

// Most returns how many deliveries may run concurrently at most, whatever adapting finds.
func (s *Share) Most() int {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(p.shared(p.limits.Concurrency), 1)
}
