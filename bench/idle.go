package main

import (
	"context"
	"fmt"
	"time"
)

// depthQuestions is how often an hour the depth of an idle queue is asked: too
// rarely to be seen here. The engine's tests measure it in virtual time.
const depthQuestions = 1

// idle watches a worker on an empty queue.
func idle(ctx context.Context, o options) ([]row, error) {
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	w, err := s.poller(ctx, o.poller, "/", 10)
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	if err := pause(ctx, 5*time.Second); err != nil { // it has begun
		return nil, err
	}
	if _, err := s.asked(ctx); err != nil {
		return nil, err
	}
	if err := pause(ctx, o.idle); err != nil {
		return nil, err
	}
	asked, err := s.asked(ctx)
	if err != nil {
		return nil, err
	}
	memory := w.memory("VmRSS")
	hour := float64(asked.total())*float64(time.Hour)/float64(o.idle) + depthQuestions
	requests := below("SQS requests an hour, idle queue", hour, 182, "%.0f")
	requests.measured += fmt.Sprintf(" (%d in %s, and %d for the depth)", asked.total(), o.idle, depthQuestions)
	return []row{requests, below("memory of an idle worker, MiB", memory, 22, "%.1f")}, nil
}
