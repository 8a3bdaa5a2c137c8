package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// held runs a worker with 1,000 messages of 4 KB in hand, all being delivered.
func held(ctx context.Context, o options) ([]row, error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	text := strings.Repeat("x", 4000)
	if err := s.fill(ctx, 1000, func(int) string { return text }); err != nil {
		return nil, err
	}
	w, err := s.poller(ctx, o.poller, "/sleep/10s", 1000)
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	if _, err := s.delivered(ctx, 1000); err != nil {
		return nil, err
	}
	used, err := w.end()
	if err != nil {
		return nil, err
	}
	return []row{below("1,000 in hand of 4 KB each: peak memory, MiB", used.peak, 64, "%.1f")}, nil
}

// mixed makes one message in fifty take three seconds; the others must not wait.
func mixed(ctx context.Context, o options) ([]row, error) {
	const messages, every, slots = 500, 50, 10
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	err = s.fill(ctx, messages, func(i int) string { return body{Slow: i%every == every-1}.String() })
	if err != nil {
		return nil, err
	}
	w, err := s.poller(ctx, o.poller, "/mixed", slots)
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	a, err := s.delivered(ctx, messages)
	if err != nil {
		return nil, err
	}
	ideal := (messages/every*slow + (messages-messages/every)*quick) / slots
	took := a.Last.Sub(a.First)
	r := below("500 of 5 ms, 1 in 50 of 3 s, 10 at once: time ÷ ideal", took.Seconds()/ideal.Seconds(), 1.22, "%.2f")
	r.measured += fmt.Sprintf(" (%.2f s, %.2f)", took.Seconds(), ideal.Seconds())
	return []row{r}, nil
}

// firstReceive measures how long a worker takes to its first receive.
func firstReceive(ctx context.Context, o options) ([]row, error) {
	var took []float64
	for range 9 {
		s, err := newStage(ctx, o)
		if err != nil {
			return nil, err
		}
		ms, err := s.firstReceive(ctx)
		s.close()
		if err != nil {
			return nil, err
		}
		took = append(took, ms)
	}
	return []row{below("start to first receive, ms", median(took), 100, "%.0f")}, nil
}

func (s *stage) firstReceive(ctx context.Context) (float64, error) {
	w, err := s.poller(ctx, s.options.poller, "/", 10)
	if err != nil {
		return 0, err
	}
	defer w.abandon()
	var first time.Time
	err = until(ctx, 10*time.Second, func() (bool, error) {
		asked, err := s.asked(ctx)
		first = asked.FirstReceive
		return !first.IsZero(), err
	})
	return float64(first.Sub(w.started).Microseconds()) / 1000, err
}
