package main

import (
	"context"
	"time"
)

const rateFor = 30 * time.Second

// rate has a worker deliver 50 a second from a backlog.
func rate(ctx context.Context, o options) ([]row, error) {
	w, err := fromBacklog(ctx, o, 1900, 64, rateFor, "--rate", "50")
	if err != nil {
		return nil, err
	}
	within := 0
	gaps := make([]float64, 0, len(w.at))
	for i, at := range w.at {
		gaps = append(gaps, float64(at-w.at[max(i-1, 0)])/1e6)
		if at < w.at[0]+int64(rateFor) {
			within++
		}
	}
	progress("  between two arrivals: p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, the longest %.2f ms",
		median(gaps), quantile(gaps, 0.9), quantile(gaps, 0.99), quantile(gaps, 1))
	return []row{
		above("--rate 50: arrivals per second over 30 s", float64(within)/rateFor.Seconds(), 49.5, "%.2f"),
		below("--rate 50: the most in any second", w.worst(time.Second), 51, "%.0f"),
		below("--rate 50: SQS requests per message", w.requests, 0.22, "%.3f"),
	}, nil
}
