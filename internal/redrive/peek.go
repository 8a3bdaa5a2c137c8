package redrive

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// emptyAfter is how many empty receives show that nothing is visible.
const emptyAfter = 2

// Peek returns up to most messages of a queue. They are visible again when it returns, one
// receive older; hidden is how many are not, for want of an answer of SQS, for two minutes
// at most. stop ends the receives, kill the calls.
func Peek(stop, kill context.Context, from source, most int) (found []*message.Message, hidden int, err error) {
	kept := newHidden(from)
	for empty := 0; empty < emptyAfter && len(found) < most && stop.Err() == nil; {
		asked := time.Now()
		var batch []*message.Message
		if batch, err = receive(kill, from, min(most-len(found), queue.MaxBatch)); err != nil {
			break
		}
		empty++
		for _, m := range batch {
			if kept.add(m, asked) {
				found = append(found, m)
				empty = 0
			}
		}
		kept.extend(kill)
	}
	return found, kept.release(kill), err
}
