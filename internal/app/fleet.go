package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/fleet"
)

// joinFleet has a target's pace start only what the fleet grants.
func (a *App) joinFleet(room *targetRoom, t config.Target, o Options, registerer prometheus.Registerer) error {
	redis, err := fleet.ParseURL(a.config.Fleet.Redis)
	if err != nil {
		return fmt.Errorf("--fleet-redis: %w", err)
	}
	redis.Dial = o.DialFleet
	name := a.config.Fleet.BudgetName(room.name, len(a.config.Targets))
	room.fleet, err = fleet.New(fleet.Options{
		Name:       name,
		Budget:     budgetOf(a.config.Fleet, t),
		Redis:      redis,
		About:      func() fleet.About { return a.about(time.Now(), room) },
		Changed:    room.pace.Wake,
		Overridden: func() { a.hearOverride(room.name) },
		Registerer: registerer,
		Logger:     a.log.With("target", room.name),
	})
	if err != nil {
		return err
	}
	room.pace.JoinFleet(room.fleet)
	return nil
}

// fleetInWords says who shares a target's budget.
func (a *App) fleetInWords(target string) string {
	if !a.config.Fleet.Shared() {
		return "none"
	}
	place := "a file's URL"
	if redis, err := fleet.ParseURL(a.config.Fleet.Redis); err == nil {
		place = redis.Place()
	}
	return a.config.Fleet.BudgetName(target, len(a.config.Targets)) + " on " + place
}

// budgetOf is what all replicas share of a target.
func budgetOf(f config.Fleet, t config.Target) fleet.Budget {
	return fleet.Budget{
		Rate: t.Rate.PerSecond, Burst: t.Burst, Slots: t.Concurrency, Quotas: limitsOf(t).Quotas,
		Timeout: time.Duration(t.Timeout), Replicas: f.Replicas,
	}
}

// runFleets makes the calls of every target's fleet until ctx is done, and then leaves.
// refused is called if a coordinator refuses the first call.
func (a *App) runFleets(ctx context.Context, refused func()) *errgroup.Group {
	var parts errgroup.Group
	for _, t := range a.targets {
		if t.fleet == nil {
			continue
		}
		parts.Go(func() error {
			err := t.fleet.Run(ctx)
			if err != nil {
				refused()
			}
			return err
		})
	}
	return &parts
}

// about describes this replica to those who look at another one.
func (a *App) about(now time.Time, room *targetRoom) fleet.About {
	host, _ := os.Hostname() // unknown: empty
	gate := room.gate.Status(room.pace.Limits().Concurrency)
	about := fleet.About{
		Host: host, Version: a.build.Version, Up: int64(now.Sub(a.started).Seconds()),
		Gate: gate.State.String(), Held: gate.Held,
	}
	for _, r := range a.queues {
		c, _ := r.state()
		if c == nil || r.target != room {
			continue
		}
		s := c.Snapshot(now)
		about.StartedPerSecond += s.StartedPerSecond
		about.Lag = max(about.Lag, s.Lag.Age.Seconds())
		for _, n := range s.InHand {
			about.InHand += n
		}
	}
	return about
}

// fleetProblems returns why nothing may start, for want of a budget.
func (a *App) fleetProblems(now time.Time) []admin.Problem {
	var problems []admin.Problem
	for _, name := range a.names() {
		if f := a.targets[name].fleet; f != nil {
			if what, since := f.NotReady(now); what != "" {
				problems = append(problems, admin.Problem{What: what, Since: inJSON(since)})
			}
		}
	}
	return problems
}

// fleetStatus is a target's place in its fleet, as the status shows it; nil without one.
func fleetStatus(f *fleet.Fleet, now time.Time) *admin.Fleet {
	if f == nil {
		return nil
	}
	s := f.Status(now)
	status := &admin.Fleet{
		Name: s.Name, ID: s.ID, State: s.State.String(), Since: inJSON(s.Since), Share: s.Share, Slots: s.Slots,
		Replicas: s.Replicas, Rate: s.Rate, Concurrency: s.Concurrency, Mixed: s.Mixed,
		Left: admin.Seconds(s.Left), Waits: s.Waits, Problem: s.Problem, MemoryLost: s.MemoryLost,
		TokensUsed: s.Used, TokensLapsed: s.Lapsed, Members: []admin.Member{},
	}
	for _, m := range s.Members {
		status.Members = append(status.Members, admin.Member{
			ID: m.ID, Host: m.Host, Version: m.Version, Up: admin.Seconds(time.Duration(m.Up) * time.Second), State: m.State,
			StartedPerSecond: m.StartedPerSecond, Slots: m.Slots, Share: m.Share, InHand: m.InHand, Held: m.Held, Gate: m.Gate,
			Lag: admin.Seconds(time.Duration(m.Lag * float64(time.Second))), Seen: admin.Seconds(m.Seen), Missing: m.Missing, Self: m.Self,
		})
	}
	return status
}

// FleetFact is one thing that InspectFleet has found.
type FleetFact = fleet.Fact

// InspectFleet looks at the coordinator of a target's budget as a replica would use it.
func InspectFleet(ctx context.Context, c config.Config, target string) []FleetFact {
	redis, err := fleet.ParseURL(c.Fleet.Redis)
	if err != nil {
		return []FleetFact{{Wrong: true, What: err.Error(), Change: "--fleet-redis"}}
	}
	t := c.Targets[target]
	return fleet.Inspect(ctx, redis, c.Fleet.BudgetName(target, len(c.Targets)), budgetOf(c.Fleet, t))
}
