package gate

import (
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Gate is the gate of one target.
type Gate struct {
	seed uint64

	mu    sync.Mutex // guards what follows
	state State
	since time.Time
	limit int // deliveries at once while half-open

	// Tries are numbered in the order in which they begin. mark is the newest try at the
	// last change of state or limit: only tries with a greater number are fresh.
	// succeeded is the newest try that has succeeded, reopened the newest when the gate last
	// became half-open.
	tries     uint64
	mark      uint64
	succeeded uint64
	reopened  uint64
	closings  int

	// waits is the newest try that was refused while the target is waited for as it asked,
	// resumed the newest when it took one again.
	waits, resumed uint64

	started time.Time // when a try last began
	success time.Time // when the last success ended
	proof   time.Time // when the last of the tries that were delivered began
	took    average   // of delivered deliveries, in seconds

	trouble  trouble
	rejected map[string]struct{} // different messages in a row, since the last delivery
	rejects  time.Time           // when the target began to reject everything; zero if it does not
	retrying retrying
	parting  parting
	records  records
	released records               // to make room
	left     records               // that left when they had failed, and were not delivered
	lonely   records               // that left before what is tried alone from then on was delivered
	running  map[*Message]struct{} // whose try has begun and not ended

	inHand, held, heldAnswered, heldUnknown int
	handed                                  hands
	seats                                   []*Seat
	turn                                    int   // of the seats, whose owner was woken to receive at a start
	next                                    *Seat // wake its owner

	probing       *Message
	nextProbe     time.Time
	probes        int
	probeAnswered bool  // the last probe got an answer; on closing, whether any held message did
	scout         *Seat // the queue that the last probe's message came from

	strikes       int64
	probeReceives int64
	madeRoom      int64
	counted       map[changeKey]int64
	changes       []Change
	// version increases whenever something new is known about held messages.
	version uint64
	stir    bool // wake the owners of the other queues
}

// New returns the gate of one target. seed determines the jitter.
func New(seed uint64) *Gate {
	return &Gate{
		seed: seed, since: time.Now(), trouble: newTrouble(), running: make(map[*Message]struct{}), rejected: make(map[string]struct{}),
		took: average{weight: 0.05}, retrying: newRetrying(), parting: newParting(),
		records: newRecords(), released: newRecords(), left: newRecords(), lonely: newRecords(),
		counted: make(map[changeKey]int64), version: 1,
	}
}

// Seat is one queue's place at the gate of its target.
type Seat struct {
	gate *Gate
	wake func()
	hand Hand
}

// Join returns a seat for one queue. wake tells its owner to look again because another
// queue changed something. It must not block; it is called without this package's locks
// held.
func (g *Gate) Join(wake func()) *Seat {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := &Seat{gate: g, wake: wake}
	g.seats = append(g.seats, s)
	return s
}

// lock locks the gate; unlock follows.
func (s *Seat) lock() { s.gate.mu.Lock() }

// unlock unlocks the gate and, if something changed for the other queues, wakes their owners.
func (s *Seat) unlock() {
	g := s.gate
	stir, next, seats := g.stir, g.next, g.seats
	g.stir, g.next = false, nil
	g.mu.Unlock()
	if !stir {
		if next != nil && next != s {
			next.wake()
		}
		return
	}
	for _, other := range seats {
		if other != s {
			other.wake()
		}
	}
}

// Enter adds a message that is now in hand. One that had failed when it left, given up, to make
// room, or since SQS took it away, is not new: its first try is no sign of trouble. One that had
// to be tried alone still has to be.
func (s *Seat) Enter(m *Message, id string) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	apart := g.lonely.has(id)
	*m = Message{id: id, entered: true, known: g.records.has(id), seen: g.released.has(id), apart: apart, again: apart || g.left.has(id)}
	g.inHand++
}

// Release records that m is released to make room, not because it is at fault. When it
// comes back, its first try does not count as a newcomer's.
func (s *Seat) Release(m *Message) {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	s.gate.released.add(m.id)
	s.gate.madeRoom++
}

// Leave removes a message that is no longer in hand. It may be called for one that never
// entered.
func (s *Seat) Leave(m *Message) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if !m.entered {
		return
	}
	m.entered = false
	if m.lastFailed > 0 {
		g.left.add(m.id)
	}
	if m.apart && !g.records.has(m.id) { // who has a record goes alone anyway
		g.lonely.add(m.id)
	}
	g.inHand--
	g.hold(m, false)
	delete(g.running, m)
	if g.probing == m {
		g.probing = nil
	}
}

// Begin reports whether m may be tried now; if so, its try has begun.
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
	g.running[m] = struct{}{}
	g.started = now
	if m.probe {
		g.probing = m
	}
	return true
}

// admits reports whether a try may begin now. A closed gate admits one probe at a time; a
// wary one spaces its few tries evenly.
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

// untriedFirst is how long a due probe is left to a queue with a message that was never tried.
const untriedFirst = time.Second

