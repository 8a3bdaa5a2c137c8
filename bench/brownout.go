package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// crowd runs a worker with a concurrency of 50 against a target that accepts so many at
// once, for a time each, and answers 429 to more, until all messages are settled. wasted is
// how many receives there were beyond one a message.
func crowd(ctx context.Context, o options, messages, takes int, each time.Duration, flags ...string) (s sunk, dead, wasted int, err error) {
	t, err := newTrial(ctx, o, 5, sinkWays{Takes: each, Capacity: takes})
	if err != nil {
		return sunk{}, 0, 0, err
	}
	defer t.close()
	if err := t.fill(ctx, messages, func(int) string { return "{}" }); err != nil {
		return sunk{}, 0, 0, err
	}
	w, err := t.poller(ctx, o.poller, "/", 50, flags...)
	if err != nil {
		return sunk{}, 0, 0, err
	}
	defer w.abandon()
	s, dead, err = t.settled(ctx, messages, 0, 3*time.Minute)
	if err != nil {
		return sunk{}, 0, 0, err
	}
	received, err := t.received(ctx)
	return s, dead, len(received) - messages, err
}

// brownOut runs a worker that does not know that its target accepts 8 at once.
func brownOut(ctx context.Context, o options) ([]row, error) {
	const messages, takes = 1500, 8
	s, dead, wasted, err := crowd(ctx, o, messages, takes, 200*time.Millisecond, "--visibility-timeout", "5s")
	if err != nil {
		return nil, err
	}
	tooMuch := s.count(func(t try) bool { return t.First && t.Status == http.StatusTooManyRequests })
	delivered := above("brown-out, 1,500 messages: delivered", float64(len(s.delivered())), messages, "%.0f")
	if n := len(s.Tries); n > 0 {
		ideal := messages * 0.2 / takes / float64(max(o.batch, 1))
		delivered.measured += fmt.Sprintf(" (in %.1f s, ideal %.1f; %.1f 429s per message)",
			s.Tries[n-1].Answered.Sub(s.Tries[0].At).Seconds(), ideal, float64(tooMuch)/messages)
	}
	return []row{
		delivered,
		below("brown-out: in the dead-letter queue", float64(dead), 0, "%.0f"),
		below("brown-out: receives wasted", float64(wasted), 0, "%.0f"),
	}, nil
}
