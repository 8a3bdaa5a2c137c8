package queue

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"poller/internal/message"
)

// callTimeout is how long a call may take that SQS answers at once.
const callTimeout = 10 * time.Second

// MaxBatch is how many entries SQS takes in one call.
const MaxBatch = 10

// Queue is one SQS queue. It is safe for concurrent use.
type Queue struct {
	client *Client
	name   string
	url    string
	tally  *tally
	dead   deadLetterQueue
}

// Name is the queue's, without account and region.
func (q *Queue) Name() string { return q.name }

// URL is the one that requests name the queue by.
func (q *Queue) URL() string { return q.url }

// ClockOffset is SQS's clock less ours, by the median of the last answers; 0 while
// it is not over 2 s.
func (q *Queue) ClockOffset() time.Duration { return q.client.clock.now() }

// call makes one call, which may take limit, and sorts its error. The payload of
// an answer is told by billed, which may be nil; a request's is payload.
func call[In, Out any](
	ctx context.Context, q *Queue, a action, limit time.Duration, in *In, payload int,
	do func(context.Context, *In, ...func(*sqs.Options)) (*Out, error),
) (*Out, time.Duration, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	out, err := do(limited, in)
	took := time.Since(start)
	if err != nil {
		e := q.client.failed(ctx, a, q.name, err, limit)
		q.tally.count(a, e.Fault, payload)
		if a != receive && e.Fault != message.Network {
			q.tally.took[a].Observe(took.Seconds())
		}
		return nil, took, e
	}
	if a != receive { // its answer tells the payload, and whether it has waited
		q.tally.count(a, message.NoFault, payload)
		q.tally.took[a].Observe(took.Seconds())
	}
	return out, took, nil
}
