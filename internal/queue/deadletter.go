package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	// rejectedAttribute says, on the dead-letter queue, why a message is there and which
	// message it was.
	rejectedAttribute = "PollerRejected"
	// maxAttributes is SQS's limit per message.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
	maxAttributes = 10
)

// OpenDeadLetter opens the queue's dead-letter queue, for use by DeadLetter. a are the
// source queue's attributes.
func (q *Queue) OpenDeadLetter(ctx context.Context, a Attributes) error {
	if a.DeadLetterQueueARN == "" {
		return errors.New("--on-rejected: dead-letter needs a dead-letter queue, but queue " + q.name +
			" has none: set its RedrivePolicy, or use retry or discard")
	}
	q.dead.follow(a.DeadLetterQueueARN)
	if _, err := q.openDead(ctx); err != nil {
		return fmt.Errorf("--on-rejected: the dead-letter queue of %s: %w", q.name, err)
	}
	return nil
}

// deadLetterQueue is where rejected messages go: the queue that the redrive policy
// currently names.
type deadLetterQueue struct {
	mu     sync.Mutex // guards what follows
	arn    string     // of the queue that the policy names
	queue  *Queue     // the queue that was opened last, or nil
	opened string     // its ARN
}

// follow switches to the queue that the redrive policy names. If the policy is gone, the
// last queue stays: the messages have to go somewhere.
func (d *deadLetterQueue) follow(arn string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if arn != "" {
		d.arn = arn
	}
}

// openDead returns the dead-letter queue, opening it if it has changed.
func (q *Queue) openDead(ctx context.Context) (*Queue, error) {
	d := &q.dead
	d.mu.Lock()
	arn, opened, dead := d.arn, d.opened, d.queue
	d.mu.Unlock()
	if arn == opened && dead != nil {
		return dead, nil
	}
	dead, err := q.client.OpenNamed(ctx, arn) // without the mutex: this waits for SQS
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue, d.opened = dead, arn
	return dead, nil
}

// LookDead returns how many messages there are in the dead-letter queue. Look must have
// found one.
func (q *Queue) LookDead(ctx context.Context) (message.Depth, error) {
	dead, err := q.openDead(ctx)
	if err != nil {
		return message.Depth{}, err
	}
	found, err := dead.attributes(ctx, depths...)
	if err != nil {
		return message.Depth{}, err
	}
	return depthOf(found), nil
}

// DeadLetter sends messages to the dead-letter queue with the same body, attributes and
// group, and the MessageId as deduplication id. An additional attribute has the reason,
// the MessageId and the time sent; it is left out if it does not fit. DeadLetter returns
// nil if all were sent, else one error per letter.
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

// notSent returns one error per letter when the dead-letter queue cannot be opened.
func notSent(n int, queue string, err error) []error {
	if message.FaultOf(err) == message.NoFault { // an invalid reference
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
	if l.DeduplicationID != "" { // from a FIFO queue
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
