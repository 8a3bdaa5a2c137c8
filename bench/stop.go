package main

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// stopped ends a worker by SIGTERM while ten deliveries of a second run and 300
// messages wait in the queue.
func stopped(ctx context.Context, o options) ([]row, error) {
	const messages, slots = 310, 10
	s, err := newStage(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if err := s.fill(ctx, messages, func(int) string { return "{}" }); err != nil {
		return nil, err
	}
	w, err := s.poller(ctx, o.poller, "/sleep/1s", slots)
	if err != nil {
		return nil, err
	}
	defer w.abandon()
	err = until(ctx, 10*time.Second, func() (bool, error) {
		a, err := s.seen(ctx)
		return a.Running == slots, err
	})
	if err != nil {
		return nil, err
	}
	used, err := w.end()
	if err != nil {
		return nil, err
	}
	a, err := s.seen(ctx)
	if err != nil {
		return nil, err
	}
	visible, inFlight, err := s.depth(ctx)
	if err != nil {
		return nil, err
	}
	undeleted := a.Different - (messages - visible - inFlight)
	exit := below("SIGTERM, 10 of 1 s running: exit, s", used.exit.Seconds(), 2, "%.2f")
	exit.reached = exit.reached && used.code == 0
	exit.measured += fmt.Sprintf(" (code %d)", used.code)
	// What is delivered and still in the queue is in flight as well, if SQS was not
	// told: it is counted once.
	return []row{
		exit,
		below("SIGTERM: cut off", float64(a.Cut), 0, "%.0f"),
		below("SIGTERM: delivered and not deleted", float64(undeleted), 0, "%.0f"),
		below("SIGTERM: stranded in flight", float64(inFlight), 0, "%.0f"),
	}, nil
}

// killed ends a worker by SIGKILL in the middle of its work and starts another,
// three times on queues of their own.
func killed(ctx context.Context, o options) ([]row, error) {
	lost, again := 0, 0
	for range 3 {
		l, a, err := kill(ctx, o)
		if err != nil {
			return nil, err
		}
		progress("  lost %d, delivered again %d", l, a)
		lost, again = max(lost, l), max(again, a)
	}
	return []row{
		below("SIGKILL: lost", float64(lost), 0, "%.0f"),
		below("SIGKILL: delivered again, the most of three", float64(again), 20, "%.0f"),
	}, nil
}

func kill(ctx context.Context, o options) (lost, again int, err error) {
	const messages, slots = 1000, 10
	s, err := newStage(ctx, o)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	if err := s.fill(ctx, messages, func(int) string { return "{}" }); err != nil {
		return 0, 0, err
	}
	poller := func() (*worker, error) {
		return s.poller(ctx, o.poller, "/sleep/20ms", slots, "--visibility-timeout", "5s")
	}
	w, err := poller()
	if err != nil {
		return 0, 0, err
	}
	defer w.abandon()
	err = until(ctx, 10*time.Second, func() (bool, error) {
		a, err := s.seen(ctx)
		return a.Different > messages/3, err
	})
	if err != nil {
		return 0, 0, err
	}
	if _, err := w.signal(syscall.SIGKILL); err != nil {
		return 0, 0, err
	}
	next, err := poller()
	if err != nil {
		return 0, 0, err
	}
	defer next.abandon()
	// Lost is what the queue no longer has and the target never got.
	var a arrivals
	err = until(ctx, time.Minute, func() (bool, error) {
		visible, inFlight, err := s.depth(ctx)
		if err != nil || visible+inFlight > 0 {
			return false, err
		}
		a, err = s.seen(ctx)
		return true, err
	})
	return messages - a.Different, a.Again, err
}
