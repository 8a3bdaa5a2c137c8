package ratelimit

import "time"

// admits says whether the gate lets c be tried now. While it is closed, only a probe
// is, one at a time; while it is wary, one each now and then.
func (g *gate) admits(now time.Time, c *Case) bool {
	if g.state != Closed {
		return !g.wary() || !now.Before(g.started.Add(g.waryGap()))
	}
	return g.probing == nil && !now.Before(g.nextProbe) && g.candidate() == c
}

// begin notes the start of a try.
func (g *gate) begin(now time.Time, c *Case) {
	if c.tries == 0 && c.offered {
		g.cases.untried--
	}
	c.tries++
	c.began, c.running, c.whileShut = now, true, g.state == Closed
	g.started = now
	g.cases.hold(c, false)
	if g.state == Closed {
		g.probing = c
	}
}

// Enter puts a message in hand before the gate: its id, and how often it was
// received. owner is kept in the case.
func (s *Share) Enter(c *Case, owner any, id string, receives int) {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Owner, c.id, c.receives, c.share = owner, id, receives, s
	p.gate.cases.add(c)
}

// Offer says whether c could be started, as far as its queue is concerned.
func (s *Share) Offer(c *Case, could bool) {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gate.cases.offer(c, could)
}

// Leave takes a message out of hand. It may be called for one that never entered.
func (s *Share) Leave(c *Case) {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.share == nil {
		return
	}
	c.share = nil
	if p.gate.probing == c {
		p.gate.probing = nil
	}
	p.gate.cases.remove(c)
}

// Probe is the message that may be tried though the gate is closed; nil: it is not
// closed, no probe is due, or the message is another queue's, whose owner is woken.
func (s *Share) Probe(now time.Time) *Case {
	p := s.pace
	p.mu.Lock()
	var c *Case
	if g := &p.gate; g.state == Closed && g.probing == nil && !now.Before(g.nextProbe) {
		c = g.candidate()
	}
	mine := c == nil || c.share == s
	tell := !mine && p.gate.told != c
	if tell {
		p.gate.told = c
	}
	p.mu.Unlock()
	switch {
	case mine:
		return c
	case tell: // once: its owner may have to wait for a token or an extension
		c.share.wake()
	}
	return nil
}

// Again is when a held message may be tried next.
func (s *Share) Again(c *Case) time.Time {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return c.next
}

// Tick makes the gate's changes that are due by time alone.
func (s *Share) Tick(now time.Time) {
	p := s.pace
	p.mu.Lock()
	before := p.gate.state
	p.gate.look(now)
	changed := p.gate.state != before
	p.mu.Unlock()
	if changed {
		p.wakeAll(s)
	}
	s.wakeJudged()
}

// Wake is when Tick or a probe has something to do though nothing happens; zero:
// never.
func (s *Share) Wake(now time.Time) time.Time {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.gate.wake(now)
}

// wakeJudged wakes the owners of messages about which the gate has decided.
func (s *Share) wakeJudged() {
	p := s.pace
	p.mu.Lock()
	var judged []*Share
	for _, other := range p.shares {
		if other != s && other.verdicts {
			judged = append(judged, other)
		}
	}
	p.mu.Unlock()
	for _, other := range judged {
		other.wake()
	}
}

// Judged says whether the gate has decided about messages of this share since it was
// last asked; Verdict says what.
func (s *Share) Judged() bool {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	judged := s.verdicts
	s.verdicts = false
	return judged
}

// Verdict is what the gate has decided about a held message.
func (s *Share) Verdict(c *Case) Verdict {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return c.verdict
}

// Order is how the gate bounds the receives of a queue.
type Order struct {
	// Most is how many messages a receive may ask for; 0: none may go out.
	Most int
	// Alone says that at most one receive may be out, wanted or not by what waits in
	// hand: the way out for a hand full of messages that all fail.
	Alone bool
	// Slots stands for the slots in the rule of demand.
	Slots int
}

// Stock is what Orders needs to know of its queue.
type Stock struct {
	// Untried wait and were never tried. Polls are out. LastReceive is when a receive
	// last went out or returned.
	Untried, Polls int
	LastReceive    time.Time
	// Full says that no more bodies may be taken in.
	Full bool
}