// Repeats reports whether this queue may probe with a message that was tried before: not while
// another has one that never was, which says more. If that one has not begun within a second, it
// may.
func (s *Seat) Repeats(now time.Time) bool {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.handed.untried == s.hand.Untried || !now.Before(g.nextProbe.Add(untriedFirst))
}

const waryTries = 5 // at most, between wary and closed

func (g *Gate) waryGap() time.Duration { return g.closesAfter() / waryTries }

// Fate is what happens to a message after a try.
type Fate uint8

// The fates.
const (
	// Settled means delivered, rejected or canceled; the caller knows which.
	Settled Fate = iota
	// Held means that it stays in hand until the failure is explained.
	Held
	// GivenUp means that the message is at fault.
	GivenUp
)

// End records the result of m's try and returns what happens to m. Unless it is held, the
// caller settles it and calls Leave. slots is the target's concurrency.
func (s *Seat) End(now time.Time, m *Message, r message.Result, slots int) Fate {
	s.lock()
	defer s.unlock()
	g := s.gate
	probe := g.probing == m
	if probe {
		g.probing = nil
	}
	fresh := m.try > g.mark
	delete(g.running, m)
	if r.Canceled {
		if probe {
			g.scheduleProbe(m.began, now, 0)
		}
		return Settled
	}
	switch {
	case r.Announced:
		g.announced(m)
	case !r.Unseen:
		g.learn(m, r.Outcome)
		g.parting.triedAlone(m, r.Outcome)
	}
	if r.Outcome == message.Delivered || r.Outcome == message.Rejected && g.believes(now, m) {
		g.worked(now, m, r.Outcome, fresh, slots)
		return Settled
	}
	told := min(r.RetryAfter, maxRetryAfter)
	if g.fail(now, m, r, told) {
		return GivenUp
	}
	if probe {
		g.probeAnswered = r.Outcome != message.Connection
		g.scheduleProbe(m.began, now, told)
	}
	g.step(now, failed, fresh, slots)
	return Held
}

// announced records that m's try was refused while the target is waited for as it asked: it is
// well, and what it has refused so far is explained.
func (g *Gate) announced(m *Message) {
	g.waits = max(g.waits, m.try)
	if g.state == Closed || g.trouble.counts() == 0 {
		return
	}
	g.trouble.end()
	g.version++
}

// ends reports whether the success of m's try ends the trouble. While the gate is wary, one
// does not if the target may just be finishing what it took before it went away: if the try
// began before the trouble and all those begun since have failed. A target that answers 429
// is there.
func (g *Gate) ends(m *Message, fresh bool) bool {
	switch {
	case g.state == Closed:
		return fresh
	case g.state != Wary, g.trouble.mostly() == message.Throttled, !m.began.Before(g.trouble.since):
		return true
	}
	for other := range g.running {
		if !other.began.Before(g.trouble.since) {
			return true
		}
	}
	return false
}

// worked records a success.
func (g *Gate) worked(now time.Time, m *Message, o message.Outcome, fresh bool, slots int) {
	g.credit(now, m, o, fresh)
	g.step(now, worked, fresh, slots)
}

// credit records what the success of m's try shows, before it changes the state.
func (g *Gate) credit(now time.Time, m *Message, o message.Outcome, fresh bool) {
	g.succeeded, g.success = max(g.succeeded, m.try), now
	if g.ends(m, fresh) {
		g.stir = g.stir || g.trouble.counts() > 0 && g.held > 0
		g.trouble.end()
		g.version++
	}
	if o == message.Delivered {
		g.took.add(now.Sub(m.began).Seconds())
		g.records.forget(m.id)
		g.released.forget(m.id)
		g.left.forget(m.id)
		g.lonely.forget(m.id)
		m.apart, m.lastFailed = false, 0
		clear(g.rejected)
		g.rejects = time.Time{}
		if g.waits > 0 && m.try > g.waits { // the wait is over
			g.waits, g.resumed, g.stir = 0, g.tries, true
		}
		if m.began.After(g.proof) {
			g.proof = m.began
		}
		g.version++
	}
}

// Load reports whether the answer to m's try says something about how many deliveries the
// target takes at once: the gate is open, and it is not a probe's. closings is how often
// the gate has closed. Call it before End.
func (s *Seat) Load(m *Message) (says bool, closings int) {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	return (g.state == Open || g.state == Wary) && !m.probe, g.closings
}

// Tick makes the state changes that depend only on time.
func (s *Seat) Tick(now time.Time, slots int) {
	s.lock()
	defer s.unlock()
	s.gate.step(now, tick, false, slots)
}

// Wake returns the next time at which Tick should be called or a try may begin, or the
// zero time if there is none.
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
		if g.handed.untried > 0 {
			earlier(g.nextProbe.Add(untriedFirst))
		}
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

// State returns the current state.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.state
}

// Changes returns the state changes since the last call, for logging.
func (g *Gate) Changes() []Change {
	g.mu.Lock()
	defer g.mu.Unlock()
	changes := g.changes
	g.changes = nil
	return changes
}
