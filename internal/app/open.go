package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/target"
)

// defaultVisibility is SQS's default, for a queue whose attributes may not be read.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
const defaultVisibility = 30 * time.Second

// OpenQueue opens a queue exactly as the daemon does when it starts, and fails for the
// same reasons. unread is why the attributes may not be read, if the daemon can work
// without them. If the queue was reached, it is returned even with an error.
func OpenQueue(ctx context.Context, client *queue.Client, c config.Queue, t config.Target) (
	q *queue.Queue, a queue.Attributes, unread, err error,
) {
	if q, err = client.Open(ctx, c.Queue); err != nil {
		return nil, a, nil, err
	}
	deadLetter := policies[t.OnRejected] == consumer.DeadLetter
	a, err = q.Attributes(ctx)
	switch {
	case queue.IsDenied(err) && deadLetter:
		return q, a, err, fmt.Errorf("--on-rejected: dead-letter must read the redrive policy of %s: "+
			"allow sqs:GetQueueAttributes, or use retry or discard: %w", q.Name(), err)
	case queue.IsDenied(err) && target.NeedsARN(t.Format):
		return q, a, err, fmt.Errorf("--format: %s sends the ARN of %s: allow sqs:GetQueueAttributes: %w", t.Format, q.Name(), err)
	case queue.IsDenied(err):
		return q, unknownAttributes(q.Name()), err, nil
	case err != nil:
		return q, a, err, err
	case c.VisibilityTimeout == 0 && a.VisibilityTimeout < time.Second:
		return q, a, nil, fmt.Errorf("--visibility-timeout: queue %s has a visibility timeout of 0, so every message would be "+
			"received again immediately: set one, such as 60s", q.Name())
	case deadLetter:
		err = q.OpenDeadLetter(ctx, a)
	}
	return q, a, nil, err
}

// unknownAttributes returns defaults for attributes that may not be read. A queue is FIFO
// exactly if its name ends in .fifo.
func unknownAttributes(name string) queue.Attributes {
	return queue.Attributes{
		QueueAttributes: message.QueueAttributes{VisibilityTimeout: defaultVisibility},
		FIFO:            strings.HasSuffix(name, ".fifo"),
	}
}

// TryTarget sets up a target exactly as the daemon does and discards it. It fails for the
// same reasons.
func TryTarget(name string, t config.Target) error {
	made, err := newTarget(name, t, Options{}, "poller", nil)
	if err != nil {
		return err
	}
	made.Close()
	return nil
}

// TryToken fetches a token as the daemon does, and returns when it ends; the zero time means
// never. The token is discarded.
func TryToken(ctx context.Context, name string, t config.Target) (time.Time, error) {
	made, err := newTarget(name, t, Options{}, "poller", nil)
	if err != nil {
		return time.Time{}, err
	}
	defer made.Close()
	return made.TryToken(ctx)
}
