package fleet

import "time"

// State is what a replica may start.
//
//	joining ──► live ──call fails──► using up ──no token left──► pausing ──G over──► on share
//	             ▲                                                  │                  │ lease
//	             │                                                  └──no share──► stopped ◄┘ over
//	             │                                                                 │ replicas known
//	             └──────────── from any: a call answered "live" ◄───────────── fixed part
type State uint8

// The states.
const (
	// Joining: nothing, until the coordinator has granted something for the first time.
	Joining State = iota
	// Live: a slot, then a token.
	Live
	// UsingUp: the tokens in hand, within their time. The coordinator does not answer.
	UsingUp
	// Pausing: nothing, until the coordinator surely counts this replica as missing.
	Pausing
	// OnShare: its share of the rate, evenly, in the slots it has.
	OnShare
	// Stopped: nothing, and nothing is received.
	Stopped
	// FixedPart: an equal part of the budget, because the number of replicas is known.
	FixedPart

	states = 7
)

// String returns the state's name in metrics, logs and JSON.
func (s State) String() string {
	return [states]string{"joining", "live", "using_up", "pausing", "on_share", "stopped", "fixed_part"}[s]
}

// States returns the names of all states.
func States() []string {
	var names []string
	for s := range State(states) {
		names = append(names, s.String())
	}
	return names
}

// become changes the state.
func (m *member) become(now time.Duration, s State) {
	if m.state == s {
		return
	}
	m.changes = append(m.changes, change{from: m.state, to: s, at: now})
	if s == Stopped {
		m.runsTill = m.leaseEnd + m.budget.Timeout
		if m.state == FixedPart { // beyond its lease
			m.runsTill = now + m.budget.Timeout
		}
	}
	m.state, m.since = s, now
	switch s {
	case Joining, Stopped:
		m.share, m.slots = 0, 0
	case FixedPart:
		m.share, m.slots = 0, 0
		m.paceItself(now)
	case OnShare:
		m.paceItself(now)
	case Live, UsingUp, Pausing:
	}
}

// paceItself begins starts by itself. What it waited for when it last did so was the part that
// it had then: of almost nothing that may be days, so it waits at most for one start of the part it has.
func (m *member) paceItself(now time.Duration) {
	m.own = max(m.own, now)
	if apart := m.apart(); m.own-now > apart {
		m.own = now + apart
	}
}

// change is one change of the state.
type change struct {
	from, to State
	at       time.Duration
}

// advance makes the changes that depend only on time.
func (m *member) advance(now time.Duration) {
	if m.state == UsingUp {
		if _, some := m.tokens.next(now, &m.clock, m.window); !some {
			m.become(now, Pausing)
		}
	}
	if m.state == Pausing && now >= m.goesOn() {
		m.become(now, Stopped.unless(m.share > 0 && now < m.leaseEnd && m.alone >= 0, OnShare))
	}
	switch m.state {
	case Live, UsingUp, Pausing, OnShare:
		// Also one that is live: it may have stood still.
		if now >= m.leaseEnd {
			m.become(now, Stopped)
		}
	case Joining, Stopped, FixedPart:
	}
	if (m.state == Stopped || m.state == Joining) && m.mayFix() && now >= max(m.fixedFrom, m.goesOn()) && !m.out {
		m.become(now, FixedPart)
	}
}

// unless is other if a condition holds.
func (s State) unless(holds bool, other State) State {
	if holds {
		return other
	}
	return s
}

// goesOn returns when a silent replica may go on by itself, which the design calls G: its
// last call that may have had an effect had it by half a second after it was sent, and a
// pause after that the coordinator counts the replica as missing and what it has granted
// to others at the whole pace has lapsed, and is out of the quotas' windows.
func (m *member) goesOn() time.Duration { return m.silent + callLimit + m.pause + max(m.alone, 0) }

// mayFix reports whether it may go on with an equal part when its lease is over.
func (m *member) mayFix() bool { return m.budget.Replicas > 1 && m.alone >= 0 }

// nextChange returns when advance changes the state next though nothing happens, or 0.
func (m *member) nextChange() time.Duration {
	switch m.state {
	case UsingUp:
		if n := len(m.tokens.runs); n > 0 {
			last := m.tokens.runs[0]
			return m.clock.until(last.first+m.window) + 1
		}
	case Pausing:
		return m.goesOn()
	case OnShare:
		return m.leaseEnd
	case Stopped, Joining:
		if m.mayFix() {
			return max(m.fixedFrom, m.goesOn())
		}
	case Live, FixedPart:
	}
	return 0
}
