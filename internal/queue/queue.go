package queue

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// callTimeout bounds calls that SQS answers immediately.
const callTimeout = 10 * time.Second

// MaxBatch is how many entries SQS accepts in one call.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-batch-api-actions.html
const MaxBatch = 10

// Queue is an SQS queue. It is safe for concurrent use.
type Queue struct {
	client *Client
	name   string
	url    string
	tally  *tally
	dead   deadLetterQueue
}

// Name returns the queue's name, without account and region.
func (q *Queue) Name() string { return q.name }

// URL returns the queue URL used in requests.
func (q *Queue) URL() string { return q.url }

// ClockOffset returns SQS's clock minus ours, the median over the last responses, or 0
// if it is at most 2 s.
func (q *Queue) ClockOffset() time.Duration { return q.client.clock.now() }

// call makes one call with the timeout limit, and classifies its error. payload is the
// request's payload.
func call[Out any](
	ctx context.Context, q *Queue, a action, limit time.Duration, payload int, do func(context.Context) (Out, error),
) (Out, time.Duration, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	out, err := do(limited)
	took := time.Since(start)
	if err != nil {
		e := q.client.failed(ctx, a, q.name, err, limit)
		q.tally.count(a, e.Fault, payload)
		if a != receive && e.Fault != message.Network {
			q.tally.lasted(a, took)
		}
		return out, took, e
	}
	if a != receive { // counted once its response shows the payload and whether it waited
		q.tally.count(a, message.NoFault, payload)
		q.tally.lasted(a, took)
	}
	return out, took, nil
}
