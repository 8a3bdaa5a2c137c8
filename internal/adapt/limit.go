package adapt

import "time"

// The numbers, all of them. They were settled by simulation; docs/performance.md has the
// figures.
const (
	startLimit = 4
	startStep  = 2 // more than 1: doubles until the first refusal

	raiseAfter = 200 // deliveries without a believed refusal until the next step

	// A delivery proves that the target takes as many as ran beside it only if it began
	// this part of a mean delivery after the last change: a refusal of the same moment must
	// have had time to arrive.
	settlePart = 4

	recentAnswers   = 20 // of these
	manyRefused     = 16 // refused: the capacity has fallen, and 503s are believed again
	strangeShare    = 0.01
	strangeGap      = 200 // answers between two looks at the share of strange refusals,
	maxStrangeGap   = 12_800
	trialAnswers    = 100 // and those by which a trial is judged
	trialImprovedTo = 0.5

	windowLeast      = 500 * time.Millisecond // a window lasts at least so long
	windowDeliveries = 3                      // and so many mean deliveries,
	windowPerSlot    = 10                     // with 10 durations for each slot,
	windowMost       = 50                     // and no more than 50 needed

	baseFalls    = 0.2  // how fast the base follows a lower latency
	baseRises    = 0.05 // and a higher one, at no greater limit
	baseMost     = 1.3
	cutAt        = 2.0 // times the base, in two windows: too many
	cutTo        = 1.5
	cutMost      = 0.5
	cutHelped    = 0.8 // of the latency before the cut
	cutRest      = 2 * time.Second
	noGrowthAt   = 1.8 // times the base, or
	noGrowthLong = 1.5 // in two windows
	meanWeight   = 0.05
)

// Kind is what an answer says.
type Kind uint8

// The kinds of answers that say something about load.
const (
	// Delivered is a 2xx.
	Delivered Kind = iota
	// Throttled is a 429.
	Throttled
	// Overloaded is a 503.
	Overloaded
)

// Answer is one delivery's.
type Answer struct {
	Kind  Kind
	Began time.Time
	// Beside is how many other deliveries ran when it began.
	Beside int
	// Full reports whether, when it ended, as many ran as the limit allows.
	Full bool
}

// Limit is the limit of one target.
type Limit struct {
	most  int // the maximum
	limit int
	step  int // by how much it is raised next
	ok    int // deliveries since the last believed refusal
	top   int // the most at once that was seen to work
	good  int // the limit of the last whole window

	changed time.Time // when the limit last changed, or refusals became credible again
	took    mean      // of a delivery, in seconds

	window  window
	latency latency
	recent  recent // the last answers
	strange strange
	trial   trial

	alone       int64 // 429s with nothing else running
	counted     [reasons]int64
	history     []Change // the latest last
	unsaid      []Change
	unsaidAlone int
	until       time.Time // no growth before it
}

// New returns the limit of a target that takes at most so many, at least 1.
func New(now time.Time, most int) *Limit {
	l := &Limit{most: most, limit: min(startLimit, most), step: startStep, changed: now}
	l.good = l.limit
	l.strange.gap = strangeGap
	l.window.clear(now)
	return l
}

// Slots returns the limit in force.
func (l *Limit) Slots() int { return l.limit }

// SetMost changes the maximum, which is at least 1.
func (l *Limit) SetMost(now time.Time, most int) {
	l.most = most
	if l.limit > most {
		l.set(now, most, Change{Reason: Maximum})
	}
}

// Answer takes in one answer, and reports whether it is a refusal that shows that too many
// ran.
func (l *Limit) Answer(now time.Time, a Answer) (believed bool) {
	switch {
	case a.Kind == Delivered:
		l.delivered(now, a)
	case l.believes(a):
		l.refused(now, a)
		return true
	default:
		l.doubt(now, a)
	}
	l.judgeStrange(now)
	return false
}

// believes reports whether a refusal is about load: it began beside others, and a 503
// beside more than are known to work.
func (l *Limit) believes(a Answer) bool {
	return a.Beside >= 1 && (a.Kind == Throttled || a.Beside+1 > l.top)
}

// refused follows a believed refusal: the target takes at most those that it began beside.
func (l *Limit) refused(now time.Time, a Answer) {
	l.step, l.ok = 1, 0
	l.strange.clear()
	l.trial, l.latency.cut = trial{}, cut{}
	l.set(now, min(l.limit, a.Beside), Change{Reason: Refused, Kind: a.Kind, Beside: a.Beside})
}

// doubt counts a refusal that is not believed. If nearly all are refused, what was known to
// work no longer does.
func (l *Limit) doubt(now time.Time, a Answer) {
	if a.Kind == Throttled && a.Beside == 0 {
		l.alone++
		l.unsaidAlone++
	}
	l.strange.add(true)
	l.trial.add(a, true)
	if l.recent.add(true) >= manyRefused && a.Beside >= 1 {
		l.top, l.changed = 0, now
	}
}

// delivered follows a delivery.
func (l *Limit) delivered(now time.Time, a Answer) {
	took := now.Sub(a.Began)
	l.took.add(took.Seconds())
	l.ok++
	l.strange.add(false)
	l.trial.add(a, false)
	l.recent.add(false)
	if !a.Began.Before(l.changed.Add(l.took.mean() / settlePart)) {
		l.top = max(l.top, a.Beside+1)
	}
	if l.trial.on {
		return
	}
	if !a.Began.Before(l.changed) {
		l.window.add(took)
	}
	l.window.full = l.window.full || a.Full
	if l.window.ends(now, l.limit, l.took.mean()) {
		l.judge(now)
	}
}

// judge ends a window.
func (l *Limit) judge(now time.Time) {
	l.good = l.limit
	median, full := l.window.median(), l.window.full
	l.window.clear(now)
	grows := l.watchLatency(now, median) && !now.Before(l.until)
	if !grows || !full || l.limit >= l.most || l.ok < raiseAfter && l.step <= 1 {
		return
	}
	reason := Raised
	if l.step > 1 {
		reason = Doubled
	}
	l.set(now, l.limit+l.step, Change{Reason: reason})
	l.step = min(2*l.step, l.limit/2)
}

// GateClosed follows the beginning of an outage. It begins with failures beside successes,
// which look like refusals: what was lowered for them is taken back, and a trial ends
// undecided.
func (l *Limit) GateClosed(now time.Time) {
	l.trial, l.latency.cut = trial{}, cut{}
	l.strange.clear()
	l.step = startStep
	l.set(now, max(l.limit, l.good), Change{Reason: Outage})
}

// set changes the limit, at most to the maximum, and notes why. What comes from before says
// nothing about it.
func (l *Limit) set(now time.Time, to int, c Change) {
	c.At, c.From, c.To = now, l.limit, min(to, l.most)
	l.limit, l.changed = c.To, now
	l.window.clear(now)
	l.note(c)
}
