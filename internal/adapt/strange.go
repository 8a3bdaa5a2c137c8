package adapt

import "time"

// strange counts refusals that are not believed, and all answers, to tell whether there are
// so many that a trial is due.
type strange struct {
	answers, refused int
	gap              int // answers until the next look
}

func (s *strange) add(refused bool) {
	s.answers++
	if refused {
		s.refused++
	}
}

func (s *strange) clear() { s.answers, s.refused = 0, 0 }

func (s *strange) share() float64 { return float64(s.refused) / float64(s.answers) }

// trial runs with half of the limit: if that does not lower the share of refusals, they are
// not about load.
type trial struct {
	on     bool
	began  time.Time
	limit  int     // before it
	share  float64 // before it
	counts strange
}

// add counts an answer of a delivery that began in the trial.
func (t *trial) add(a Answer, refused bool) {
	if t.on && !a.Began.Before(t.began) {
		t.counts.add(refused)
	}
}

// judgeStrange begins or ends a trial if that is due.
func (l *Limit) judgeStrange(now time.Time) {
	switch {
	case l.trial.on:
		if l.trial.counts.answers >= trialAnswers {
			l.endTrial(now)
		}
	case l.strange.answers < l.strange.gap:
	case l.strange.share() <= strangeShare:
		l.strange = strange{gap: strangeGap}
	case l.limit == 1:
		l.strange.clear()
	case !l.latency.cut.on:
		l.beginTrial(now)
	}
}

func (l *Limit) beginTrial(now time.Time) {
	l.trial = trial{on: true, began: now, limit: l.limit, share: l.strange.share()}
	l.set(now, l.limit/2, Change{Reason: Trial, Share: l.trial.share})
}

func (l *Limit) endTrial(now time.Time) {
	t := l.trial
	l.trial = trial{}
	l.strange.clear()
	if share := t.counts.share(); share < trialImprovedTo*t.share {
		l.top, l.step = l.limit, startStep // more has worked until lately
		l.set(now, l.limit, Change{Reason: TrialKept, Share: share})
		return
	}
	l.strange.gap = min(2*l.strange.gap, maxStrangeGap)
	l.set(now, t.limit, Change{Reason: TrialUndone, Share: t.share})
}

// recent are the last answers, whether refused.
type recent struct {
	refused [recentAnswers]bool
	next, n int
}

// add takes in one answer and returns how many of the last ones were refused.
func (r *recent) add(refused bool) int {
	if r.refused[r.next] {
		r.n--
	}
	r.refused[r.next] = refused
	if refused {
		r.n++
	}
	r.next = (r.next + 1) % recentAnswers
	return r.n
}
