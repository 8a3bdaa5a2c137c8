package app

import (
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
)

// NotReady returns why the daemon is not working: a queue has not been reached, it is
// draining, SQS refuses a call and somebody has to act, nothing can be settled, or the fleet's budget
// is unknown. It returns nil if the daemon is ready.
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
	return append(problems, a.fleetProblems(now)...)
}

// notReady returns why a queue that has been reached is not being worked on.
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

// Stuck returns the loops that have not turned for a minute. Nothing that SQS or the
// targets do makes a loop stuck.
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
