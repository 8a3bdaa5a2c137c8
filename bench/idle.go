package main

import (
	"context"
	"fmt"
	"time"
)

// depthQuestions is how often per hour an idle queue's depth is queried, a few minutes
// after startup: too rarely to be observed here.
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
	progress("  %v", asked.Actions)
	polls := asked.Actions["ReceiveMessage"]
	hour := float64(polls)*float64(time.Hour)/float64(o.idle) + depthQuestions
	requests := below("SQS requests per hour, idle queue", hour, 182, "%.0f")
	requests.measured += fmt.Sprintf(" (%d long polls in %s, and %d for the depth)", polls, o.idle, depthQuestions)
	return []row{requests, below("memory of an idle worker, MiB", memory, 22, "%.1f")}, nil
}
