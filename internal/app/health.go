package app

import (
	"time"

	"poller/internal/admin"
	"poller/internal/consumer"
	"poller/internal/message"
)

// NotReady says why the daemon does no work now: a queue was not reached, a stop
// has begun, SQS refuses and a person has to act, or nothing can be settled. Nil: it is ready.
func (a *App) NotReady(now time.Time) []admin.Problem {
	var problems []admin.Problem
	for _, r := range a.queues {
		c, problem := r.state()
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		problems = append(problems, notReady(r.name, c.Snapshot(now))...)
	}
	return problems
}

// notReady says why a queue that was reached does no work.
func notReady(name string, s consumer.Snapshot) []admin.Problem {
	var problems []admin.Problem
	if s.Draining {
		problems = append(problems, admin.Problem{What: "queue " + name + " is draining: the process was told to stop", Since: s.DrainingSince})
	}
	if p := s.Problem; p != nil && (p.Fault == message.Refused || p.Stops) {
		problems = append(problems, admin.Problem{What: p.What, Since: p.Since})
	}
	return problems
}

// Stuck says what has not turned for a minute. Nil: all loops turn, whatever SQS
// and the targets do.
func (a *App) Stuck(now time.Time) []admin.Problem {
	var problems []admin.Problem
	for _, r := range a.queues {
		if c, _ := r.state(); c != nil {
			for _, p := range c.Stuck(now) {
				problems = append(problems, admin.Problem{What: p.What, Since: p.Since})
			}
		}
	}
	return problems
}
