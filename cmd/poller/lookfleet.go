package main

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
)

// longPause is how long a token's window may make the pauses of a fleet before it is said.
const longPause = 5 * time.Second

// lookAtFleet looks at the coordinator of a target's budget, and at what the budget means
// for the replicas.
func lookAtFleet(ctx context.Context, c config.Config, target string) findings {
	var f findings
	about := "fleet " + c.Fleet.BudgetName(target, len(c.Targets))
	for _, fact := range app.InspectFleet(ctx, c, target) {
		s := fine
		switch {
		case fact.Wrong:
			s = wrong
		case fact.Doubtful:
			s = warning
		}
		f.add(s, about, fact.Change, "%s", fact.What)
	}
	t := c.Targets[target]
	if n := c.Fleet.Replicas; n > t.Concurrency {
		f.add(warning, about, "--concurrency or --fleet-replicas", "of up to %d replicas %d have no slot: they stand by", n, n-t.Concurrency)
	}
	if c.Fleet.Replicas < 2 {
		f.add(warning, about, "--fleet-replicas: the most replicas that ever run", "without the coordinator everything stops after 5 min")
	}
	if t.Rate.Limited {
		window := time.Duration(float64(t.Burst-1) / t.Rate.PerSecond * float64(time.Second))
		if window > longPause {
			f.add(warning, about, "--rate or --burst",
				"a token of %s with a burst of %d may be used for %s: the first start, and the one after a lost memory, wait that long and 6s",
				t.Rate, t.Burst, window.Round(time.Second))
		}
	}
	return f
}
