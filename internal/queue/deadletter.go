package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
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
	q.dead.follow(a.DeadLetterQueueARN)
	if _, err := q.openDead(ctx); err != nil {
		return fmt.Errorf("--on-rejected: the dead-letter queue of %s: %w", q.name, err)
	}
	return nil
}

// deadLetterQueue is where rejected messages go: the one that the redrive policy names
// now.
type deadLetterQueue struct {
	mu     sync.Mutex // guards what follows
	arn    string     // of the one that is named
	queue  *Queue     // the one that was opened; nil: none yet
	opened string     // its ARN
}

// follow takes over what the redrive policy names. Where there is no policy any more,
// the last one named stays the one: the messages have to go somewhere.
func (d *deadLetterQueue) follow(arn string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if arn != "" {
		d.arn = arn
	}
}

// openDead is the dead-letter queue, opened when it has become another one.
func (q *Queue) openDead(ctx context.Context) (*Queue, error) {
	d := &q.dead
	d.mu.Lock()
	arn, opened, dead := d.arn, d.opened, d.queue
	d.mu.Unlock()
	if arn == opened && dead != nil {
		return dead, nil
	}
	dead, err := q.client.OpenNamed(ctx, arn) // not under the mutex: it waits for SQS
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue, d.opened = dead, arn
	return dead, nil
}

// DeadLetter sends messages to the dead-letter queue: body, attributes and group as
// they were, the MessageId as the deduplication id, and in one attribute more the
// reason, the MessageId and when it was sent. That one is left out where it does not
// fit. It returns nil when all are sent, else one error for each.
func (q *Queue) DeadLetter(ctx context.Context, letters []message.Letter) []error {
	dead, err := q.openDead(ctx)
	if err != nil {
		return notSent(len(letters), q.name, err)
	}
	drafts := make([]Draft, len(letters))
	for i := range letters {
		drafts[i] = deadDraft(&letters[i])
	}
	return dead.Send(ctx, drafts)
}

// notSent is the error of each letter when the dead-letter queue could not be opened.
func notSent(n int, queue string, err error) []error {
	if message.FaultOf(err) == message.NoFault { // a reference that cannot be meant
		err = &message.SQSError{Action: getURL.String(), Queue: queue, Fault: message.Refused, Err: err}
	}
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
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
