package gate

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// A request may carry several messages. It is one look at the target: its tries have one
// number, it changes the state at most once, and it is one sample of how often tries
// succeed. Strikes, records and what is held are a message's own.

// Joins reports whether m may be tried together with others: not if it is known bad, and not
// while the target is probed or nearly so, where each try has to say as much as it can.
func (s *Seat) Joins(m *Message) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.joins(m)
}

func (g *Gate) joins(m *Message) bool {
	return !m.known && !m.apart && g.state != Closed && g.state != Wary
}

// Together reports whether m and other may be tried in one request: if both may join others,
// and either both or none was refused alone.
func (s *Seat) Together(m, other *Message) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.joins(m) && g.joins(other) && m.alone == other.alone
}

// Again reports whether m left when it had failed, or had to be tried alone, and came again: its
// next try is not its first.
func (s *Seat) Again(m *Message) bool {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return m.again
}

// Deserves reports whether m, which is held, deserves its try before other held messages: it
// failed only together with others, and is now to be tried alone.
func (s *Seat) Deserves(m *Message) bool {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return m.apart && !m.alone && !m.known
}

// BeginWith begins m's try in the request that carries first, whose try has just begun.
func (s *Seat) BeginWith(m, first *Message) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold(m, false)
	m.tries++
	m.try, m.began, m.probe = first.try, first.began, false
}

// EndEach records the results of the tries of one request whose answer tells them apart,
// and writes what happens to each message to fates. ordered: the answer names those that
// were not processed as well, after one that failed; if it names several, none of them is
// known to be at fault, and each is tried alone.
func (s *Seat) EndEach(now time.Time, all []*Message, results []message.Result, ordered bool, slots int, fates []Fate) {
	s.lock()
	defer s.unlock()
	g := s.gate
	fresh := all[0].try > g.mark
	delete(g.running, all[0])
	some, bad := false, 0
	g.parting.triedTogether(all[0], true)
	for i, m := range all {
		if results[i].Outcome != message.Delivered {
			bad++
			continue
		}
		if !some {
			g.learn(m, message.Delivered)
		}
		some = true
		g.credit(now, m, message.Delivered, fresh)
		fates[i] = Settled
	}
	if some {
		g.step(now, worked, fresh, slots)
	} else {
		g.learn(all[0], results[0].Outcome)
	}
	spare := ordered && bad > 1
	if spare && !some {
		g.trouble.add(all[0].began, all[0].id, all[0].first(), results[0].Outcome, results[0].Answer())
	}
	for i, m := range all {
		switch r := results[i]; {
		case r.Outcome == message.Delivered:
		case spare:
			fates[i] = Held
			g.spare(now, m, r, 0, 1)
		default:
			if fates[i] = Held; g.fail(now, m, r, min(r.RetryAfter, maxRetryAfter)) {
				fates[i] = GivenUp
			}
		}
	}
	if !some {
		g.step(now, failed, fresh, slots)
	}
}

// Dissolve records that a request with several messages failed as a whole: nobody knows
// whose fault it was, so it is nobody's, and all of them are held. Where a message may be at
// fault, each is tried alone from then on; where they were refused, parting decides. A
// canceled request says nothing. It reports whether some are tried alone.
func (s *Seat) Dissolve(now time.Time, all []*Message, r message.Result, slots int) (alone bool) {
	s.lock()
	defer s.unlock()
	g, head := s.gate, all[0]
	delete(g.running, head)
	if r.Canceled {
		return false
	}
	fresh := head.try > g.mark
	told := min(r.RetryAfter, maxRetryAfter)
	switch {
	case r.Announced:
		g.announced(head)
	case r.Unseen:
	case r.Outcome != message.Rejected: // which is an answer of a target that works
		g.learn(head, r.Outcome)
		if head.try > g.succeeded {
			g.trouble.add(head.began, head.id, head.first() || r.Outcome == message.Connection, r.Outcome, r.Answer())
		}
	}
	after := g.refused(now, all, r, told)
	spread := g.draw(head.id, head.tries)
	for _, m := range all {
		g.spare(now, m, r, told, spread)
		if after > 0 && m.refusals >= after {
			g.part(m)
		}
		alone = alone || m.apart
	}
	if r.Outcome != message.Rejected {
		g.step(now, failed, fresh, slots)
	}
	return alone
}

// spare holds a message whose last try failed together with others. That try counts for
// nothing: where the message may be at fault, the next one is like its first. Where it
// cannot be, all are due together, by spread.
func (g *Gate) spare(now time.Time, m *Message, r message.Result, told time.Duration, spread float64) {
	o, base := r.Outcome, baseOf(r.Outcome, told)
	if r.Crowded {
		base = 0
	}
	m.failed, m.told, m.failedAt, m.spread = o, told, now, g.draw(m.id, m.tries)
	m.lastFailed, m.closings, m.struck = m.try, g.closings, true
	m.throttled, m.awaited = m.throttled || o == message.Throttled || r.Crowded, r.Announced
	if m.since.IsZero() {
		m.since = now
	}
	if base > 0 {
		m.apart = true
		m.tries--
	} else {
		m.spread = spread
	}
	g.hold(m, true)
}
