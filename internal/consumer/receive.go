package consumer

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// Results of a receive, for the metrics.
type receiveResult uint8

const (
	full receiveResult = iota
	partial
	empty
	failed

	receiveResults
)

func (r receiveResult) String() string {
	return [receiveResults]string{"full", "partial", "empty", "error"}[r]
}

const (
	maxPollWait     = 20 * time.Second // SQS's longest
	drainMargin     = 5 * time.Second
	maxReceivePause = 20 * time.Second
	refusedPause    = 30 * time.Second
	// followedWait is for receives that a release behind a failed message may have to wait for.
	followedWait = 5 * time.Second
)

// pollWait is the WaitTimeSeconds of every receive: a poll is never canceled, so
// it must end in time for a drain to deal with what it brings.
func (o *Options) pollWait() time.Duration {
	longest := maxPollWait
	if o.MaxWait > 0 {
		longest = min(max(o.MaxWait.Truncate(time.Second), time.Second), maxPollWait)
	}
	return min(max((o.DrainTimeout-drainMargin).Truncate(time.Second), time.Second), longest)
}

// sendReceives sends out the receives that the demand rule asks for.
func (c *Consumer) sendReceives(now time.Time) {
	c.reportHand(now)
	t := &c.sqs.trouble[receiveCall]
	if c.drain.begun || c.hand.tooManyUnsettled() || now.Before(t.until) || t.failures > 0 && len(c.demand.polls) > 0 {
		return
	}
	for {
		quantity := c.wanted(now)
		if quantity == 0 {
			return
		}
		try := c.attempts.next(now, quantity, c.attributes.visibility())
		p := c.demand.send(now, try.asked)
		p.attempt, p.wait = try, c.waitFor(try.asked)
		p.promise = c.options.Memory.promise(p.asked * c.demand.each())
		c.polls.hire(p)
		c.gate.Received()
		c.reportHand(now)
		if t.failures > 0 {
			return // one at a time finds out whether SQS works again
		}
	}
}

// waitFor is the WaitTimeSeconds of a receive for so many messages. It is short while SQS
// fails, to learn soon that it works again though the queue is empty; and while messages
// follow others of their groups: if one of those is at fault, its group stands still until the
// receives that ask for several are back (spare.go).
func (c *Consumer) waitFor(asked int) time.Duration {
	switch longest := c.options.pollWait(); {
	case c.sqs.trouble[receiveCall].failures > 0:
		return time.Second
	case asked > 1 && c.hand.followers > 0:
		return min(longest, followedWait)
	default:
		return longest
	}
}

// wanted returns for how many messages the next receive asks, according to the demand rule
// and within the gate's limit; 0: do not receive now. A paused target is not probed either.
func (c *Consumer) wanted(now time.Time) int {
	if c.paused() {
		return 0
	}
	limit := c.gate.Receive(now, c.pace.Most())
	if limit.NoRoom && c.hand.makeRoom(now) {
		c.reportHand(now)
		limit = c.gate.Receive(now, c.pace.Most())
	}
	if limit.Most == 0 {
		return 0
	}
	limit.Most = min(limit.Most, c.soon(now))
	if limit.Alone {
		return limit.Most
	}
	if c.hand.spared.any(now) {
		limit.Most = min(limit.Most, 1)
	}
	return min(limit.Most, c.demand.next(now, c.supply(now, limit)))
}

// soon returns for how many messages a receive may ask because of the quotas: for no more
// than can start within the time that a batch may wait, besides what is in hand untried or
// may come by the receives that are out. Where nothing can, it is as if the rate were 0:
// what is in hand is extended, and nothing loses a receive, however long a quota is used
// up. (Held messages do not count: they take turns with those that come, and may need them
// to be proven at fault.)
func (c *Consumer) soon(now time.Time) int {
	c.soonAt = time.Time{}
	n, next := c.pace.Soon(now, c.demand.longestWait())
	if n == math.MaxInt {
		return n
	}
	n *= c.options.Batch
	n -= c.hand.count[waiting] - c.hand.followers
	for _, p := range c.demand.polls {
		n -= p.asked
	}
	if n > 0 {
		return n
	}
	c.soonAt = next
	return 0
}

// reportHand tells the gate what it has to know of what is in hand.
func (c *Consumer) reportHand(now time.Time) {
	c.hand.countDue(now)
	c.gate.Report(gate.Hand{
		Untried:     c.hand.count[waiting] - c.hand.followers,
		Ready:       c.hand.holding.due,
		Soon:        c.hand.holding.soon,
		Polls:       len(c.demand.polls),
		Parked:      c.demand.parked(now),
		LastReceive: c.demand.lastTurn,
		Asks:        c.pace.Asks(),
		Receives:    !c.drain.begun && !now.Before(c.sqs.trouble[receiveCall].until) && !c.hand.tooManyUnsettled(),
		Full:        c.hand.size()+len(c.demand.polls) > 0 && !c.options.Memory.fits(c.demand.each()),
	})
}