// Orders says which receives the gate allows.
func (s *Share) Orders(now time.Time, stock Stock) Order {
	p := s.pace
	p.mu.Lock()
	order, next := s.orders(now, stock)
	judged := s.verdicts
	p.mu.Unlock()
	if judged {
		s.wake()
	}
	if next != nil {
		next.wake()
	}
	s.wakeJudged()
	return order
}

// orders says also which other queue's turn it is, if it is.
func (s *Share) orders(now time.Time, stock Stock) (Order, *Share) {
	p, g := s.pace, &s.pace.gate
	g.polls += stock.Polls - s.polls
	s.polls = stock.Polls
	slots := p.limits.Concurrency
	normal := Order{Most: 10, Slots: p.slots()}
	one := Order{Most: 1, Alone: true, Slots: 1}
	full := stock.Full || g.cases.held >= maxHeld || g.state == Closed && g.cases.n >= maxHeld
	switch {
	case g.state == Closed:
		// A witness: each probe that was answered tries somebody new.
		if g.cases.untried > 0 || g.cases.n > 0 && !g.probeAnswered {
			return Order{}, nil
		}
		if full {
			g.makeRoom(now)
			return Order{}, nil
		}
		s.wantsWitness = true
		if next := s.yields(); next != nil || g.polls > 0 {
			if next != nil {
				next.wantsWitness = false // told once; if it cannot, the turn comes back
			}
			return Order{}, next
		}
		s.wantsWitness = false
		g.witness = s
		g.witnesses++
		return one, nil
	case g.cases.held >= slots+heldBeyond:
		if stock.Untried > 0 || g.polls > 0 {
			return Order{}, nil
		}
		// What the last receive brought does not stay in hand if it is known to be at fault,
		// and behind it may be one that proves the others.
		if !g.passed.After(stock.LastReceive) && (now.Sub(g.succeeded) < quiet || now.Sub(stock.LastReceive) < quiet) {
			return Order{}, nil
		}
		if full {
			g.makeRoom(now)
			return Order{}, nil
		}
		return one, nil
	case full:
		return Order{}, nil
	case g.state == HalfOpen && g.fresh:
		if g.cases.n+stock.Polls >= startLimit {
			return Order{}, nil
		}
		normal.Most = 1
	case g.state == HalfOpen:
		normal.Most = min(normal.Most, g.limit)
	}
	return normal, nil
}

// yields says that the last witness was of this queue and another waits to bring one:
// the queues of a target take turns.
func (s *Share) yields() *Share {
	if s.pace.gate.witness != s {
		return nil
	}
	for _, other := range s.pace.shares {
		if other != s && other.wantsWitness {
			return other
		}
	}
	return nil
}

// GateStatus is how the gate stands, for the page, the metrics and the log.
type GateStatus struct {
	State GateState
	Since time.Time
	Held  int
	// TroubleSince is when the failures began that nobody has ended; zero: none.
	TroubleSince time.Time
	// Messages are in trouble; most of their answers were Mostly.
	Messages int
	Mostly   Answer
	// NextProbe is when the target is tried again; zero unless the gate is closed.
	NextProbe time.Time
	// Limit is how many deliveries at once a half-open gate lets through.
	Limit int
	// Strikes were given since the start; Retried is the share of retries that work.
	Strikes int64
	Retried float64
	// Witnesses are the receives that were made while it was closed.
	Witnesses int64
}

// GateState is the gate's state now.
func (p *Pace) GateState() GateState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gate.state
}

// Gate says how the gate stands.
func (p *Pace) Gate() GateStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := &p.gate
	s := GateStatus{
		State: g.state, Since: g.since, Held: g.cases.held, TroubleSince: g.troubleSince,
		Messages: len(g.inTrouble), Mostly: g.mostly(), Limit: p.slots(), Strikes: g.strikes, Retried: g.rho,
		Witnesses: g.witnesses,
	}
	if g.state == Closed {
		s.NextProbe = g.nextProbe
	}
	return s
}

// Changes are those since it was last called, for whoever logs them.
func (p *Pace) Changes() []Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.gate.news
	p.gate.news = nil
	return news
}
