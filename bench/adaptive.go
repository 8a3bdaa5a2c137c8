package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// adaptive runs a worker that finds that its target accepts 8 at once. The steady state
// begins after 10 s.
func adaptive(ctx context.Context, o options) ([]row, error) {
	const (
		messages, takes = 4000, 8
		finding         = 10 * time.Second
	)
	s, dead, wasted, err := crowd(ctx, o, messages, takes, 100*time.Millisecond, "--adaptive")
	if err != nil {
		return nil, err
	}
	if len(s.Tries) == 0 {
		return nil, errors.New("nothing was delivered")
	}
	// The last second is left out: there is not enough left to fill the slots.
	from := s.Tries[0].At.Add(finding)
	to := s.Tries[len(s.Tries)-1].At.Add(-time.Second)
	steady := func(a try) bool { return a.At.After(from) && a.At.Before(to) }
	good := s.count(func(a try) bool { return steady(a) && a.Status == http.StatusOK })
	refused := s.count(func(a try) bool { return steady(a) && a.Status == http.StatusTooManyRequests })
	early := s.count(func(a try) bool { return !a.At.After(from) && a.Status == http.StatusTooManyRequests })
	share := below("--adaptive, 8 at once: refused in the steady state (%)", 100*float64(refused)/float64(max(1, good+refused)), 1, "%.2f")
	share.measured += fmt.Sprintf(" (%d before it)", early)
	return []row{
		above("--adaptive, 8 at once: delivered per second, of 80", float64(good)/to.Sub(from).Seconds(), 76, "%.1f"),
		share,
		below("--adaptive: in the dead-letter queue", float64(dead), 0, "%.0f"),
		below("--adaptive: receives wasted", float64(wasted), 0, "%.0f"),
	}, nil
}
