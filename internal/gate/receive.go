package gate

import "time"

const (
	startLimit = 5           // concurrent deliveries, and messages in hand, before the first success
	readyOver  = 10          // held messages, beyond the slots, from which receives ask for one message
	quiet      = time.Second // pause after a success or a receive before such a receive
	maxHeld    = 1000        // messages in hand
)

// Hand is what the gate needs to know about one queue's messages in hand.
type Hand struct {
	// Untried counts messages that could start and have never been tried, Ready held
	// messages that are due, and Soon those that are or will be within SoonIs.
	Untried, Ready, Soon int
	// Polls counts receives in progress, Parked those of them that wait at an empty queue and
	// so have brought nothing; LastReceive is when one last began or returned.
	Polls, Parked int
	LastReceive   time.Time
	// Asks reports whether the target has asked for a pause, and one delivery at a time finds
	// out whether it is over.
	Asks bool
	// Receives reports whether the queue can receive at all now.
	Receives bool
	// Full reports whether the memory bound is reached.
	Full bool
}

// SoonIs is the longest that a held message waits by itself while the gate is open: more
// only if it was told to.
const SoonIs = maxBackoff * 3 / 2

// active returns how many receives are in progress that may bring something at once.
func (h *Hand) active() int { return h.Polls - h.Parked }

// hands is the sum over all queues.
type hands struct{ untried, polls, active int }

// Report updates what the queue has in hand. Call it before Receive.
func (s *Seat) Report(h Hand) {
	s.lock()
	defer s.unlock()
	g := s.gate
	g.handed.untried += h.Untried - s.hand.Untried
	g.handed.polls += h.Polls - s.hand.Polls
	g.handed.active += h.active() - s.hand.active()
	if g.state == Starting && h.active() < s.hand.active() {
		g.next = g.inTurn()
	}
	if g.state == Closed && g.handed.polls == 0 && s.hand.Polls > 0 {
		g.stir = true // it is another queue's turn
	}
	s.hand = h
}

// Limit bounds a receive.
type Limit struct {
	// Most is how many messages it may ask for; 0 means no receive.
	Most int
	// Alone limits the queue to one receive at a time, whatever the demand: the way
	// forward when everything in hand is failing.
	Alone bool
	// Slots replaces the target's slots when demand is computed; Startable is how many of
	// them could be used now.
	Slots, Startable int
	// NoRoom reports that a receive is wanted and a held message must be released first.
	NoRoom bool
}

// Receive returns what a receive of this queue may ask for now. slots is the target's
// concurrency.
func (s *Seat) Receive(now time.Time, slots int) Limit {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	// A held message that is due uses up what another would be received for. If the target
	// is short of room, so does one that will be soon.
	full := s.hand.Full || g.held >= maxHeld || g.state == Closed && g.inHand >= maxHeld
	limit := Limit{Slots: g.atOnce(slots), Startable: g.startable(slots)}
	ready := s.hand.Ready
	if g.retrying.shortOfRoom() {
		ready = s.hand.Soon
		limit.Slots = min(limit.Slots, max(1, slots+readyOver-ready))
		limit.Startable = min(limit.Startable, limit.Slots)
	}
	switch {
	case g.state == Closed:
		// After a probe that got an answer, the next one uses a new message, so that a gate
		// closed by poison opens again. No message can cause a failure to connect, so after
		// one of those any held message will do.
		if g.handed.untried > 0 || g.inHand > 0 && !g.probeAnswered {
			return limit
		}
		limit.one(full, g.handed.polls > 0 || !s.mayScout())
	case ready >= slots+readyOver && g.retrying.pay():
		wait := s.hand.Untried > 0 || s.hand.Polls > 0 ||
			now.Sub(g.success) < quiet || now.Sub(s.hand.LastReceive) < quiet
		if !wait {
			limit.one(full, false)
		}
	case full:
		limit.NoRoom = true
	case g.state == Starting:
		// A target that asks for a pause is there: to ask it anew takes a message that it has
		// not refused.
		// A receive that waits at an empty queue holds nothing, and keeps no other queue waiting.
		if g.inHand+g.handed.active < startLimit || s.hand.Asks && g.handed.untried+g.handed.active == 0 {
			limit.Most = 1
		}
	case g.state == HalfOpen:
		limit.Most = min(maxReceive, g.limit)
	default:
		limit.Most = maxReceive
	}
	return limit
}

// maxReceive is the most messages that a receive may ask for.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
const maxReceive = 10

// one allows a receive of a single message if there is room.
func (l *Limit) one(full, wait bool) {
	switch {
	case full:
		l.NoRoom = true
	case !wait:
		l.Most, l.Alone = 1, true
	}
}

// inTurn returns the next queue that could receive and has no receive out; nil if there is none.
func (g *Gate) inTurn() *Seat {
	for range g.seats {
		g.turn = (g.turn + 1) % len(g.seats)
		if s := g.seats[g.turn]; s.hand.Receives && s.hand.Polls == 0 {
			return s
		}
	}
	return nil
}

// mayScout reports whether it is this queue's turn to supply a new message to probe with.
// Queues that can receive take turns.
func (s *Seat) mayScout() bool {
	if s.gate.scout != s {
		return true
	}
	for _, other := range s.gate.seats {
		if other != s && other.hand.Receives {
			return false
		}
	}
	return true
}

// Received records that a receive has been sent.
func (s *Seat) Received() {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == Closed {
		g.scout = s
		g.probeReceives++
	}
}

// atOnce returns how many deliveries may run concurrently.
func (g *Gate) atOnce(slots int) int {
	switch g.state {
	case Starting:
		return min(startLimit, slots)
	case HalfOpen:
		return min(g.limit, slots)
	default:
		return slots
	}
}

// startable returns how many of those slots to receive for: while closed or wary, what is
// in hand is enough.
func (g *Gate) startable(slots int) int {
	if g.state == Closed || g.state == Wary {
		return 0
	}
	return g.atOnce(slots)
}

// Slots returns how many of the target's slots may be used now.
func (s *Seat) Slots(slots int) int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.atOnce(slots)
}
