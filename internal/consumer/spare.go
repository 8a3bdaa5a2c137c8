package consumer

import "time"

// When a message of a FIFO queue has failed for good and is released, what is in hand behind
// it has to be released with it: SQS hands out nothing of a group while some of it is in
// flight. That costs each of those a receive that is not its fault; and if they came
// again together with it each time, good messages would be in the dead-letter queue with
// the one that belongs there.
//
// So once messages are released behind another, receives ask for one message at a time,
// which brings the head of a group alone, until all of those have come through. And they
// are released only when no receive is out any more that asked for more than one: a long
// poll may be parked. What comes for the second time or more is spared as well: another
// replica may have released it, or this one before a restart.

const (
	// spareFor is how long to wait for the last of them: another replica may have it.
	spareFor = 10 * time.Minute
	// maxSpared bounds how many are remembered.
	maxSpared = 10_000
)

// spared are the messages of a FIFO queue that were released behind another.
type spared struct {
	keys  map[ledgerKey]struct{}
	until time.Time
}

// add notes one that is released now.
func (s *spared) add(now time.Time, key ledgerKey) {
	if s.keys == nil {
		s.keys = make(map[ledgerKey]struct{})
	}
	if len(s.keys) < maxSpared {
		s.keys[key] = struct{}{}
	}
	s.until = now.Add(spareFor)
}

// through forgets one that is done with.
func (s *spared) through(key ledgerKey) { delete(s.keys, key) }

// any reports whether some are still to come through.
func (s *spared) any(now time.Time) bool {
	if len(s.keys) > 0 && !now.Before(s.until) {
		clear(s.keys)
	}
	return len(s.keys) > 0
}
