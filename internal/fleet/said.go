package fleet

import (
	"errors"
	"log/slog"
	"time"
)

// noticeEvery is how often the log repeats what lasts.
const noticeEvery = time.Minute

// mixedFor is how long replicas may have different budgets before the log says so: changes do
// not reach all of them in the same moment, and one may follow another.
const mixedFor = 5 * time.Second

// problem is why the coordinator's last call came to nothing.
type problem struct {
	what    string // empty while calls are answered
	refused bool
	since   time.Time
}

// sayings is what the log has been told.
type sayings struct {
	problem string
	at      time.Duration // when the problem was
	losses  int
	mixed   bool
	mixedAt time.Duration // when that began, or was last said
}

// note keeps what a call has come to.
func (f *Fleet) note(now time.Duration, err error) {
	if err == nil {
		if f.problem.what != "" {
			f.problem = problem{}
		}
		return
	}
	refused := new(RefusedError)
	if f.problem.what == "" {
		f.problem.since = f.base.Add(now)
	}
	f.problem.what, f.problem.refused = err.Error(), errors.As(err, &refused)
}

// say logs what has changed, and once a minute what lasts.
func (f *Fleet) say(now time.Duration) {
	for _, c := range f.member.changes {
		f.sayChange(c)
	}
	f.member.changes = f.member.changes[:0]
	if n := f.member.losses; n > f.said.losses {
		f.said.losses = n
		f.log.Warn("fleet memory lost: nothing is granted until what it had granted has lapsed",
			slog.Duration("pause", f.member.pause.Round(100*time.Millisecond)))
	}
	switch p := f.problem; {
	case p.what == "":
		f.said.problem = ""
	case f.said.problem == "" || now-f.said.at >= noticeEvery:
		f.said.problem, f.said.at = p.what, now
		reason, since, state := slog.String("reason", p.what), slog.Time("since", p.since), slog.String("state", f.member.state.String())
		if p.refused {
			f.log.Error("fleet coordinator refuses: trying again", reason, since, state)
		} else {
			f.log.Warn("fleet coordinator not reached: trying again", reason, since, state)
		}
	}
	mixed := f.member.state == Live && f.member.last.mixed
	switch {
	case mixed && !f.said.mixed:
		f.said.mixedAt = now + mixedFor - noticeEvery
	case mixed && now-f.said.mixedAt >= noticeEvery:
		f.said.mixedAt = now
		f.log.Warn("replicas of this fleet have different budgets: the smaller holds",
			slog.Float64("rate_here", f.member.budget.Rate), slog.Float64("rate", float64(f.member.last.rate)/1e6),
			slog.Int("concurrency_here", f.member.budget.Slots), slog.Int("concurrency", f.member.last.all))
	}
	f.said.mixed = mixed
}

// sayChange logs one change of the state.
func (f *Fleet) sayChange(c change) {
	m := f.member
	share := slog.Float64("share", float64(m.share)/1e6)
	slots := slog.Int("slots", m.slots)
	switch c.to {
	case Live:
		f.log.Info("fleet live", share, slots, slog.Int("replicas", m.last.live),
			slog.Float64("rate", float64(m.last.rate)/1e6), slog.Int("concurrency", m.last.all))
	case OnShare:
		f.log.Warn("fleet on share: the coordinator is away, going on by itself", share, slots,
			slog.Duration("left", (m.leaseEnd-c.at).Round(time.Second)))
	case FixedPart:
		rate, n := m.budget.fixed()
		f.log.Warn("fleet on fixed part: the coordinator is away for long, going on with an equal part",
			slog.Float64("rate", rate), slog.Int("slots", n), slog.Int("replicas", m.budget.Replicas))
	case Stopped:
		if m.budget.Replicas > 1 {
			f.log.Error("fleet stopped: the coordinator is away and nothing is left to go on with until the fixed part")
			return
		}
		f.log.Error("fleet stopped: the coordinator is away and nothing is left to go on with; set --fleet-replicas to go on with an equal part")
	case UsingUp, Pausing, Joining:
		f.log.Debug("fleet state", slog.String("state", c.to.String()))
	}
}

// sayLeft logs how the last call went.
func (f *Fleet) sayLeft(err error) {
	if err != nil {
		f.log.Warn("fleet left without telling the coordinator: its part is free when the lease is over", slog.Any("error", err))
		return
	}
	f.log.Info("fleet left")
}
