package app

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
)

const (
	// lookEvery is how often a drain checks whether the queues are empty.
	lookEvery = 250 * time.Millisecond
	// lastLook bounds the final query of what is left: less than the time that platforms
	// grant beyond a drain.
	lastLook = 3 * time.Second
)

// Emptying configures RunUntilEmpty.
type Emptying struct {
	// Idle is how long a queue must have returned nothing before SQS is asked whether it
	// is empty. It must be positive.
	Idle time.Duration
	// Longest bounds the run even if messages are left; 0 means no bound.
	Longest time.Duration
	// Progress, if set, is called about once a second.
	Progress func(admin.Status)
}

// Emptied is how RunUntilEmpty ended.
type Emptied struct {
	consumer.Summary
	// Empty reports whether every queue was empty according to SQS: nothing visible, in
	// flight or delayed.
	Empty bool
	// Left is how many messages were left according to SQS if the time ran out, after
	// everything in hand was settled; -1 if unknown.
	Left int
}

// RunUntilEmpty is like Run but stops by itself: when every queue has returned nothing
// for a while, has nothing in hand and is empty according to SQS, or when the time is up.
func (a *App) RunUntilEmpty(drainCtx, killCtx context.Context, e Emptying) (Emptied, error) {
	inner, stop := context.WithCancel(drainCtx)
	defer stop()
	watched := make(chan bool, 1)
	go func() {
		defer stop()
		watched <- a.watchUntilEmpty(inner, e)
	}()
	var result Emptied
	summary, err := a.run(inner, killCtx, func() {
		stop()
		if result.Empty = <-watched; !result.Empty {
			// Not earlier: what was in hand when the time ran out may have been delivered.
			asking, cancel := context.WithTimeout(killCtx, lastLook)
			defer cancel()
			result.Left = a.left(asking)
			result.Empty = result.Left == 0
		}
	})
	result.Summary = summary
	return result, err
}

// watchUntilEmpty reports whether the queues became empty before the time was up or ctx
// was done.
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

// quietFor reports whether every queue has been reached, has nothing in hand, and has
// returned nothing for that long.
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

// left returns how many messages there are according to SQS, or -1 if unknown.
func (a *App) left(ctx context.Context) int {
	sum := 0
	for _, r := range a.queues {
		q := r.opened()
		if q == nil {
			return -1
		}
		now, err := q.Look(ctx)
		if err != nil {
			if message.FaultOf(err) == message.Refused { // unknown, and no reason to run forever
				continue
			}
			return -1
		}
		sum += now.Depth.Visible + now.Depth.InFlight + now.Depth.Delayed
	}
	return sum
}
