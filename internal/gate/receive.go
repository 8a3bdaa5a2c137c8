package gate

import "time"

const (
	startLimit = 5           // deliveries at once, and messages in hand, before the first success
	readyOver  = 10          // held messages that are due, over the slots: then receives come one by one
	quiet      = time.Second // after a success and a receive, before such a one
	maxHeld    = 1000        // messages in hand
)

// Hand is what one queue has, as far as its gate has to know.
type Hand struct {
	// Untried are in hand, could be started and were never tried. Ready are held and due.
	Untried, Ready int
	// Polls are the receives that are out; LastReceive is when one last went out or returned.
	Polls       int
	LastReceive time.Time
	// Receives reports whether the queue can be asked at all now.
	Receives bool
	// Full reports whether no more bodies may be taken in.
	Full bool
}

// hands adds up those of all queues.
type hands struct{ untried, polls int }

// Report says what the queue has now. It is to be called before Receive.
func (s *Seat) Report(h Hand) {
	defer s.lock()()
	g := s.gate
	g.handed.untried += h.Untried - s.hand.Untried
	g.handed.polls += h.Polls - s.hand.Polls
	if g.state == Closed && g.handed.polls == 0 && s.hand.Polls > 0 {
		g.stir = true // it is another queue's turn
	}
	s.hand = h
}

// Limit is what a receive may ask for.
type Limit struct {
	// Most is for how many messages; 0: none may go out.
	Most int
	// Alone reports whether at most one receive may be out, whatever the demand: the way
	// out for a hand full of messages that all fail.
	Alone bool
	// Slots stands for the slots in the rule of demand, Startable for those of them that
	// could be used now.
	Slots, Startable int
	// NoRoom reports that a receive is wanted, and that a held message has to be released
	// for it.
	NoRoom bool
}

// Receive is what a receive of this queue may ask for now. slots are the target's.
func (s *Seat) Receive(now time.Time, slots int) Limit {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	full := s.hand.Full || g.held >= maxHeld || g.state == Closed && g.inHand >= maxHeld
	limit := Limit{Slots: g.atOnce(slots), Startable: g.startable(slots)}
	switch {
	case g.state == Closed:
		// Each probe that was answered tries somebody new: the way out of a false closing.
		// No message can cause a failure to connect, so then there is no need for one.
		if g.handed.untried > 0 || g.inHand > 0 && !g.probeAnswered {
			return limit
		}
		limit.one(full, g.handed.polls > 0 || !s.mayScout())
	case s.hand.Ready >= slots+readyOver && g.retrying.pay():
		wait := s.hand.Untried > 0 || s.hand.Polls > 0 ||
			now.Sub(g.success) < quiet || now.Sub(s.hand.LastReceive) < quiet
		if !wait {
			limit.one(full, false)
		}
	case full:
		limit.NoRoom = true
	case g.state == Starting:
		if g.inHand+g.handed.polls < startLimit {
			limit.Most = 1
		}
	case g.state == HalfOpen:
		limit.Most = min(maxReceive, g.limit)
	default:
		limit.Most = maxReceive
	}
	return limit
}

// maxReceive is how many messages a receive may ask for.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
const maxReceive = 10

// one lets a receive for a single message go out, if there is room.
func (l *Limit) one(full, wait bool) {
	switch {
	case full:
		l.NoRoom = true
	case !wait:
		l.Most, l.Alone = 1, true
	}
}

// mayScout reports whether it is this queue's turn to bring somebody new: after one from it
// comes another queue's, if that can be asked.
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

// Received notes that a receive has gone out.
func (s *Seat) Received() {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.state == Closed {
		g.scout = s
		g.probeReceives++
	}
}

// atOnce is how many deliveries may run.
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

// startable is how many of them are good for a plan: what a probe or a wary gate needs is in
// hand.
func (g *Gate) startable(slots int) int {
	if g.state == Closed || g.state == Wary {
		return 0
	}
	return g.atOnce(slots)
}

// Slots is how many deliveries may run at once now, of the target's slots.
func (s *Seat) Slots(slots int) int {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.atOnce(slots)
}
