package gate

import (
	"time"

	"poller/internal/message"
)

// Message is what the gate knows of one message in hand, from Enter to Leave. Its fields
// belong to the gate.
type Message struct {
	id      string
	entered bool

	known bool // it was given up before,
	seen  bool // or released to make room: its first try here is no newcomer's

	tries int
	try   uint64    // the number of the last,
	began time.Time // when it began,
	probe bool      // and whether it was one, while the gate was closed

	held       bool
	failed     message.Outcome // what the last failed try came to
	base       int             // strikes that are enough after it; 0: none ever are
	lastFailed uint64          // its number
	failedAt   time.Time       // when it ended,
	since      time.Time       // and when the first one did
	told       time.Duration   // Retry-After
	spread     float64         // jitter, uniform in [0.5, 1.5)
	answered   int             // tries that failed by an answer
	throttled  bool            // one of them by a 429
	struck     bool            // the last failed try has its strike
	strikes    int
	closings   int  // of the gate, when the last try failed: a closing ends what may be proven
	counted    bool // among the held messages of which nothing is known
}

// Tries is how often it was tried in this receive.
func (m *Message) Tries() int { return m.tries }

// Answered is how many of its tries failed by an answer of the target.
func (m *Message) Answered() int { return m.answered }

const (
	alone              = 5 * time.Minute // failed for so long, with hardly anybody to prove it
	few                = 3               // fewer failing messages are no sign of an outage
	believedRejections = 5               // in a row; then the target is at fault
	rejectedFor        = time.Hour       // is held at most what is rejected with everything else
)

// baseOf is how many strikes are enough after an answer, where retrying does not work.
func baseOf(o message.Outcome, told time.Duration) int {
	switch {
	case o == message.Failed, o == message.Rejected:
		return 1
	case o == message.Unavailable && told == 0: // else it was told when to come again
		return 3
	default:
		return 0
	}
}

// believes reports whether m's rejection is its own fault: rejections are believed until
// five different messages in a row were rejected.
func (g *Gate) believes(now time.Time, m *Message) bool {
	if len(g.rejected) >= believedRejections {
		return false
	}
	if len(g.rejected) == 0 {
		g.rejects = now
	}
	g.rejected[m.id] = struct{}{}
	return true
}

// fail takes in a failed try of m, and reports whether m is given up.
func (g *Gate) fail(now time.Time, m *Message, o message.Outcome, told time.Duration) bool {
	m.failed, m.base, m.told, m.failedAt, m.spread = o, baseOf(o, told), told, now, g.draw(m.id, m.tries)
	m.lastFailed = m.try
	m.closings, m.struck = g.closings, m.base == 0 || g.state == Closed
	if m.since.IsZero() {
		m.since = now
	}
	m.throttled = m.throttled || o == message.Throttled
	if o != message.Connection {
		m.answered++
	}
	if !m.struck && g.trusts(now, m) {
		g.strike(m)
		if g.enough(m) {
			g.records.add(m.id)
			return true
		}
	}
	if m.try > g.succeeded {
		g.trouble.add(m.began, m.id, m.tries == 1 && !m.known && !m.seen, o)
	}
	g.hold(m, true)
	return false
}

// enough reports whether m has the strikes to be given up.
func (g *Gate) enough(m *Message) bool {
	return m.base > 0 && m.strikes >= g.retrying.enough(m.base)
}

// trusts reports whether m may be struck without proof: it has a record, and the target
// seems to be well.
func (g *Gate) trusts(now time.Time, m *Message) bool {
	return (m.known || m.strikes > 0) && g.trouble.counts() < few && g.heldUnknown < few &&
		(g.retrying.newcomers.value >= minNewcomers || now.Sub(m.since) >= alone)
}

// strike gives m the strike of its last failed try.
func (g *Gate) strike(m *Message) {
	m.struck = true
	m.strikes++
	g.strikes++
	g.count(m)
}

// bank gives m the strike that others' deliveries have proven since it failed.
func (g *Gate) bank(m *Message) {
	if m.held && !m.struck && m.closings == g.closings && g.proof.After(m.began) {
		g.strike(m)
	}
}

// Review takes in what has become known since m, which is held, has failed, and reports
// whether it is given up.
func (s *Seat) Review(now time.Time, m *Message) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !m.held {
		return false
	}
	g.bank(m)
	switch {
	case g.enough(m):
		g.records.add(m.id)
		return true
	case m.failed == message.Failed:
		return g.isAlone(now) && now.Sub(m.since) >= alone
	case m.failed == message.Rejected:
		return now.Sub(m.since) >= rejectedFor
	default:
		return false
	}
}

// isAlone reports whether so few fail, for so long, that nobody is left to prove whose
// fault it is. At least five fail while the gate is closed.
func (g *Gate) isAlone(now time.Time) bool {
	return g.held < few && g.trouble.counts() < few &&
		!g.trouble.since.IsZero() && now.Sub(g.trouble.since) >= alone
}

// Version grows when Review may say something new of a message.
func (s *Seat) Version() uint64 {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.version
}

// hold notes that m is held, or is not any more.
func (g *Gate) hold(m *Message, held bool) {
	if m.held == held {
		return
	}
	d := 1
	if !held {
		d = -1
	}
	m.held = held
	g.held += d
	if m.answered > 0 {
		g.heldAnswered += d
	}
	g.count(m)
}

// count keeps the number of held messages of which nothing is known.
func (g *Gate) count(m *Message) {
	if counts := m.held && m.strikes == 0 && !m.known; counts != m.counted {
		m.counted = counts
		if counts {
			g.heldUnknown++
		} else {
			g.heldUnknown--
		}
	}
}
