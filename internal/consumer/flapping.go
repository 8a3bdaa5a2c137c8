package consumer

import (
	"log/slog"
	"time"
)

const (
	// steadyAfter is how long what failed has to work before that is logged.
	steadyAfter = 10 * time.Second
	// calmAfter is how long nothing was logged of a state that counts as steady.
	calmAfter = 5 * noticeEvery
)

// flapping decides which changes of a state are lines of the log, such as whether
// receives work: that it fails is logged immediately, that it works again after 10 s of it.
// A state that keeps changing is one line a minute, with its counts; but that a person has
// to act is logged immediately all the same.
type flapping struct {
	bad    bool      // it fails
	urgent bool      // and a person has to act
	since  time.Time // when the failures began whose end is not logged yet
	over   time.Time // when it last began to work

	failures, recoveries int // since the last line

	at         time.Time // of the last line; zero: there was none
	said       bool      // it says that it fails
	saidUrgent bool      // and that a person has to act
	fresh      bool      // it came after a long calm
}

func (f *flapping) failed(now time.Time, urgent bool) {
	if f.since.IsZero() {
		f.since = now
	}
	f.bad, f.urgent = true, urgent
	f.failures++
}

func (f *flapping) worked(now time.Time) {
	if f.bad {
		f.bad, f.over = false, now
		f.recoveries++
	}
}

// line is what is logged of a state.
type line uint8

const (
	noLine line = iota
	itFails
	itWorksAgain
	itFailsNowAndThen
)

// due returns which line is due, and the attributes to log with it. It counts as logged then.
func (f *flapping) due(now time.Time) (line, []any) {
	minute := f.at.IsZero() || now.Sub(f.at) >= noticeEvery
	which := noLine
	switch {
	case f.bad && f.failures > 0 && (minute || f.urgent && !f.saidUrgent):
		which = itFails
		f.fresh = f.at.IsZero() || now.Sub(f.at) >= calmAfter
	case f.bad:
	case f.said && now.Sub(f.over) >= steadyAfter && (minute || f.fresh):
		which = itWorksAgain
	case !f.said && f.failures > 0 && minute:
		which = itFailsNowAndThen
	}
	if which == noLine {
		return noLine, nil
	}
	var with []any
	switch which {
	case itFails:
		with = []any{slog.Time("since", f.since), slog.Int("failures", f.failures)}
	case itWorksAgain:
		with = []any{slog.Duration("duration", f.over.Sub(f.since).Round(time.Millisecond))}
		if f.failures > 0 {
			with = append(with, slog.Int("failures", f.failures))
		}
	default:
		with = []any{slog.Int("failures", f.failures)}
	}
	if f.recoveries > 1 || which != itWorksAgain && f.recoveries > 0 {
		with = append(with, slog.Int("recoveries", f.recoveries))
	}
	f.at, f.said, f.saidUrgent = now, which == itFails, which == itFails && f.urgent
	f.failures, f.recoveries = 0, 0
	if which != itFails {
		f.since = time.Time{}
	}
	return which, with
}
