package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"poller/internal/consumer"
)

// lastScrape is how long the admin server waits at the end for answers that are
// under way.
const lastScrape = time.Second

// Run works until drain is done and everything in hand is settled, or until now
// is done, and says what came of it. It returns when every goroutine of the daemon
// has ended, and may be called once. The error is that of a queue that could not
// be reached at the start, or of the admin server.
func (a *App) Run(drain, now context.Context) (consumer.Summary, error) {
	return a.run(drain, now, func() {})
}

// run is Run; settled is called when everything in hand is settled, and SQS can still
// be asked.
func (a *App) run(drain, now context.Context, settled func()) (consumer.Summary, error) {
	a.sayStarted()
	drain, stop := context.WithCancel(drain)
	defer stop()

	served := make(chan error, 1)
	go func() {
		err := a.admin.Serve(a.listener)
		if err != nil {
			stop()
		}
		served <- err
	}()

	var parts errgroup.Group
	for _, r := range a.queues {
		parts.Go(func() error {
			err := r.run(drain, now)
			if err != nil {
				stop() // the other queues finish what they have begun
			}
			return err
		})
	}
	err := parts.Wait()
	settled()
	summary := a.summary()

	for _, t := range a.targets {
		t.http.Close()
	}
	a.sqs.Close()
	// The admin server goes last, so that the last metrics are scraped.
	closing, cancel := context.WithTimeout(context.WithoutCancel(now), lastScrape)
	defer cancel()
	err = errors.Join(err, a.admin.Close(closing), <-served)
	if err == nil {
		a.sayStopped(summary)
	}
	return summary, err
}

// summary adds up what came of every queue's messages.
func (a *App) summary() consumer.Summary {
	var sum consumer.Summary
	for _, r := range a.queues {
		sum = sum.Add(r.summary)
	}
	return sum
}

// sayStarted logs what was understood.
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
			slog.String("rate", rate),
			slog.Int("burst", t.Burst),
			slog.Int("fleet_replicas", max(1, a.config.Fleet.Replicas)),
			slog.Duration("timeout", time.Duration(t.Timeout)),
			slog.String("visibility_timeout", visibility),
			slog.Duration("drain_timeout", time.Duration(a.config.DrainTimeout)),
			slog.String("listen", a.Address()),
			slog.String("go", a.build.GoVersion),
		)
	}
}

// sayStopped logs the last line: what came of everything that was received.
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