// receive makes one poll and takes in what it brings.
func (c *Consumer) receive(ctx context.Context, m *member[*poll], p *poll) {
	sent := time.Now()
	ctx, cancel := context.WithTimeout(ctx, p.wait+callTimeout)
	defer cancel()
	messages, err := c.options.Source.ReceiveWithin(ctx, p.asked, p.wait, p.attempt.visibility, p.attempt.id, p.promise.admit)

	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	switch {
	case err == nil:
		c.arrived(now, sent, p, messages)
	case errors.Is(err, context.Canceled) && c.ended:
		c.demand.forget(now, p)
	default:
		c.stats.receives[failed]++
		c.attempts.failed(p, err)
		c.demand.failed(now, p)
		c.sqs.failed(now, sent.Add(p.wait), receiveCall, err, maxReceivePause)
	}
	p.promise.end()
	c.polls.rest(now, m)
	c.turn(now)
}

func (c *Consumer) arrived(now, sent time.Time, p *poll, messages []*message.Message) {
	result := partial
	switch len(messages) {
	case 0:
		result = empty
	case p.asked:
		result = full
	}
	c.stats.receives[result]++
	c.demand.returned(now, p, len(messages))
	c.worked(now, receiveCall)
	c.view.clock.say(now)
	prompt := now.Add(-min(now.Sub(sent), c.demand.parkedAfter()))
	for _, m := range messages {
		c.takeIn(now, handedOut(m, prompt, p.attempt.visibility), p, m)
	}
	if len(messages) > 0 {
		// One message that came to a parked poll is no burst, though it is all that was asked for.
		if result == full && (p.asked > 1 || now.Sub(sent) < c.demand.parkedAfter()) && c.view.backlog.contradicted(now) {
			c.view.depth.burst(now)
		}
		c.view.depth.active(now, len(messages))
		return
	}
	c.view.depth.empty(now, p.wait.Seconds()/c.options.pollWait().Seconds())
	if !c.options.FIFO && c.view.depth.depth.InFlight < inFlightLimit || c.hand.size() == 0 && c.view.depth.depth.Visible == 0 {
		c.view.backlog.emptied(now)
	}
}

// takeIn puts one received message in hand, or notes that it is there already.
func (c *Consumer) takeIn(now, handedOut time.Time, p *poll, m *message.Message) {
	c.stats.received++
	c.view.backlog.take()
	c.hist.of(receiveCounts).Observe(float64(m.ReceiveCount))
	size := m.Size()
	if c.options.Copied != nil {
		size += c.options.Copied(m)
	}
	c.demand.received(size)
	size += perMessage
	key := keyOf(m.ID)
	l, ok := c.hand.byKey[key]
	if ok && m.ReceiveCount < l.message.ReceiveCount && p.sent.Before(l.came) {
		c.stats.duplicates++
		return // with an answer that was late: what came before it is newer
	}
	if ok && l.released(now) {
		// SQS has carried out its release, though its answer is not here. To release it
		// once more would cost it one more receive.
		c.hand.settle(now, l)
		ok = false
	}
	if ok {
		c.stats.duplicates++
		l.message.ReceiptHandle = m.ReceiptHandle
		l.message.ReceiveCount = max(l.message.ReceiveCount, m.ReceiveCount)
		l.owned, l.came = handedOut, now
		l.grant(handedOut, p.attempt.visibility)
		l.renewed, l.lost = l.out, false
		c.extension.later(l)
		return
	}
	l = &life{message: m, size: size, key: key, owned: handedOut, came: now, since: now}
	l.grant(handedOut, p.attempt.visibility)
	if c.options.FIFO {
		l.group = c.hand.groups.of(m.GroupID)
		l.group.strict = c.options.FIFOStrict
	}
	switch {
	case c.hand.ledger.has(key):
		c.stats.ledgerHits++
		l.state = deleting
		c.hand.add(l)
		c.hand.dropBody(l)
		c.hand.deletes.add(l)
	case c.drain.begun && !c.drain.leaves(now, c.options.Timeout), l.group.releasesBefore(m):
		l.state = releasing
		l.outcome = doneUntried
		c.hand.add(l)
		c.hand.releases.add(l)
	default:
		c.view.lag.note(now, c.view.clock.age(now, m))
		c.attributes.watchRetention(now, l.message, c.view.clock.age(now, l.message))
		if l.group != nil && m.ReceiveCount > 1 && c.attributes.MaxReceiveCount > 0 {
			c.hand.spared.add(now, key) // another replica may have had to release it
		}
		c.hand.add(l)
		c.gate.Enter(&l.try, m.ID)
		c.hand.queueUp(l)
	}
	c.extension.later(l)
}
