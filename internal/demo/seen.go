package demo

import "hash/maphash"

// seen remembers ids: the last million for certain, and up to as many again.
type seen struct {
	seed      maphash.Seed
	new, last map[uint64]struct{}
}

const seenPerGeneration = 1_000_000

func newSeen() seen {
	return seen{seed: maphash.MakeSeed(), new: make(map[uint64]struct{})}
}

// add reports whether id was there already.
func (s *seen) add(id string) bool {
	key := maphash.String(s.seed, id)
	if _, ok := s.new[key]; ok {
		return true
	}
	_, ok := s.last[key]
	if len(s.new) >= seenPerGeneration {
		s.new, s.last = make(map[uint64]struct{}), s.new
	}
	s.new[key] = struct{}{}
	return ok
}
