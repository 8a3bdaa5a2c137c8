package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	quotaFor  = 3 * time.Minute
	limitsFor = 3 * time.Minute
	// limitOfSink is how many the sink takes in each minute of its clock, if told so.
	limitOfSink = 60
)

// quota has a worker deliver at 5/s and at most 100 a minute from a backlog.
func quota(ctx context.Context, o options) ([]row, error) {
	w, err := fromBacklog(ctx, o, 500, 10, quotaFor, "--rate", "5/s", "--quota", "100/m")
	if err != nil {
		return nil, err
	}
	var minutes [quotaFor / time.Minute]int
	for _, at := range w.at {
		if minute := (at - w.at[0]) / int64(time.Minute); int(minute) < len(minutes) {
			minutes[minute]++
		}
	}
	least := above("--quota 100/m: the least in a minute", float64(slices.Min(minutes[:])), 99, "%.0f")
	least.measured += fmt.Sprintf(" (%v)", minutes)
	return []row{
		least,
		below("--quota 100/m: the most in any minute", w.worst(time.Minute), 100, "%.0f"),
		below("--quota 100/m: SQS requests per message", w.requests, 0.3, "%.3f"),
	}, nil
}

// limits runs a worker without a rate against a target that says what it takes.
func limits(ctx context.Context, o options) ([]row, error) {
	t, err := newTrial(ctx, o, 5, sinkWays{Takes: 100 * time.Millisecond, Minute: limitOfSink})
	if err != nil {
		return nil, err
	}
	defer t.close()
	if err := t.fill(ctx, 500, func(int) string { return "{}" }); err != nil {
		return nil, err
	}
	// To the beginning of a minute, so that the first is a whole one.
	if err := pause(ctx, time.Until(time.Now().Truncate(time.Minute).Add(time.Minute))); err != nil {
		return nil, err
	}
	w, err := t.poller(ctx, o.poller, "/", 10)
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	if err := pause(ctx, limitsFor-time.Second); err != nil {
		return nil, err
	}
	s, err := t.sunk(ctx)
	if err != nil {
		return nil, err
	}
	received, err := t.received(ctx)
	if err != nil {
		return nil, err
	}
	minutes := (limitsFor / time.Minute).Nanoseconds()
	refused := s.count(func(t try) bool { return t.Status == http.StatusTooManyRequests })
	return []row{
		above("RateLimit, 60 a minute, no rate: delivered per minute", float64(len(s.delivered()))/float64(minutes), 57, "%.1f"),
		below("RateLimit: answers of 429", float64(refused), 0, "%.0f"),
		below("RateLimit: received and not delivered", float64(len(received)-len(s.delivered())), 50, "%.0f"),
	}, nil
}
