package gate

import (
	"sync"
	"time"

	"poller/internal/message"
)

// Gate is the gate of one target.
type Gate struct {
	seed uint64

	mu    sync.Mutex // guards what follows
	state State
	since time.Time
	limit int // deliveries at once while half-open

	// Tries are numbered as they begin. mark is the last that had begun when the state or
	// the limit changed: a try with a greater number is of now, others are of before.
	// succeeded is the last that had begun when the last success ended, and reopened
	// when the gate last became half-open.
	tries     uint64
	mark      uint64
	succeeded uint64
	reopened  uint64
	closings  int

	started time.Time // when a try last began
	success time.Time // when the last success ended
	proof   time.Time // when the last of the tries that were delivered began
	took    average   // of delivered deliveries, in seconds

	trouble  trouble
	rejected map[string]struct{} // different messages in a row, since the last delivery
	rejects  time.Time           // since when everything is rejected; zero: it is not
	retrying retrying
	records  records
	released records // to make room

	inHand, held, heldAnswered, heldUnknown int
	handed                                  hands
	seats                                   []*Seat

	probing       *Message
	nextProbe     time.Time
	probes        int
	probeAnswered bool  // the last probe failed by an answer; at the closing: a held message did
	scout         *Seat // whose queue the last probe's message came from

	strikes       int64
	probeReceives int64
	madeRoom      int64
	counted       map[changeKey]int64
	changes       []Change
	// version grows when something is known of held messages that was not before.
	version uint64
	stir    bool // the owners of other queues have to look
}

// New makes the gate of one target. Jitter is drawn from seed.
func New(seed uint64) *Gate {
	return &Gate{
		seed: seed, since: time.Now(), trouble: newTrouble(), rejected: make(map[string]struct{}),
		took: average{weight: 0.05}, retrying: newRetrying(), records: newRecords(), released: newRecords(), counted: make(map[changeKey]int64), version: 1,
	}
}

// Seat is the place of one queue at the gate of its target.
type Seat struct {
	gate *Gate
	wake func()
	hand Hand
}

// Join makes the seat of one queue. wake has its owner look again, since something has
// changed by another queue's doing; it must not wait, and is called without locks of this
// package.
func (g *Gate) Join(wake func()) *Seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Seat{gate: g, wake: wake}
	g.seats = append(g.seats, s)
	return s
}

// lock takes the gate's mutex, and gives what releases it: it then wakes the owners of
// the other queues, if there is something for them to see.
func (s *Seat) lock() (unlock func()) {
	g := s.gate
	g.mu.Lock()
	return func() {
		var others []*Seat
		if g.stir {
			others = g.seats
		}
		g.stir = false
		g.mu.Unlock()
		for _, other := range others {
			if other != s {
				other.wake()
			}
		}
	}
}

// Enter puts a message in hand before the gate.
func (s *Seat) Enter(m *Message, id string) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	*m = Message{id: id, entered: true, known: g.records.has(id), seen: g.released.has(id)}
	g.inHand++
}

// Release notes that m leaves to make room for another, not for its fault: when it comes
// again, its first try is not a newcomer's.
func (s *Seat) Release(m *Message) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.released.add(m.id)
	s.gate.madeRoom++
}

// Leave takes a message out of hand. It may be called for one that never entered.
func (s *Seat) Leave(m *Message) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !m.entered {
		return
	}
	m.entered = false
	g.inHand--
	g.hold(m, false)
	if g.probing == m {
		g.probing = nil
	}
}

// Begin reports whether m may be tried now, and if so notes that its try begins.
func (s *Seat) Begin(now time.Time, m *Message) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.admits(now) {
		return false
	}
	g.bank(m)
	g.hold(m, false)
	g.tries++
	m.tries++
	m.try, m.began, m.probe = g.tries, now, g.state == Closed
	g.started = now
	if m.probe {
		g.probing = m
	}
	return true
}

// admits reports whether a try may begin now: one probe at a time while the gate is
// closed, one every fifth of the time that is left to it while it is wary.
func (g *Gate) admits(now time.Time) bool {
	switch g.state {
	case Closed:
		return g.probing == nil && !now.Before(g.nextProbe)
	case Wary:
		return !now.Before(g.started.Add(g.waryGap()))
	default:
		return true
	}
}

const waryTries = 5 // at most, from wary to closed

func (g *Gate) waryGap() time.Duration { return g.closesAfter() / waryTries }

// Fate is what becomes of a message whose try has ended.
type Fate uint8

