package consumer

import (
	"log/slog"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// hand owns every message from its receive to its end. Each end stands in a file of its
// name, and calls nothing of the Consumer:
//
//	delete.go      delivered: deleted, and remembered until that is certain
//	reject.go      rejected by the target: released, sent to the dead-letter queue or deleted
//	release.go     released for another try, or untried at a stop
//	lose.go        lost to another receiver, or abandoned at the end
//
// A message that fails is held first (hold.go). An end becomes final when SQS has confirmed
// it: settle takes the message out of hand.
type hand struct {
	lives
	untried []*life // wait for their start, in the sequence of their receives; skipped once they no longer wait
	holding holding
	ledger  ledger
	spared  spared

	// What waits to be sent to SQS.
	deletes, releases, letters batcher

	options *Options
	batches batchTarget // nil: each request carries one message
	log     *slog.Logger
	notices *notices
	stats   *stats
	gate    *gate.Seat
	pace    *ratelimit.Share

	// The Consumer's, which are only read here.
	drain      *drain
	demand     *demand
	attributes *attributes
	sqs        *sqsCalls

	// What it tells of what it settles.
	backlog *backlog
	speed   *speed
	dead    *deadWatch
}

// newHand is an empty hand of c, which has its pace and its gate still to join.
func newHand(c *Consumer, batches batchTarget) hand {
	return hand{
		lives:    newLives(c.options.Memory),
		ledger:   newLedger(),
		deletes:  newBatcher(deleteCall, maxDeleteLinger, &c.sqs.trouble[deleteCall]),
		releases: newBatcher(releaseCall, releaseLinger, &c.sqs.trouble[releaseCall]),
		letters:  newBatcher(letterCall, releaseLinger, &c.sqs.trouble[letterCall]),

		options: &c.options, batches: batches, log: c.log, notices: c.notices, stats: &c.stats,
		drain: &c.drain, demand: &c.demand, attributes: &c.attributes, sqs: &c.sqs,
		backlog: &c.view.backlog, speed: &c.view.speed, dead: &c.dead,
	}
}

// slots is how many deliveries may run simultaneously.
func (h *hand) slots() int { return h.pace.Limits().Concurrency }

// batcher is the one for a kind of calls.
func (h *hand) batcher(kind callKind) *batcher {
	switch kind {
	case releaseCall:
		return &h.releases
	case letterCall:
		return &h.letters
	default:
		return &h.deletes
	}
}

// cut ends all deliveries that run.
func (h *hand) cut(cause error) {
	for l := h.first; l != nil; l = l.next {
		if l.cut != nil {
			l.cut(cause)
		}
	}
}
