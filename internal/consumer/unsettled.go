package consumer

import "time"

// The rule "undeleted": while slots * batch + 100 messages wait for SQS to confirm that they
// are deleted or released, nothing new is received, and nothing is started but the
// probe of a closed gate.
//
// Without it a worker that may not delete delivers the whole queue and keeps it all:
// each of those messages is delivered again after a crash.
const spareUnsettled = 100

// tooManyUnsettled reports whether the rule holds messages back.
func (h *hand) tooManyUnsettled() bool {
	n := h.count[deleting]
	if !h.drain.begun { // at a stop, releases may have to wait for receives to end
		n += h.count[releasing]
	}
	return n >= spareUnsettled && n >= spareUnsettled+h.slots()*h.options.Batch
}

// What was delivered and cannot be deleted is hidden by one call for so long, not by
// one at each half of its visibility. On a FIFO queue it blocks its group for that
// long after a crash, so it is less there.
const (
	undeletedVisibility     = time.Hour
	undeletedVisibilityFIFO = 10 * time.Minute
)

// patience is what an extension of l asks for at least, because l has to wait for SQS;
// 0: it need not.
func (h *hand) patience(l *life) time.Duration {
	switch {
	case h.drain.begun:
		return 0
	case l.state == waiting && h.tooManyUnsettled():
		return heldVisibility
	case l.state != deleting || h.sqs.trouble[deleteCall].failures+h.sqs.trouble[letterCall].failures == 0:
		return 0
	case h.options.FIFO:
		return undeletedVisibilityFIFO
	default:
		return undeletedVisibility
	}
}
