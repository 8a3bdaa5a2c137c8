package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"poller/internal/config"
	"poller/internal/consumer"
	"poller/internal/message"
	"poller/internal/queue"
)

// defaultVisibility is SQS's own, for a queue whose attributes may not be read.
const defaultVisibility = 30 * time.Second

// OpenQueue opens a queue as the daemon does at its start: what it refuses, the daemon
// refuses. unread is why the attributes may not be read, where the daemon works
// without them. The queue is returned beside an error too, if it was reached.
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
		return q, a, err, fmt.Errorf("--on-rejected: dead-letter needs to know the dead-letter queue of %s: "+
			"allow sqs:GetQueueAttributes, or use retry or discard: %w", q.Name(), err)
	case queue.IsDenied(err):
		return q, unknownAttributes(q.Name()), err, nil
	case err != nil:
		return q, a, err, err
	case c.VisibilityTimeout == 0 && a.VisibilityTimeout < time.Second:
		return q, a, nil, fmt.Errorf("--visibility-timeout: queue %s has a visibility timeout of 0, so each message would be "+
			"received again immediately: set one, such as 60s", q.Name())
	case deadLetter:
		err = q.OpenDeadLetter(ctx, a)
	}
	return q, a, nil, err
}

// unknownAttributes are what is taken for those that may not be read. Every FIFO queue's
// name ends so, and no other's.
func unknownAttributes(name string) queue.Attributes {
	return queue.Attributes{
		QueueAttributes: message.QueueAttributes{VisibilityTimeout: defaultVisibility},
		FIFO:            strings.HasSuffix(name, ".fifo"),
	}
}

// TryTarget makes and drops what delivers to a target: what it refuses, the daemon
// refuses.
func TryTarget(name string, t config.Target) error {
	made, err := newTarget(name, t, Options{}, "poller")
	if err != nil {
		return err
	}
	made.Close()
	return nil
}
