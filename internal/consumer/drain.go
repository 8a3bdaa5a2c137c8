package consumer

import (
	"log/slog"
	"time"
)

// maxReported is how many abandoned messages are named in the log.
const maxReported = 100

// beginDrain stops receiving and gives back what has not started.
func (c *Consumer) beginDrain(now time.Time) {
	if c.draining {
		return
	}
	c.draining, c.stopped = true, now
	c.deadline = now.Add(c.options.DrainTimeout)
	c.sqs.permit(now) // for the last time to settle what was delivered
	c.depth.again(now)
	c.releaseWaiting(now)
	c.log.Info("draining", slog.Int("delivering", c.hand.count[delivering]),
		slog.Int("deleting", c.hand.count[deleting]), slog.Int("releasing", c.hand.count[releasing]),
		slog.Int("receives_out", len(c.demand.polls)), slog.Duration("receives_end_within", c.pollsEndWithin(now)),
		slog.Duration("drain_timeout", c.options.DrainTimeout))
}

// releaseWaiting gives back what has not started.
func (c *Consumer) releaseWaiting(now time.Time) {
	for l := c.hand.first; l != nil; l = l.next {
		if l.state == waiting {
			c.releaseUntried(now, l)
		}
	}
	c.waiting = nil
}

// releaseUntried gives one back that has not started.
func (c *Consumer) releaseUntried(now time.Time, l *life) {
	l.outcome, l.delay = doneUntried, 0
	c.release(now, l)
}

// release has l given back as its outcome and delay say, and on a FIFO queue, at
// once, what waits behind it in its group: delivered now, that would overtake it.
func (c *Consumer) release(now time.Time, l *life) {
	behind := l.group.behind(l)
	c.giveBack(now, l)
	c.releaseAll(now, behind)
}

// releaseAll gives back what waits behind something that is out of its way.
func (c *Consumer) releaseAll(now time.Time, behind []*life) {
	for _, l := range behind {
		l.outcome, l.delay = doneUntried, 0
		c.giveBack(now, l)
	}
}

// giveBack has one released as its outcome and delay say.
func (c *Consumer) giveBack(now time.Time, l *life) {
	c.holding.drop(l)
	c.gate.Leave(&l.try)
	c.hand.move(l, releasing, now)
	c.releases.add(l)
}

// comesBack says that l, released now, may come right back by one of our own receives that
// are out at a stop, and then by the next: each would cost it a receive, up to its
// maxReceiveCount. It has come again already, so its release waits until they have ended;
// who comes for the first time goes back at once, as another replica may be waiting for it.
func (c *Consumer) comesBack(now time.Time, l *life) bool {
	return c.draining && !c.over && len(c.demand.polls) > 0 && l.state == releasing && l.message.ReceiveCount > 1 &&
		time.Duration(l.delay)*time.Second <= c.pollsEndWithin(now)
}

// enoughLeft says that a delivery that starts now would end before the drain does.
func (c *Consumer) enoughLeft(now time.Time) bool {
	return c.deadline.Sub(now) >= c.options.Timeout
}

// pollsEndWithin is how long the receives that are out may last: they are never
// cancelled, since what SQS has handed out to one would stay invisible.
func (c *Consumer) pollsEndWithin(now time.Time) time.Duration {
	var longest time.Duration
	for _, p := range c.demand.polls {
		left := p.sent.Add(c.options.pollWait()).Sub(now)
		longest = max(longest, left.Round(time.Second/10))
	}
	return longest
}

// endDrain cuts what still runs: it is given back.
func (c *Consumer) endDrain(now time.Time) {
	if c.over {
		return
	}
	c.over = true
	c.releaseWaiting(now)
	c.releaseHeld(now)
	for _, l := range c.letters.pending { // they could not be sent in time
		l.outcome, l.delay = doneUntried, 0
		c.giveBack(now, l)
	}
	c.letters.pending = nil
	for l := c.hand.first; l != nil; l = l.next {
		if l.cut != nil {
			l.cut(errDrained)
		}
	}
	if n := c.hand.count[delivering]; n > 0 {
		c.log.Warn("the drain timeout is over: deliveries are cut off and given back (--drain-timeout)", slog.Int("delivering", n))
	}
}

// done says that a drain is complete.
func (c *Consumer) done() bool {
	return c.draining && c.hand.size() == 0 && len(c.demand.polls) == 0 && c.running == 0 &&
		c.deletes.out+c.releases.out+c.letters.out+c.extension.out == 0
}

// abandonRest reports what is in hand when everything has ended.
func (c *Consumer) abandonRest() {
	n := 0
	for l := c.hand.first; l != nil; l = l.next {
		c.stats.settled[doneAbandoned]++
		c.stats.stranded++
		if l.state == deleting {
			c.stats.undeleted++
		}
		if n++; n <= maxReported {
			c.log.Warn("message abandoned: it comes back when its visibility ends", slog.String("message_id", l.message.ID),
				slog.Int("receive_count", l.message.ReceiveCount), slog.String("state", l.state.String()))
		}
	}
	if n > maxReported {
		c.log.Warn("more messages abandoned", slog.Int("messages", n-maxReported))
	}
}
