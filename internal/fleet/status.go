package fleet

import (
	"fmt"
	"time"
)

// Status is what people see of this replica's place.
type Status struct {
	Name, ID string
	State    State
	Since    time.Time
	// Share is in starts a second; Slots are what it has been granted.
	Share float64
	Slots int
	// Replicas is how many are live; Rate and Concurrency are the budget of all of them that is
	// in force, and Mixed reports whether some replica has another one.
	Replicas, Concurrency int
	Rate                  float64
	Mixed                 bool
	// Left is how long it may go on by itself, while it does.
	Left time.Duration
	// Waits says what it waits for, empty while it works as usual.
	Waits string
	// Problem says why the coordinator's last call came to nothing; empty if it was answered.
	Problem string
	// ProblemSince is when that began.
	ProblemSince time.Time
	MemoryLost   int
	Used, Lapsed int64
	// Members are all replicas, as the coordinator last had them.
	Members []Member
}

// Status returns the state at now.
func (f *Fleet) Status(now time.Time) Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := now.Sub(f.base)
	m := f.member
	m.advance(at)
	s := Status{
		Name: f.options.Name, ID: m.id, State: m.state, Since: f.base.Add(m.since),
		Share: float64(m.share) / 1e6, Slots: m.slots, Replicas: m.last.live,
		Rate: m.budget.Rate, Concurrency: m.budget.Slots,
		Problem: f.problem.what, MemoryLost: m.losses, Used: m.tokens.used, Lapsed: m.tokens.lapsed,
		Waits: f.waits(at), Members: f.fresh.members,
	}
	if s.Problem != "" {
		s.ProblemSince = f.problem.since
	}
	if m.state == Live {
		s.Rate, s.Concurrency, s.Mixed = float64(m.last.rate)/1e6, m.last.all, m.last.mixed
	}
	switch m.state {
	case OnShare:
		s.Left = max(m.leaseEnd-at, 0)
	case FixedPart:
		s.Share, s.Slots = m.budget.fixed()
	case Joining, Live, UsingUp, Pausing, Stopped:
	}
	f.fresh.looked, f.fresh.wanted = true, at
	return s
}

// waits says what it waits for.
func (f *Fleet) waits(now time.Duration) string {
	m := f.member
	switch m.state {
	case Joining, Stopped:
		if f.problem.what != "" || !m.answered {
			if from := max(m.fixedFrom, m.goesOn()); m.budget.Replicas > 1 {
				return "the coordinator, or the fixed part in " + inWords(from-now)
			}
			return "the coordinator"
		}
		return "the coordinator's new memory to grant something, in " + inWords(m.quietTill-now)
	case UsingUp, Pausing:
		if m.share > 0 || !m.limited {
			return "the coordinator, or to go on by itself in " + inWords(m.goesOn()-now)
		}
		return "the coordinator"
	case OnShare, FixedPart:
		return "the coordinator"
	case Live:
	}
	return ""
}

func inWords(d time.Duration) string {
	return fmt.Sprint(max(d, 0).Round(time.Second))
}

// NotReady returns why this replica starts nothing, and since when; empty if it may.
func (f *Fleet) NotReady(now time.Time) (what string, since time.Time) {
	s := f.Status(now)
	if s.State != Joining && s.State != Stopped {
		return "", time.Time{}
	}
	what = fmt.Sprintf("fleet %s: nothing may start while its budget is unknown; waiting for %s", s.Name, s.Waits)
	if s.Problem != "" {
		what += " (" + s.Problem + ")"
	}
	return what, s.Since
}
