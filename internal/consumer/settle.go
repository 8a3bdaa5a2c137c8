package consumer

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	maxDeleteLinger = 5 * time.Second
	releaseLinger   = 100 * time.Millisecond
	maxSettlePause  = 5 * time.Second
	callTimeout     = 10 * time.Second
)

type callKind uint8

const (
	deleteCall callKind = iota
	releaseCall
	letterCall
	extendCall
	lookCall
	deadCall // the depth of the dead-letter queue
	receiveCall

	callKinds
)

// call is one batch under way to SQS, or the request for the queue's attributes.
type call struct {
	kind    callKind
	sent    time.Time
	lives   []*life
	handles []string // of the lives, when the call went out
	seconds []int    // of visibility, for releases and extensions
	// visibility is the queue's, according to which extensions were asked for.
	visibility time.Duration
}

// flush sends what is due: full batches, those whose oldest has waited for the
// linger, and at a stop everything.
func (c *Consumer) flush(now time.Time, b *batcher) {
	for len(b.pending) > 0 && b.out < maxCalls && !now.Before(b.trouble.until) {
		if b.trouble.failures > 0 && b.out > 0 {
			return // one at a time finds out whether SQS works again
		}
		if len(b.pending) < maxBatch && !c.drain.begun && now.Before(b.due()) {
			// What a group of a FIFO queue waits for does not linger: two calls may be out,
			// and what comes meanwhile is the next batch.
			if b.out >= 2 || !slices.ContainsFunc(b.pending, func(l *life) bool { return l.urgent }) {
				return
			}
		}
		batch := c.hand.take(now, b)
		if len(batch) == 0 {
			return
		}
		c.call(b.kind, batch)
	}
}

// call sends a batch.
func (c *Consumer) call(kind callKind, lives []*life) {
	do := &call{kind: kind, lives: lives, handles: make([]string, len(lives))}
	for i, l := range lives {
		if kind != letterCall { // that has no handle, so the message can be extended meanwhile
			l.out, l.renewed = true, false
		}
		do.handles[i] = l.message.ReceiptHandle
	}
	now := time.Now()
	switch kind {
	case deleteCall, letterCall:
		c.hand.batcher(kind).out++
	case releaseCall:
		c.hand.releases.out++
		do.seconds = make([]int, len(lives))
		for i, l := range lives {
			do.seconds[i] = c.hand.releaseSeconds(now, l)
		}
	case extendCall:
		c.extension.out++
		do.seconds, do.visibility = make([]int, len(lives)), c.attributes.visibility()
		for i, l := range lives {
			do.seconds[i] = c.hand.wantedSeconds(now, l, do.visibility)
		}
	}
	c.calling++
	c.calls.hire(do)
}

// perform makes one call and takes in what came of it.
func (c *Consumer) perform(ctx context.Context, m *member[*call], do *call) {
	do.sent = time.Now()
	errs, attributes, err := c.ask(ctx, do)

	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	c.calling--
	for _, l := range do.lives {
		l.out = l.out && do.kind == letterCall
	}
	switch do.kind {
	case lookCall:
		c.looked(now, attributes, err)
	case deadCall:
		c.lookedDead(now, attributes.Depth, err)
	case extendCall:
		c.extension.out--
		for i, l := range do.lives {
			if c.hand.has(l) {
				c.extended(now, do.sent, l, do, i, entry(errs, i))
			}
		}
		c.extensionTrouble(now, do.sent, errs)
	default:
		c.settledBatch(now, do, errs)
	}
	c.calls.rest(now, m)
	c.turn(now)
}

