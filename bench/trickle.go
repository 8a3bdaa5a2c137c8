package main

import (
	"context"
	"fmt"
	"time"
)

const trickleEvery = 50 * time.Millisecond

// trickle sends a message every 50 ms, to floor and worker alternately.
func trickle(ctx context.Context, o options) ([]row, error) {
	took := make(map[string][]float64) // ms
	requests, messages := 0, 0
	for range 2 {
		for _, binary := range []string{"", o.poller} {
			took1, asked, err := trickled(ctx, o, binary)
			if err != nil {
				return nil, err
			}
			took[binary] = append(took[binary], took1...)
			if binary != "" {
				requests += asked
				messages += len(took1)
			}
			progress("  %d messages, p50 %.2f ms, p99 %.2f ms, %.2f requests per message", len(took1),
				median(took1), quantile(took1, 0.99), float64(asked)/float64(len(took1)))
		}
	}
	worker, floor := quantile(took[o.poller], 0.99), quantile(took[""], 0.99)
	late := below("a message every 50 ms: send to arrival, p99 ÷ floor", worker/floor, 1.3, "%.2f")
	late.measured += fmt.Sprintf(" (%.2f ms, %.2f)", worker, floor)
	return []row{late, below("SQS requests per message there", float64(requests)/float64(messages), 1.2, "%.2f")}, nil
}

func trickled(ctx context.Context, o options, binary string) (took []float64, requests int, err error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, 0, err
	}
	defer s.close()
	var w *worker
	if binary == "" {
		w, err = s.floor(ctx, "/trickle", 64)
	} else {
		w, err = s.poller(ctx, binary, "/trickle", 64)
	}
	if err != nil {
		return nil, 0, err
	}
	defer w.abandon()
	if err := pause(ctx, time.Second); err != nil {
		return nil, 0, err
	}
	if _, err := s.asked(ctx); err != nil {
		return nil, 0, err
	}
	n := int(o.trickle / trickleEvery)
	tick := time.NewTicker(trickleEvery)
	defer tick.Stop()
	for range n {
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-tick.C:
		}
		if err := s.send(ctx, 0, 1, func(int) string { return body{Sent: time.Now().UnixNano()}.String() }); err != nil {
			return nil, 0, err
		}
	}
	if _, err := s.delivered(ctx, n); err != nil {
		return nil, 0, err
	}
	asked, err := s.asked(ctx)
	if err != nil {
		return nil, 0, err
	}
	var log arrivals
	if err := s.target.ask(ctx, "/bench/log", &log); err != nil {
		return nil, 0, err
	}
	for _, t := range log.Took {
		took = append(took, float64(t)/1e6)
	}
	return took, asked.total(), nil
}
