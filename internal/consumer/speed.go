package consumer

import (
	"math"
	"time"
)

// speedSeconds is how far back a speed looks.
const speedSeconds = 60

// speed measures how many messages a second are settled: over the longest time, of ten
// seconds to a minute, in which it has not changed. Ten seconds alone would be too few
// messages, a minute too slow to notice that the pace was changed.
type speed struct {
	ticks  ticks
	counts [speedSeconds + 1]int
	newest int64 // second of the newest count
	begun  int64 // second of the first count after a rest; 0: none yet
	last   int64 // and of the last one
}

const (
	// leastSpeed is how many seconds must have been measured.
	leastSpeed = 4
	// leastBlock is how many are compared with those before them.
	leastBlock = 10
)

// add counts one. Nothing for longer than rest is a rest.
func (s *speed) add(now time.Time, rest int) {
	s.advance(now)
	if s.begun == 0 || s.newest-s.last > int64(max(rest, leastBlock)) {
		s.begun = s.newest
	}
	s.last = s.newest
	s.counts[s.newest%int64(len(s.counts))]++
}

// perSecond returns the speed, if it is known. It is measured over blocks of at least that
// many seconds.
func (s *speed) perSecond(now time.Time, block int) (float64, bool) {
	s.advance(now)
	whole := int(min(s.newest-s.begun-1, speedSeconds)) // neither the first second nor this one is whole
	if s.begun == 0 || whole < leastSpeed {
		return 0, false
	}
	block = min(max(block, leastBlock), whole)
	n := s.sum(0, block)
	seconds := block
	for seconds+block <= whole {
		older, mean := float64(s.sum(seconds, block)), float64(n)/float64(seconds)
		// Three standard deviations of a count, were it by chance alone.
		if math.Abs(older-mean*float64(block)) > 3*math.Sqrt(max(mean*float64(block), 1)) {
			break
		}
		n += int(older)
		seconds += block
	}
	return float64(n) / float64(seconds), true
}

// sum counts so many whole seconds that ended skip seconds ago.
func (s *speed) sum(skip, seconds int) int {
	n := 0
	for i := range seconds {
		second := s.newest - 1 - int64(skip) - int64(i)
		n += s.counts[(second%int64(len(s.counts))+int64(len(s.counts)))%int64(len(s.counts))]
	}
	return n
}

func (s *speed) advance(now time.Time) {
	second := s.ticks.second(now)
	if second-s.newest >= int64(len(s.counts)) {
		s.counts = [speedSeconds + 1]int{}
		s.newest = second
	}
	for s.newest < second {
		s.newest++
		s.counts[s.newest%int64(len(s.counts))] = 0
	}
}
