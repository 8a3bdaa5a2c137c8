package main

import (
	"context"
	"errors"
	"slices"
	"time"
)

// worked is what a worker did from a backlog.
type worked struct {
	at       []int64 // when deliveries arrived, in nanoseconds, the first one first
	requests float64 // of SQS, for each of them
}

// fromBacklog has a worker deliver from so many messages for a time, and two seconds more
// for its start.
func fromBacklog(ctx context.Context, o options, messages, slots int, lasts time.Duration, flags ...string) (worked, error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return worked{}, err
	}
	defer s.close()
	if err := s.fill(ctx, messages, func(int) string { return "{}" }); err != nil {
		return worked{}, err
	}
	w, err := s.poller(ctx, o.poller, "/", slots, flags...)
	if err != nil {
		return worked{}, err
	}
	defer w.abandon()
	if err := pause(ctx, lasts+2*time.Second); err != nil {
		return worked{}, err
	}
	asked, err := s.asked(ctx)
	if err != nil {
		return worked{}, err
	}
	var log arrivals
	if err := s.target.ask(ctx, "/bench/log", &log); err != nil {
		return worked{}, err
	}
	if len(log.At) == 0 {
		return worked{}, errors.New("nothing was delivered")
	}
	slices.Sort(log.At)
	return worked{at: log.At, requests: float64(asked.total()) / float64(len(log.At))}, nil
}

// worst returns the most deliveries in any window of that length.
func (w worked) worst(window time.Duration) float64 {
	most, from := 0, 0
	for i, at := range w.at {
		for at-w.at[from] >= int64(window) {
			from++
		}
		most = max(most, i-from+1)
	}
	return float64(most)
}
