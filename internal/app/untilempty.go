package app

import (
	"context"
	"time"

	"poller/internal/admin"
	"poller/internal/consumer"
	"poller/internal/message"
)

// lookEvery is how often a drain looks whether the queues are empty.
const lookEvery = 250 * time.Millisecond

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
	// Left is how many messages SQS said were left when the time ran out; -1: it did
	// not say.
	Left int
}

// RunUntilEmpty is Run that stops by itself: when every queue has brought nothing for
// a while, holds nothing in hand, and says that it is empty; or when the time is over.
func (a *App) RunUntilEmpty(drain, now context.Context, e Emptying) (Emptied, error) {
	inner, stop := context.WithCancel(drain)
	defer stop()
	watched := make(chan Emptied, 1)
	go func() {
		defer stop()
		watched <- a.watchUntilEmpty(inner, e)
	}()
	summary, err := a.run(inner, now)
	stop()
	result := <-watched
	result.Summary = summary
	return result, err
}

// watchUntilEmpty returns when the queues are empty, the time is over, or ctx is done.
func (a *App) watchUntilEmpty(ctx context.Context, e Emptying) Emptied {
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
			return Emptied{Left: a.left(context.WithoutCancel(ctx))}
		case <-over:
			left := a.left(ctx)
			return Emptied{Empty: left == 0, Left: left}
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
			return Emptied{Empty: true}
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
		d, err := q.Depth(ctx)
		if err != nil {
			if message.FaultOf(err) == message.Refused { // as everywhere: not known, and no reason to go on for ever
				continue
			}
			return -1
		}
		sum += d.Visible + d.InFlight + d.Delayed
	}
	return sum
}
