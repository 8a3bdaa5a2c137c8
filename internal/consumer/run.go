package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

const (
	// heartbeat is the longest time between two turns of the loop; health looks at it.
	heartbeat = 15 * time.Second
	// grace is what a drain takes on top of its timeout to release what is left and
	// to flush the deletes, when SQS is slow.
	grace = 3 * time.Second
)

// errDrained cuts a delivery that outlasts the drain, errLost one whose message
// went to somebody else.
var (
	errDrained = errors.New("the drain timeout ended before the delivery did")
	errLost    = errors.New("SQS gave the message to another receiver")
)

// Summary is what came of everything that a run received.
type Summary struct {
	// Delivered were deleted after their delivery; Failed and Rejected were tried
	// and released with a delay; Released were released untried, at the stop.
	Delivered, Failed, Rejected, Released int64
	// DeadLettered were rejected and sent to the dead-letter queue, Discarded were
	// rejected and deleted.
	DeadLettered, Discarded int64
	// CutOff were released while their delivery was still running.
	CutOff int64
	// Abandoned were neither deleted nor released by us: they are visible again when
	// their visibility timeout ends, or went to another receiver. Of these,
	// Duplicates were delivered already: they will be delivered again.
	Abandoned, Duplicates int64
	// Stranded were abandoned at the stop: of all that were, these had not gone to
	// another receiver long before.
	Stranded int64
}

// Add is the sum of two runs.
func (s Summary) Add(other Summary) Summary {
	return Summary{
		Delivered: s.Delivered + other.Delivered,
		Failed:    s.Failed + other.Failed,
		Rejected:  s.Rejected + other.Rejected,
		Released:  s.Released + other.Released,
		CutOff:    s.CutOff + other.CutOff,

		DeadLettered: s.DeadLettered + other.DeadLettered,
		Discarded:    s.Discarded + other.Discarded,

		Abandoned:  s.Abandoned + other.Abandoned,
		Duplicates: s.Duplicates + other.Duplicates,
		Stranded:   s.Stranded + other.Stranded,
	}
}

// Run works until drainCtx is done and everything in hand is settled, or until killCtx
// is done. It returns when every goroutine of the consumer has ended.
func (c *Consumer) Run(drainCtx, killCtx context.Context) Summary {
	work, cut := context.WithCancelCause(context.WithoutCancel(killCtx))
	defer cut(nil)
	c.start(work)

	timer := time.NewTimer(0)
	defer timer.Stop()
	stop, abort := drainCtx.Done(), killCtx.Done()
	for {
		select {
		case <-timer.C:
		case <-c.awake:
		case <-stop:
			stop = nil
		case <-abort:
			abort = nil
		}
		now := time.Now()
		c.turned.Store(int64(now.Sub(c.born)))
		c.mu.Lock()
		// Looked at here and not in the cases: which of several cases wins is chance.
		if drainCtx.Err() != nil || killCtx.Err() != nil {
			c.beginDrain(now)
		}
		if killCtx.Err() != nil || c.drain.begun && now.After(c.drain.deadline.Add(grace)) {
			c.aborted = true
		}
		if c.aborted || c.done() {
			break
		}
		if c.drain.begun && !now.Before(c.drain.deadline) {
			c.endDrain(now)
		}
		c.advance(now)
		c.polls.shrink(now)
		c.deliveries.shrink(now)
		c.calls.shrink(now)
		c.armed = c.nextWake(now)
		timer.Reset(c.armed.Sub(now))
		c.mu.Unlock()
	}
	c.ended = true
	c.mu.Unlock()

	cut(errDrained)
	return c.dismiss()
}

// start makes the crews. Their calls end with work.
func (c *Consumer) start(work context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls = newCrew(func() worker[*poll] {
		return worker[*poll]{run: func(m *member[*poll], p *poll) { c.receive(work, m, p) }}
	})
	c.deliveries = newCrew(func() worker[*life] { return c.courier(work) })
	c.calls = newCrew(func() worker[*call] {
		return worker[*call]{run: func(m *member[*call], do *call) { c.perform(work, m, do) }}
	})
	c.view.depth.begin(time.Now())
}

