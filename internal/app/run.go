package app

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
)

// lastScrape is how long the admin server waits at the end for responses in progress.
const lastScrape = time.Second

// Run runs the daemon until drainCtx is done and everything in hand is settled, or until
// killCtx is done. It returns what happened to the messages once every goroutine of the
// daemon has ended, and may be called once. The error is that of a queue that could not
// be opened, or of the admin server.
func (a *App) Run(drainCtx, killCtx context.Context) (consumer.Summary, error) {
	return a.run(drainCtx, killCtx, func() {})
}

// run is Run, except that it calls settled when everything in hand is settled and SQS can
// still be called.
func (a *App) run(drainCtx, killCtx context.Context, settled func()) (consumer.Summary, error) {
	a.sayStarted()
	drainCtx, stop := context.WithCancel(drainCtx)
	defer stop()

	served := make(chan error, 1)
	go func() {
		err := a.admin.Serve(a.listener)
		if err != nil {
			stop()
		}
		served <- err
	}()

	watching, endWatch := context.WithCancel(context.WithoutCancel(killCtx))
	var watch sync.WaitGroup
	watch.Go(func() { a.watchOverrides(watching) })
	defer watch.Wait()
	defer endWatch()
	inFleet, leave := context.WithCancel(context.WithoutCancel(killCtx))
	defer leave()
	fleets := a.runFleets(inFleet, stop)
	var parts errgroup.Group
	for _, r := range a.queues {
		parts.Go(func() error {
			err := r.run(drainCtx, killCtx)
			if err != nil {
				stop() // the other queues finish what they have begun
			}
			return err
		})
	}
	err := parts.Wait()
	settled()
	leave() // nothing runs any more: this replica's part is free
	err = errors.Join(fleets.Wait(), err)
	summary := a.summary()

	for _, t := range a.targets {
		t.http.Close()
	}
	a.sqs.Close()
	// The admin server stops last, so that the final metrics can be scraped.
	closing, cancel := context.WithTimeout(context.WithoutCancel(killCtx), lastScrape)
	defer cancel()
	if err := a.tracer.Close(closing); err != nil {
		a.log.WarnContext(closing, "the last spans were not sent", slog.Any("error", err))
	}
	err = errors.Join(err, a.admin.Close(closing), <-served)
	if err == nil {
		a.sayStopped(summary)
	}
	return summary, err
}

// summary adds up what happened to every queue's messages.
func (a *App) summary() consumer.Summary {
	var sum consumer.Summary
	for _, r := range a.queues {
		sum = sum.Add(r.summary)
	}
	return sum
}

// sayStarted logs the settings in force.
func (a *App) sayStarted() {
	for _, r := range a.queues {
		t := a.config.Fleet.Share(a.config.Targets[r.target.name])
		rate := "unlimited"
		if t.Rate.Limited {
			rate = t.Rate.String()
		}
		visibility := "the queue's"
		if v := time.Duration(r.config.VisibilityTimeout); v > 0 {
			visibility = v.String()
		}
		a.log.Info("poller starts",
			slog.String("version", a.build.Version),
			slog.String("queue", r.name),
			slog.String("target", r.target.name),
			slog.String("url", place(t.URL)),
			slog.Int("concurrency", t.Concurrency),
			slog.Bool("adaptive", t.Adaptive),
			slog.String("rate", rate),
			slog.Int("burst", t.Burst),
			slog.String("quotas", listOf(t.Quotas)),
			slog.Int("fleet_replicas", max(1, a.config.Fleet.Replicas)),
			slog.String("fleet", a.fleetInWords(r.target.name)),
			slog.Duration("timeout", time.Duration(t.Timeout)),
			slog.String("visibility_timeout", visibility),
			slog.Duration("drain_timeout", time.Duration(a.config.DrainTimeout)),
			slog.String("listen", a.Address()),
			slog.String("go", a.build.GoVersion),
		)
	}
	for _, name := range a.names() {
		for _, text := range a.config.Targets[name].PointlessQuotas() {
			a.log.Warn("a quota has no effect", slog.String("target", name), slog.String("reason", text))
		}
	}
	if a.isOpen() {
		a.log.Info("the admin port is open to the network and asks for no password", slog.String("listen", a.Address()))
	}
}

// listOf returns quotas as they are written, or none.
func listOf(quotas []config.Quota) string {
	if len(quotas) == 0 {
		return "none"
	}
	texts := make([]string, len(quotas))
	for i, q := range quotas {
		texts[i] = q.String()
	}
	return strings.Join(texts, ", ")
}

// isOpen reports whether other machines reach the admin port.
func (a *App) isOpen() bool {
	at, err := netip.ParseAddrPort(a.Address())
	return err == nil && !at.Addr().IsLoopback()
}

// sayStopped logs the last line: what happened to everything that was received.
func (a *App) sayStopped(s consumer.Summary) {
	a.log.Info("poller stopped",
		slog.Int64("delivered", s.Delivered),
		slog.Int64("failed", s.Failed),
		slog.Int64("rejected", s.Rejected),
		slog.Int64("released", s.Released+s.CutOff),
		slog.Int64("dead_lettered", s.DeadLettered),
		slog.Int64("discarded", s.Discarded),
		slog.Int64("abandoned", s.Abandoned),
		slog.Duration("duration", time.Since(a.started).Round(time.Millisecond)),
	)
}
