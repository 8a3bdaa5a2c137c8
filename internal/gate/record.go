package gate

import "time"

// Record is what the gate knows about a message that is held, for the page.
type Record struct {
	Tries, Strikes int
	// Since is when its first failed try ended.
	Since time.Time
}

// Record returns what is known about m.
func (s *Seat) Record(m *Message) Record {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return Record{Tries: m.tries, Strikes: m.strikes, Since: m.since}
}