// dismiss waits for the goroutines, whose calls have been cut, and counts.
func (c *Consumer) dismiss() Summary {
	for {
		c.mu.Lock()
		c.polls.dismiss()
		c.deliveries.dismiss()
		c.calls.dismiss()
		idle := len(c.demand.polls) == 0 && c.running == 0 && c.calling == 0
		c.mu.Unlock()
		if idle {
			break
		}
		<-c.awake
	}
	c.polls.wg.Wait()
	c.deliveries.wg.Wait()
	c.calls.wg.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	c.hand.abandonRest()
	return c.stats.summary()
}

// turn starts whatever the state allows now. Every event ends with it. It wakes
// the loop where something is due before the loop's own timer, and at a stop,
// where each event may be the last one that is waited for.
func (c *Consumer) turn(now time.Time) {
	if !c.ended {
		c.advance(now)
	}
	if c.ended || c.drain.begun || !c.armed.IsZero() && c.nextWake(now).Before(c.armed) {
		c.wake()
	}
}

// advance starts whatever the state allows now.
func (c *Consumer) advance(now time.Time) {
	c.hand.review(now)
	c.hand.releasesDue(now)
	c.gateLog.say(now, c.pace.Limits().Concurrency, c.paused())
	c.paceLog.say(now)
	c.startWaiting(now)
	c.sendReceives(now)
	if dry := c.isDry(); dry != c.dry {
		c.dry = dry
		c.pace.SetDry(dry)
	}
	c.flush(now, &c.hand.deletes)
	c.flush(now, &c.hand.releases)
	c.flush(now, &c.hand.letters)
	c.extend(now)
	c.look(now)
	c.sqs.say(now)
}

// isDry reports whether the queue has nothing to deliver, so that the target's other queues
// may have its part.
func (c *Consumer) isDry() bool {
	if c.drain.begun {
		return true
	}
	inHand := c.hand.count[waiting] + c.hand.count[delivering] + c.hand.count[held]
	return inHand == 0 && (c.demand.dry || c.sqs.trouble[receiveCall].failures > 0)
}

// wake has the loop turn.
func (c *Consumer) wake() {
	select {
	case c.awake <- struct{}{}:
	default:
	}
}

// nextWake returns the next time at which something is due though nothing happens.
// What was due before has been done, or waits for an event: it wakes nobody.
func (c *Consumer) nextWake(now time.Time) time.Time {
	at := now.Add(heartbeat)
	due := func(next time.Time) {
		if next.After(now) {
			at = earlier(at, next)
		}
	}
	if c.hand.count[waiting]+len(c.hand.holding.lives) > 0 && (c.blocked == ratelimit.Token || c.blocked == ratelimit.Allowance) {
		due(c.pace.Due())
	}
	due(c.gate.Wake(now))
	due(c.hand.gatherWake(now))
	if c.blocked != ratelimit.Slot {
		due(c.hand.holding.next)
	}
	if len(c.hand.holding.lives) >= 1 && !c.drain.begun {
		due(c.demand.lastTurn.Add(time.Second + 1))
	}
	due(c.demand.wake(now))
	if !c.drain.begun {
		due(c.sqs.trouble[receiveCall].until)
		due(c.soonAt)
	} else {
		due(c.drain.deadline)
		if c.hand.count[waiting] > 0 {
			due(c.drain.deadline.Add(1 - c.options.Timeout))
		}
		due(c.drain.deadline.Add(grace + 1))
	}
	due(c.hand.deletes.wake())
	due(c.hand.releases.wake())
	due(c.hand.letters.wake())
	due(c.extension.next)
	due(c.view.depth.next)
	if !c.dead.out {
		due(c.dead.next)
	}
	return at
}
