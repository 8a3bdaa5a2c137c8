package app

import (
	"context"
	"time"

	"poller/internal/admin"
	"poller/internal/consumer"
	"poller/internal/message"
)

const (
	// lookEvery is how often a drain looks whether the queues are empty.
	lookEvery = 250 * time.Millisecond
	// lastLook is how long SQS may take to say what is left, at the end: less than what
	// platforms grant over a drain.
	lastLook = 3 * time.Second
)

// Emptying says how long RunUntilEmpty goes on.
type Emptying struct {
	// Idle is how long a queue must have brought nothing before SQS is asked whether
	// it is empty. Over 0.
	Idle time.Duration
	// Longest ends it even if messages are left; 0: never.
	Longest time.Duration
	// Progress is called about once a second, if it is set.
	Progress func(admin.Status)
}

// Emptied is how RunUntilEmpty ended.
type Emptied struct {
	consumer.Summary
	// Empty says that every queue was, by its own word: nothing visible, in flight or
	// delayed.
	Empty bool
	// Left is how many messages SQS says are left where the time ran out, when what was
	// in hand is settled; -1: it does not say.
	Left int
}

// RunUntilEmpty is Run that stops by itself: when every queue has brought nothing for
// a while, holds nothing in hand, and says that it is empty; or when the time is over.
func (a *App) RunUntilEmpty(drain, now context.Context, e Emptying) (Emptied, error) {
	inner, stop := context.WithCancel(drain)
	defer stop()
	watched := make(chan bool, 1)
	go func() {
		defer stop()
		watched <- a.watchUntilEmpty(inner, e)
	}()
	var result Emptied
	summary, err := a.run(inner, now, func() {
		stop()
		if result.Empty = <-watched; !result.Empty {
			// Only now: what was in hand when the time ran out may be delivered since.
			asking, cancel := context.WithTimeout(now, lastLook)
			defer cancel()
			result.Left = a.left(asking)
			result.Empty = result.Left == 0
		}
	})
	result.Summary = summary
	return result, err
}

// watchUntilEmpty says that the queues are empty, or returns when the time is over or
// ctx is done.
func (a *App) watchUntilEmpty(ctx context.Context, e Emptying) bool {
	var over <-chan time.Time
	if e.Longest > 0 {
		timer := time.NewTimer(e.Longest)
		defer timer.Stop()
		over = timer.C
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	asked := time.Now()
	for ticks := 0; ; ticks++ {
		select {
		case <-ctx.Done():
			return false
		case <-over:
			return false
		case <-look.C:
		}
		now := time.Now()
		if e.Progress != nil && ticks%4 == 0 {
			e.Progress(a.Status(now))
		}
		if !a.quietFor(now, e.Idle) || now.Sub(asked) < min(e.Idle, time.Second) {
			continue
		}
		if asked = now; a.left(ctx) == 0 {
			return true
		}
	}
}

// quietFor says that every queue was reached, has nothing in hand, and has brought
// nothing for that long.
func (a *App) quietFor(now time.Time, idle time.Duration) bool {
	for _, r := range a.queues {
		c, _ := r.state()
		if c == nil {
			return false
		}
		s := c.Snapshot(now)
		for _, n := range s.InHand {
			if n > 0 {
				return false
			}
		}
		if s.Problem != nil || now.Sub(s.LastMessage) < idle {
			return false
		}
	}
	return true
}

// left asks SQS how many messages there are; -1: it does not say.
func (a *App) left(ctx context.Context) int {
	sum := 0
	for _, r := range a.queues {
		q := r.opened()
		if q == nil {
			return -1
		}
		now, err := q.Look(ctx)
		if err != nil {
			if message.FaultOf(err) == message.Refused { // as everywhere: not known, and no reason to go on for ever
				continue
			}
			return -1
		}
		sum += now.Depth.Visible + now.Depth.InFlight + now.Depth.Delayed
	}
	return sum
}
