package gate

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Message is what the gate knows about a message in hand, from Enter to Leave. The gate's
// mutex guards its fields.
type Message struct {
	id      string
	entered bool

	known bool // known bad: given up in an earlier receive
	seen  bool // released earlier to make room, so not a newcomer
	again bool // not new: it left when it had failed, or had to be tried alone, and came again

	tries int
	try   uint64    // number of the last try
	began time.Time // when the last try began
	probe bool      // whether it was a probe of a closed gate

	held       bool
	failed     message.Outcome // outcome of the last failed try
	base       int             // strikes needed after it; 0 if no number is enough
	lastFailed uint64          // its number
	failedAt   time.Time       // when it ended
	since      time.Time       // when the first failed try ended
	faultSince time.Time       // when the first one did after which one strike is enough
	told       time.Duration   // Retry-After
	spread     float64         // jitter, uniform in [0.5, 1.5)
	answered   int             // failed tries that got an answer
	throttled  bool            // one of them got a 429
	awaited    bool            // the last one was refused while the target is waited for as it asked
	struck     bool            // the last failed try has been counted as a strike
	strikes    int
	cramped    bool // the target was short of room at the last failed try, and that may be why it failed
	doubtful   int  // strikes for such tries
	closings   int  // g.closings at the last failed try: a success after a closing proves nothing about it
	counted    bool // included in heldUnknown
	apart      bool // it has failed, or others with it: it is tried alone
	refusals   int  // in a row, together with others
	parted     bool // since then it is tried alone, and was not yet
	alone      bool // it was refused or has failed by itself
}

// Tries returns how often m has been tried in this receive.
func (m *Message) Tries() int { return m.tries }

// Strikes returns how many strikes m has in this receive.
func (m *Message) Strikes() int { return m.strikes }

// Probes reports whether m's last try was a probe of a closed gate.
func (m *Message) Probes() bool { return m.probe }

// first reports whether m's last try is its first, in any receive that is remembered.
func (m *Message) first() bool { return m.tries == 1 && !m.again }

// Answered returns how many of m's failed tries got an answer from the target.
func (m *Message) Answered() int { return m.answered }

const (
	alone              = 5 * time.Minute // how long a message that fails alone is held
	few                = 3               // fewer failing messages than this do not suggest an outage
	believedRejections = 5               // rejections in a row before the target is at fault
	rejectedFor        = time.Hour       // how long a rejection is held while everything is rejected
)

// baseOf returns how many strikes are enough for an outcome if retries do not help.
func baseOf(o message.Outcome, told time.Duration) int {
	switch {
	case o == message.Failed, o == message.Rejected:
		return 1
	case o == message.Unavailable && told == 0: // with Retry-After, the target announced the failure
		return 3
	default:
		return 0
	}
}

// believes reports whether m's rejection is taken to be m's fault. It is until five
// different messages in a row have been rejected.
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

// fail records a failed try of m and reports whether m is given up.
func (g *Gate) fail(now time.Time, m *Message, r message.Result, told time.Duration) bool {
	o := r.Outcome
	m.failed, m.base, m.told, m.failedAt, m.spread = o, baseOf(o, told), told, now, g.draw(m.id, m.tries)
	if r.Crowded {
		m.base = 0
	}
	m.lastFailed, m.apart = m.try, m.apart || m.base > 0
	m.alone, m.awaited = m.alone || o != message.Connection && !r.Announced, r.Announced
	m.closings, m.struck = g.closings, m.base == 0 || g.state == Closed
	if m.since.IsZero() {
		m.since = now
	}
	if m.base == 1 && m.faultSince.IsZero() {
		m.faultSince = now
	}
	m.throttled = m.throttled || o == message.Throttled || r.Crowded
	m.cramped = o == message.Unavailable && g.retrying.shortOfRoom()
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
	if m.try > g.succeeded && !r.Announced && !r.Unseen {
		g.trouble.add(m.began, m.id, m.first() || o == message.Connection, o, r.Answer())
	}
	g.hold(m, true)
	return false
}

// enough reports whether m has enough strikes to be given up. Where hardly any retry works, few
// are enough; but while the target is short of room that may be why, so of the strikes for what
// failed then only maxStrikes are.
func (g *Gate) enough(m *Message) bool {
	strikes := m.strikes
	if g.retrying.works < minWorks && strikes < maxStrikes {
		strikes = m.certain()
	}
	return m.base > 0 && strikes >= g.retrying.enough(m.base)
}

// certain is how many of m's strikes are not for want of room.
func (m *Message) certain() int { return m.strikes - m.doubtful }

// trusts reports whether m may be struck without proof: it has a record, and the target
// looks healthy.
func (g *Gate) trusts(now time.Time, m *Message) bool {
	return (m.known || m.certain() > 0) && g.trouble.counts() < few && g.heldUnknown < few &&
		(g.retrying.newcomers.value >= minNewcomers || m.atFaultFor(now) >= alone)
}

// strike adds the strike for m's last failed try.
func (g *Gate) strike(m *Message) {
	m.struck = true
	m.strikes++
	if m.cramped {
		m.doubtful++
	}
	g.strikes++
	g.count(m)
}

// bank adds the strike for m's last failed try if a later delivery has proven it.
func (g *Gate) bank(m *Message) {
	if m.held && !m.struck && m.closings == g.closings && g.proof.After(m.began) {
		g.strike(m)
	}
}

// Review applies what has been learned since m failed and reports whether m, if held, is
// given up.
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
		return g.isAlone(now) && m.atFaultFor(now) >= alone
	case m.failed == message.Rejected:
		return m.atFaultFor(now) >= rejectedFor
	default:
		return false
	}
}

// atFaultFor returns for how long m has failed in a way that may well be its fault: not for how
// long the target could not be reached before, or asked to wait.
func (m *Message) atFaultFor(now time.Time) time.Duration {
	if m.faultSince.IsZero() {
		return 0
	}
	return now.Sub(m.faultSince)
}

// isAlone reports whether so few messages have failed for so long that proof is not to be
// expected. At least five fail while the gate is closed.
func (g *Gate) isAlone(now time.Time) bool {
	return g.held < few && g.trouble.counts() < few &&
		!g.trouble.since.IsZero() && now.Sub(g.trouble.since) >= alone
}

// Version returns a number that increases whenever Review may give a new answer.
func (s *Seat) Version() uint64 {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.version
}

// hold marks m as held or not held.
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

// count updates heldUnknown, the number of held messages without a certain strike or a record.
func (g *Gate) count(m *Message) {
	if counts := m.held && m.certain() == 0 && !m.known; counts != m.counted {
		m.counted = counts
		if counts {
			g.heldUnknown++
		} else {
			g.heldUnknown--
		}
	}
}