// The fates.
const (
	// Settled: delivered, rejected, or cut off; the caller knows which.
	Settled Fate = iota
	// Held: it stays in hand until it is known whose fault the failure was.
	Held
	// GivenUp: it is known to be the message's.
	GivenUp
)

// End takes in what m's try came to, and says what becomes of m. Unless it is held, the
// caller settles it and calls Leave. slots are the target's.
func (s *Seat) End(now time.Time, m *Message, r message.Result, slots int) Fate {
	defer s.lock()()
	g := s.gate
	probe := g.probing == m
	if probe {
		g.probing = nil
	}
	fresh := m.try > g.mark
	if r.Canceled {
		if probe {
			g.scheduleProbe(now, 0)
		}
		return Settled
	}
	g.learn(m, r.Outcome)
	if r.Outcome == message.Delivered || r.Outcome == message.Rejected && g.believes(now, m) {
		g.worked(now, m, r.Outcome, fresh, slots)
		return Settled
	}
	told := min(r.RetryAfter, maxRetryAfter)
	if g.fail(now, m, r.Outcome, told) {
		return GivenUp
	}
	if probe {
		g.probeAnswered = r.Outcome != message.Connection
		g.scheduleProbe(now, told)
	}
	g.step(now, failed, fresh, slots)
	return Held
}

// worked takes in a success.
func (g *Gate) worked(now time.Time, m *Message, o message.Outcome, fresh bool, slots int) {
	g.succeeded, g.success = g.tries, now
	if fresh || g.state != Closed && g.state != Wary {
		g.stir = g.stir || g.trouble.counts() > 0 && g.held > 0
		g.trouble.end()
		g.version++
	}
	if o == message.Delivered {
		g.took.add(now.Sub(m.began).Seconds())
		g.records.forget(m.id)
		g.released.forget(m.id)
		clear(g.rejected)
		g.rejects = time.Time{}
		if m.began.After(g.proof) {
			g.proof = m.began
		}
		g.version++
	}
	g.step(now, worked, fresh, slots)
}

// Tick makes the changes that are due by time alone.
func (s *Seat) Tick(now time.Time, slots int) {
	defer s.lock()()
	s.gate.step(now, tick, false, slots)
}

// Wake is when Tick or a try has something to do by time alone; zero: never.
func (s *Seat) Wake(now time.Time) time.Time {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	var at time.Time
	earlier := func(other time.Time) {
		if other.After(now) && (at.IsZero() || other.Before(at)) {
			at = other
		}
	}
	if g.state == Closed {
		earlier(g.nextProbe) // past while a probe runs
		return at
	}
	if g.trouble.counts() >= closingMessages {
		earlier(g.trouble.since.Add(g.closesAfter()))
	}
	switch g.state {
	case Wary:
		earlier(g.started.Add(g.waryGap()))
	case HalfOpen:
		earlier(g.since.Add(halfOpenFor))
	default:
	}
	return at
}

// State is the state now.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// Changes are those since it was last called, for whoever logs them.
func (g *Gate) Changes() []Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.changes
	g.changes = nil
	return changes
}

// Status is how the gate stands, for the page, the metrics and the log.
type Status struct {
	State State
	Since time.Time
	Held  int
	// TroubleSince is when the failures began that no success has ended; zero: none.
	TroubleSince time.Time
	// Messages are in trouble; most of their tries came to Mostly.
	Messages int
	Mostly   message.Outcome
	// RejectsSince is since when the target rejects everything, and Rejected how many of
	// those were given back; zero: it does not.
	RejectsSince time.Time
	Rejected     int
	// NextProbe is when the target is tried again; zero unless the gate is closed.
	NextProbe time.Time
	// Limit is how many deliveries may run at once.
	Limit int
	// Strikes were given since the start; Retried is the share of retries that work.
	Strikes int64
	Retried float64
	// ProbeReceives are the receives that were made while it was closed; Released are the
	// messages that made room for others.
	ProbeReceives, Released int64
}

// Status says how the gate stands. slots are the target's.
func (g *Gate) Status(slots int) Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Status{
		State: g.state, Since: g.since, Held: g.held, TroubleSince: g.trouble.since,
		Messages: g.trouble.counts(), Mostly: g.trouble.mostly(), Limit: g.atOnce(slots),
		Strikes: g.strikes, Retried: g.retrying.works, ProbeReceives: g.probeReceives, Released: g.madeRoom,
	}
	if len(g.rejected) >= believedRejections {
		s.RejectsSince, s.Rejected = g.rejects, believedRejections
	}
	if g.state == Closed {
		s.NextProbe = g.nextProbe
	}
	return s
}
