package main

import (
	"context"
	"errors"
	"slices"
	"time"
)

const rateFor = 30 * time.Second

// rate has a worker deliver 50 a second from a backlog.
func rate(ctx context.Context, o options) ([]row, error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.fill(ctx, 1900, func(int) string { return "{}" }); err != nil {
		return nil, err
	}
	w, err := s.poller(ctx, o.poller, "/", 64, "--rate", "50")
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	if err := pause(ctx, rateFor+2*time.Second); err != nil {
		return nil, err
	}
	asked, err := s.asked(ctx)
	if err != nil {
		return nil, err
	}
	var log arrivals
	if err := s.target.ask(ctx, "/bench/log", &log); err != nil {
		return nil, err
	}
	if len(log.At) == 0 {
		return nil, errors.New("nothing was delivered")
	}
	slices.Sort(log.At)
	within, worst := 0, 0
	from := 0
	gaps := make([]float64, 0, len(log.At))
	for i, at := range log.At {
		gaps = append(gaps, float64(at-log.At[max(i-1, 0)])/1e6)
		if at < log.At[0]+int64(rateFor) {
			within++
		}
		for at-log.At[from] >= int64(time.Second) {
			from++
		}
		worst = max(worst, i-from+1)
	}
	progress("  between two arrivals: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, the longest %.2f ms",
		median(gaps), quantile(gaps, 0.9), quantile(gaps, 0.99), quantile(gaps, 1))
	return []row{
		above("--rate 50: arrivals per second over 30 s", float64(within)/rateFor.Seconds(), 49.5, "%.2f"),
		below("--rate 50: the most in any second", float64(worst), 51, "%.0f"),
		below("--rate 50: SQS requests per message", float64(asked.total())/float64(len(log.At)), 0.22, "%.3f"),
	}, nil
}
