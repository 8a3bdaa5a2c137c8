package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"poller/internal/message"
)

const (
	// rejectedAttribute tells, on the dead-letter queue, why a message is there, and
	// which it was.
	rejectedAttribute = "PollerRejected"
	// maxAttributes is how many SQS lets a message have.
	maxAttributes = 10
)

// OpenDeadLetter opens the queue's dead-letter queue, for DeadLetter. a are the
// queue's own attributes.
func (q *Queue) OpenDeadLetter(ctx context.Context, a Attributes) error {
	if a.DeadLetterQueueARN == "" {
		return errors.New("--on-rejected: dead-letter needs a dead-letter queue, and the queue " + q.name +
			" has none: set its RedrivePolicy, or write retry or discard")
	}
	dead, err := q.client.Open(ctx, a.DeadLetterQueueARN)
	if err != nil {
		return fmt.Errorf("--on-rejected: the dead-letter queue of %s: %w", q.name, err)
	}
	q.dead = dead
	return nil
}

// DeadLetter sends messages to the dead-letter queue: body, attributes and group as
// they were, the MessageId as the deduplication id, and in one attribute more the
// reason, the MessageId and when it was sent. That one is left out where it does not
// fit. It returns nil when all are sent, else one error for each.
func (q *Queue) DeadLetter(ctx context.Context, letters []message.Letter) []error {
	drafts := make([]Draft, len(letters))
	for i := range letters {
		drafts[i] = deadDraft(&letters[i])
	}
	return q.dead.Send(ctx, drafts)
}

func deadDraft(l *message.Letter) Draft {
	d := Draft{Body: l.Body, GroupID: l.GroupID, Attributes: l.Attributes}
	if l.DeduplicationID != "" { // a FIFO queue's
		d.DeduplicationID = l.ID
	}
	if len(l.Attributes) >= maxAttributes {
		return d
	}
	why := message.Attribute{DataType: "String", StringValue: fmt.Sprintf("status=%d reason=%s message_id=%s sent_at=%s",
		l.Status, l.Reason, l.ID, l.SentAt.UTC().Format(time.RFC3339Nano))}
	attributes := maps.Clone(l.Attributes)
	if attributes == nil {
		attributes = make(map[string]message.Attribute, 1)
	}
	attributes[rejectedAttribute] = why
	with := d
	with.Attributes = attributes
	if with.size() > maxBatchBytes {
		return d
	}
	return with
}
