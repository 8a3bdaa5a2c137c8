package consumer

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	// ownership is how long SQS lets a message be in flight, whatever is asked for:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
	ownership = 12 * time.Hour
	// ownershipMargin: SQS would refuse what is asked for beyond it, since its clock
	// is not ours.
	ownershipMargin = time.Minute
	// lastCall: with less than that left, what waits is released while it still can be.
	lastCall = 5 * time.Minute
	// extendAgain is when an extension that failed is tried again.
	extendAgain = time.Second
	// maxCalls is how many batches of one kind may be out.
	maxCalls = 16
)

// extension is the state of the one scheduler that extends what is in hand.
type extension struct {
	next time.Time // when the next message is due; zero: nothing in hand
	out  int       // batches that are out
}

// later has l extended at half of the visibility that its receive came with. A message
// that comes again in hand has that one and no other, however long it was extended before.
func (e *extension) later(l *life) {
	l.extendAt = l.deadline.Add(-l.visibility / 2)
	e.next = earlier(e.next, l.extendAt)
}

// extend makes the extensions that are due, with those that are due within a
// tenth of the visibility, so that batches are full.
func (c *Consumer) extend(now time.Time) {
	e := &c.extension
	if e.next.IsZero() || now.Before(e.next) {
		return
	}
	within := now.Add(c.attributes.visibility() / 10)
	t := &c.sqs.trouble[extendCall]
	refused := t.fault == message.Refused // one call finds out whether it still is
	e.next = time.Time{}
	var batch []*life
	var next *life
	for l := c.hand.first; l != nil; l = next {
		next = l.next
		switch {
		case l.out:
			// It is looked at again when its call has returned.
		case l.state == releasing && !c.hand.releaseHasToWait(now, l):
			if !now.Before(l.deadline) {
				c.hand.outlasted(now, l)
			} else if c.sqs.trouble[releaseCall].failures > 0 {
				e.next = earlier(e.next, l.deadline)
			}
		case l.extendAt.IsZero():
		case l.extendAt.After(within):
			e.next = earlier(e.next, l.extendAt)
		case !now.Before(l.deadline):
			c.hand.expired(now, l)
		case l.owned.Add(ownership - lastCall).Before(now):
			c.hand.ownershipEnds(now, l)
		case e.out >= maxCalls, refused && e.out > 0:
			e.next = earlier(e.next, l.extendAt) // when a call returns
		case refused && now.Before(t.until):
			e.next = earlier(e.next, earlier(t.until, l.deadline))
		default:
			batch = append(batch, l)
			if len(batch) == maxBatch {
				c.call(extendCall, batch)
				batch = nil
			}
		}
	}
	if len(batch) > 0 {
		c.call(extendCall, batch)
	}
}

// extended takes in what came of one message's extension, the i-th of the call that
// was made at sent.
func (c *Consumer) extended(now, sent time.Time, l *life, do *call, i int, err error) {
	fault := message.FaultOf(err)
	asked := time.Duration(do.seconds[i]) * time.Second
	switch {
	case l.renewed:
		// The call carried an old handle; the newer one came with its own visibility.
	case err == nil:
		c.stats.extensions[extensionOK]++
		l.visibility, l.deadline = do.visibility, sent.Add(asked)
		l.extendAt = sent.Add(asked / 2)
		c.attributes.watchRetention(now, l.message, c.view.clock.age(now, l.message))
	case fault == message.Lost || fault == message.Invalid:
		c.stats.extensions[extensionLost]++
		c.hand.lose(now, l, "SQS no longer knows its receipt handle")
		return
	default:
		c.stats.extensions[extensionFailed]++
		l.extendAt = now.Add(extendAgain)
	}
	if l.state != releasing || c.hand.releaseHasToWait(now, l) {
		c.extension.next = earlier(c.extension.next, l.extendAt)
	}
}

// extensionTrouble notes what came of a whole call. One whose entries failed only in
// part is no trouble: those are tried again by themselves.
func (c *Consumer) extensionTrouble(now, sent time.Time, errs []error) {
	var err error
	for _, e := range errs {
		if fault := message.FaultOf(e); e == nil || fault == message.Lost || fault == message.Invalid {
			err = nil
			break
		}
		err = e
	}
	if err == nil {
		c.worked(now, extendCall)
		return
	}
	t := c.sqs.failed(now, sent, extendCall, err, extendAgain)
	if t.fault == message.Refused { // half a minute may be all that is left
		t.until = earlier(t.until, now.Add(maxSettlePause))
	}
}

// ownershipEnds deals with a message that has been in flight for nearly 12 h.
func (h *hand) ownershipEnds(now time.Time, l *life) {
	if l.state == waiting || l.state == held {
		h.releaseUntried(now, l)
		return
	}
	l.extendAt = time.Time{}
}

// wantedSeconds is what an extension asks for; never for less than is left: were its
// answer lost, nobody could know which of the two applies.
func (h *hand) wantedSeconds(now time.Time, l *life, visibility time.Duration) int {
	wanted := max(visibility, l.deadline.Sub(now))
	if l.state == held {
		wanted = max(wanted, heldVisibility)
	}
	wanted = max(wanted, h.patience(l))
	most := ownership - now.Sub(l.owned) - ownershipMargin
	return max(min(wholeSeconds(wanted), int(most/time.Second)), 1)
}
