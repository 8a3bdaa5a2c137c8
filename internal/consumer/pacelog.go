package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// paceLog logs what the pace does by itself: it follows what the target says of its limits, and
// adapts the concurrency.
type paceLog struct {
	log     *slog.Logger
	notices *notices
	pace    *ratelimit.Share

	waiting bool // it was logged that the target is waited for
	ignored int64
}

// say logs what has changed.
func (p *paceLog) say(now time.Time) {
	p.sayTold(now)
	p.sayAdapted(now)
}

// sayTold logs when starts begin to wait because the target says that it takes no more, and
// when they go on: not each time where that is every few seconds. Of the queues of one
// target the first to look logs it.
func (p *paceLog) sayTold(now time.Time) {
	for _, change := range p.pace.ToldChanges(now) {
		switch {
		case change.Waiting:
			var times int
			if times, p.waiting = p.notices.say(now, "told to wait", false); p.waiting {
				p.log.Info("waiting for the target as it asked: nothing starts, and nothing is received",
					slog.Time("until", change.Until.UTC()), slog.Int("times", times))
			}
		case p.waiting:
			p.waiting = false
			p.log.Info("the target takes more again", slog.Duration("waited", change.Lasted.Round(100*time.Millisecond)))
		}
	}
}

// sayIgnored logs once a minute that answers say nonsense of the target's limits.
func (p *paceLog) sayIgnored(now time.Time, n int) {
	if n == 0 {
		return
	}
	p.ignored += int64(n)
	if _, due := p.notices.say(now, "told nonsense", false); due {
		p.log.Warn("what the target's answers say of its limits makes no sense in part, and is ignored: see docs/pace.md",
			slog.Int64("ignored", p.ignored))
		p.ignored = 0
	}
}

// sayAdapted logs how the concurrency that is found changes, each reason at most once a
// minute. Of the queues of one target the first to look logs it.
func (p *paceLog) sayAdapted(now time.Time) {
	changes, alone := p.pace.AdaptChanges()
	for _, change := range changes {
		times, due := p.notices.say(now, "adaptive "+change.Reason.String(), false)
		if !due {
			continue
		}
		attributes := []any{
			slog.Int("concurrency", change.To), slog.Int("was", change.From),
			slog.String("reason", change.Words()), slog.Int("changes", times),
		}
		if change.Reason == adapt.TrialUndone {
			p.log.Warn("adaptive: the target refuses at random, whatever the load: the concurrency goes back, see docs/pace.md", attributes...)
			continue
		}
		p.log.Info("adaptive: concurrency changed", attributes...)
	}
	if alone == 0 {
		return
	}
	if _, due := p.notices.say(now, "adaptive alone", false); due {
		p.log.Warn("adaptive: the target refuses with nothing else running: this is a quota, which no concurrency keeps: use --rate or --quota")
	}
}
