package adapt

import (
	"slices"
	"time"
)

// window is a time with one limit, in which durations are collected.
type window struct {
	began     time.Time
	durations []time.Duration
	full      bool // some delivery ended with all slots taken
}

func (w *window) clear(now time.Time) {
	w.began, w.full = now, false
	w.durations = w.durations[:0]
}

func (w *window) add(took time.Duration) {
	w.durations = append(w.durations, took)
}

// ends reports whether enough is known of the limit.
func (w *window) ends(now time.Time, limit int, took time.Duration) bool {
	return now.Sub(w.began) >= max(windowLeast, windowDeliveries*took) &&
		len(w.durations) >= min(windowPerSlot*limit, windowMost)
}

func (w *window) median() float64 {
	slices.Sort(w.durations)
	return w.durations[len(w.durations)/2].Seconds()
}

// latency compares each window's median with a base: the latency while the target does not
// queue. Not every target refuses; some only become slow.
type latency struct {
	base  float64 // seconds; 0 before the first window
	limit int     // the greatest at which the base was seen

	long, slow int // windows in a row above noGrowthLong and cutAt
	cut        cut
}

// cut is one that the next window judges.
type cut struct {
	on     bool
	median float64 // before it
	limit  int
}

// watchLatency takes in a window's median. It may lower the limit, and reports whether the
// limit may grow.
func (l *Limit) watchLatency(now time.Time, median float64) (grows bool) {
	is := &l.latency
	if is.base == 0 {
		is.base, is.limit = median, l.limit
		return true
	}
	if is.cut.on {
		was := is.cut
		is.cut = cut{}
		if median > cutHelped*was.median {
			is.base = median
			l.set(now, was.limit, Change{Reason: LatencyUndone})
			return false
		}
		// It helped, so it was the load. As long as so many are slow, the base is not theirs.
		is.limit = min(is.limit, int(float64(l.limit)*is.base/median))
	}
	ratio := median / is.base
	is.follow(ratio, median, l.limit)
	is.long, is.slow = running(is.long, ratio > noGrowthLong), running(is.slow, ratio > cutAt)
	switch {
	case is.slow >= 2 && l.limit == 1:
		is.base = median
	case is.slow >= 2:
		is.cut = cut{on: true, median: median, limit: l.limit}
		is.slow = 0
		l.until = now.Add(cutRest)
		l.set(now, int(float64(l.limit)*max(cutMost, cutTo/ratio)), Change{Reason: Latency, Ratio: ratio})
		return false
	case ratio > noGrowthAt, is.long >= 2:
		l.step = 1
		return false
	}
	return true
}

// follow moves the base: down fast, and up slowly where no greater limit can be why.
func (is *latency) follow(ratio, median float64, limit int) {
	switch {
	case ratio < 1:
		is.base += baseFalls * (median - is.base)
		is.limit = max(is.limit, limit)
	case limit <= is.limit:
		is.base += baseRises * (min(median, baseMost*is.base) - is.base)
	}
}

func running(n int, goesOn bool) int {
	if goesOn {
		return n + 1
	}
	return 0
}

// mean is a moving mean: at first of all samples, later of about the last twenty.
type mean struct {
	value float64
	n     int
}

func (m *mean) add(sample float64) {
	m.n++
	m.value += max(1/float64(m.n), meanWeight) * (sample - m.value)
}

func (m *mean) mean() time.Duration { return time.Duration(m.value * float64(time.Second)) }
