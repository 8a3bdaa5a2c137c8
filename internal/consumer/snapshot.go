package consumer

import (
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Snapshot is what is known at one moment, for the status page and the metrics.
type Snapshot struct {
	Draining bool
	// DrainingSince is when the stop began.
	DrainingSince time.Time
	// Lag is the age of the oldest message; ClockOffset is SQS's clock less ours.
	Lag         Lag
	ClockOffset time.Duration
	// Depth is the estimate for now, from SQS's answer at DepthAt; zero time: there was no
	// answer yet.
	Depth   message.Depth
	DepthAt time.Time
	// LastMessage is when a receive last brought something; before the first, when the
	// consumer was started.
	LastMessage time.Time
	// Blocked is why nothing is received though messages are visible
	// (in_flight_limit, groups, unsettled); empty: it is not blocked.
	Blocked     string
	DeadLetters DeadLetters
	// Drain is the estimated time to empty.
	Drain Drain

	// InHand, Receives, Settled and Extensions are by their label's values.
	InHand     map[string]int
	Receives   map[string]int64
	Settled    map[string]int64
	Extensions map[string]int64
	Deliveries []Deliveries

	Received, Duplicates, LedgerHits int64
	// Requests is how many deliveries to the target there were, of one message or more.
	Requests           int64
	LedgerSize, Parked int
	// ReceivesEndWithin is how long the receives that are out may last.
	ReceivesEndWithin time.Duration
	// StartedPerSecond and DeliveredPerSecond are over the last ten seconds.
	StartedPerSecond, DeliveredPerSecond float64
	// MeanDelivery is the mean time of a delivered delivery; 0 before the first.
	MeanDelivery time.Duration
	// Hanging is how many deliveries have run for ten times the mean and hangingFor, and
	// LongestDelivery for how long the longest has run.
	Hanging         int
	LongestDelivery time.Duration
	// ReceiveTime is the median time of receives that found a batch; 0 before the first.
	ReceiveTime time.Duration

	// Problem says what SQS does not do; nil while it does all of it.
	Problem *Problem
	// Failures are the last ones, the newest first.
	Failures []Failure
	// Causes are what they had in common, since the start.
	Causes []Cause

	// Durations are those of delivered deliveries, FailedDeliveries how many were not.
	Durations        Durations
	FailedDeliveries int64
	Waits            Waits
	Batches          Batches
}

// Batches are the requests that may carry several messages.
type Batches struct {
	// Most is how many messages one carries at most; 1 is no batches.
	Most int
	// Sizes are the last ones', the oldest first.
	Sizes []int
	// Dissolved is how many failed as a whole, so that their messages are tried alone.
	Dissolved int64
}

// Deliveries counts those that came to one outcome in one way: Status is the
// answer's class, or the reason why there was none.
type Deliveries struct {
	Outcome message.Outcome
	Status  string
	Answer  message.Answer
	Count   int64
}

// Failure is one delivery, or one SQS call, that failed. It has no bodies and no handles.
type Failure struct {
	At time.Time
	// MessageID, ReceiveCount, Outcome and Status are empty for an SQS call.
	MessageID    string
	ReceiveCount int
	Outcome      string
	Status       int
	Reason       string
	Detail       string
}

// Snapshot is what is known at now.
func (c *Consumer) Snapshot(now time.Time) Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Snapshot{
		Draining:           c.drain.begun,
		DrainingSince:      c.drain.since,
		Lag:                c.view.lagNow(now),
		ClockOffset:        c.options.Source.ClockOffset(),
		Depth:              c.view.depthNow(now),
		DepthAt:            c.view.backlog.at,
		LastMessage:        c.view.depth.last,
		Blocked:            c.view.depth.blocked.String(),
		Drain:              c.view.outlook(now),
		ReceiveTime:        c.demand.trips.median(),
		DeadLetters:        c.dead.snapshot(c.attributes.DeadLetterQueueARN),
		InHand:             counts[int](states, func(i uint8) (string, int) { return state(i).String(), c.hand.count[i] }),
		Receives:           counts[int64](receiveResults, func(i uint8) (string, int64) { return receiveResult(i).String(), c.stats.receives[i] }),
		Settled:            counts[int64](dones, func(i uint8) (string, int64) { return settled(i).String(), c.stats.settled[i] }),
		Extensions:         counts[int64](extensionResults, func(i uint8) (string, int64) { return extensionResult(i).String(), c.stats.extensions[i] }),
		Received:           c.stats.received,
		Duplicates:         c.stats.duplicates,
		Requests:           c.requests,
		LedgerHits:         c.stats.ledgerHits,
		LedgerSize:         c.hand.ledger.size(),
		Parked:             c.demand.parked(now),
		ReceivesEndWithin:  c.demand.endWithin(now),
		StartedPerSecond:   c.stats.started.mean(now),
		DeliveredPerSecond: c.stats.arrived.mean(now),
		Problem:            c.view.problem(now),
		Failures:           c.recent.newestFirst(),
		Causes:             slices.Clone(c.recent.causes),
		Durations:          slices.Clone(c.stats.durations),
		FailedDeliveries:   c.stats.failedDeliveries(),
		Waits:              c.stats.waits,
		Batches:            Batches{Most: c.options.Batch, Sizes: slices.Clone(c.stats.batches.sizes), Dissolved: c.stats.batches.dissolved},
		MeanDelivery:       time.Duration(c.demand.delivery.value * float64(time.Second)),
	}
	s.Hanging, s.LongestDelivery = c.hand.hanging(now)
	if c.view.depth.withheld() { // SQS's own count shows it
		s.Depth = c.view.depth.depth
	}
	for key, n := range c.stats.deliveries {
		s.Deliveries = append(s.Deliveries, Deliveries{Outcome: key.outcome, Status: key.status, Answer: key.answer, Count: n})
	}
	return s
}

// hangingFor is how long a delivery must have run to count as hanging.
const hangingFor = 5 * time.Second

// hanging returns how many deliveries have run for far longer than they usually take, and
// for how long the longest of all has run.
func (h *hand) hanging(now time.Time) (n int, longest time.Duration) {
	usual := time.Duration(h.demand.delivery.value * float64(time.Second))
	for l := h.first; l != nil; l = l.next {
		if l.state != delivering {
			continue
		}
		runs := now.Sub(l.since)
		longest = max(longest, runs)
		if runs >= max(10*usual, hangingFor) {
			n++
		}
	}
	return n, longest
}

func counts[N int | int64, K ~uint8](n K, one func(uint8) (string, N)) map[string]N {
	all := make(map[string]N, n)
	for i := range uint8(n) {
		name, count := one(i)
		all[name] = count
	}
	return all
}

// stuckAfter is how long the loop, or a call that should have ended, may stand
// still before the process counts as unhealthy.
const stuckAfter = time.Minute

// Stuck says what has not turned for a minute; nil while all is well. A parked
// poll and a backoff count as turning: whatever the target and SQS do, it is no
// reason to kill the process.
func (c *Consumer) Stuck(now time.Time) []Problem {
	// Not under the mutex: if that is what is stuck, this has to say so.
	if turned := c.born.Add(time.Duration(c.turned.Load())); now.Sub(turned) > stuckAfter {
		return []Problem{{What: "the loop of queue " + c.options.Queue + " has not turned", Since: turned}}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.demand.polls {
		if now.Sub(p.sent) > p.wait+callTimeout+stuckAfter {
			return []Problem{{What: "a receive from queue " + c.options.Queue + " has not returned", Since: p.sent}}
		}
	}
	return nil
}