func (c *Consumer) ask(ctx context.Context, do *call) ([]error, message.QueueAttributes, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	switch do.kind {
	case lookCall:
		attributes, err := c.options.Source.Look(ctx)
		return nil, attributes, err
	case deadCall:
		depth, err := c.options.Source.LookDead(ctx)
		return nil, message.QueueAttributes{Depth: depth}, err
	case deleteCall:
		return c.options.Source.Delete(ctx, do.handles), message.QueueAttributes{}, nil
	case letterCall:
		letters := make([]message.Letter, len(do.lives))
		for i, l := range do.lives {
			letters[i] = letterOf(l)
		}
		return c.options.Source.DeadLetter(ctx, letters), message.QueueAttributes{}, nil
	default:
		changes := make([]message.VisibilityChange, len(do.handles))
		for i, handle := range do.handles {
			changes[i] = message.VisibilityChange{ReceiptHandle: handle, Seconds: do.seconds[i]}
		}
		return c.options.Source.ChangeVisibility(ctx, changes), message.QueueAttributes{}, nil
	}
}

func entry(errs []error, i int) error {
	if errs == nil {
		return nil
	}
	return errs[i]
}

// settledBatch takes in what came of a batch of deletes or releases.
func (c *Consumer) settledBatch(now time.Time, do *call, errs []error) {
	b := c.hand.batcher(do.kind)
	b.out--
	var again []*life
	var trouble error
	worked := false
	for i, l := range do.lives {
		if !c.hand.has(l) {
			continue
		}
		err := entry(errs, i)
		switch fault := message.FaultOf(err); {
		case err == nil && !l.renewed && do.kind != letterCall:
			worked = true
			c.hand.settle(now, l)
		case do.kind == letterCall && (err == nil || fault == message.Invalid):
			c.hand.letterSent(now, l, err)
		case l.renewed:
			again = append(again, l) // the call carried a handle that was no longer the newest
		case do.kind != letterCall && (fault == message.Lost || fault == message.Invalid):
			c.hand.lose(now, l, "SQS no longer takes its receipt handle")
		default:
			trouble = err
			again = append(again, l)
			if l.state == deleting {
				c.extension.next = earlier(c.extension.next, l.extendAt)
			} else {
				c.extension.next = earlier(c.extension.next, l.deadline)
			}
		}
	}
	b.again(again)
	c.batchTrouble(now, do, b, trouble, worked)
}

// batchTrouble has the next batch wait after a failure. Where only some entries failed
// SQS is well, and the others need not wait long for these.
func (c *Consumer) batchTrouble(now time.Time, do *call, b *batcher, err error, worked bool) {
	if err == nil || worked {
		c.worked(now, do.kind)
	}
	switch {
	case err == nil:
	case worked:
		b.trouble.until = now.Add(firstPause)
		if more, ok := c.notices.say(now, callsInWords[do.kind]+" in part", false); ok {
			c.log.Warn("calls to SQS fail in part", slog.String("calls", callsInWords[do.kind]),
				slog.String("reason", message.FaultOf(err).String()), slog.Any("error", err), slog.Int("failures", more))
		}
	default:
		t := c.sqs.failed(now, do.sent, do.kind, err, maxSettlePause)
		if c.drain.begun { // there may be no half minute left
			t.until = earlier(t.until, now.Add(maxSettlePause))
		}
	}
}

// worked notes that a kind of calls works. It also ends the trouble of kinds that nothing waits
// for any more: what SQS has taken back is not tried again, so no call of theirs would. What SQS
// refused stays, since a person has to act.
func (c *Consumer) worked(now time.Time, kind callKind) {
	if c.sqs.worked(now, kind) {
		c.view.depth.again(now)
	}
	for _, other := range []callKind{deleteCall, releaseCall, letterCall, extendCall} {
		if t := &c.sqs.trouble[other]; t.failures > 0 && t.fault != message.Refused && !c.waitsFor(now, other) {
			c.sqs.worked(now, other)
		}
	}
}

// waitsFor reports whether something in hand waits for a call.
func (c *Consumer) waitsFor(now time.Time, kind callKind) bool {
	switch kind {
	case releaseCall:
		return c.hand.count[releasing] > 0
	case extendCall:
		next := c.extension.next
		return c.extension.out > 0 || !next.IsZero() && !next.After(now.Add(extendAgain))
	default:
		return c.hand.count[deleting] > 0
	}
}
