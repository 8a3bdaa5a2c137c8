package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

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
	most   int        // bytes that it takes in a message; 0 if unknown
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
	d.queue, d.opened, d.most = dead, arn, 0
	return dead, nil
}

// takes returns how many bytes the dead-letter queue takes in a message. It asks SQS once;
// if the attribute may not be read, SQS's own limit counts.
func (q *Queue) takes(ctx context.Context, dead *Queue) int {
	d := &q.dead
	d.mu.Lock()
	most := d.most
	d.mu.Unlock()
	if most > 0 {
		return most
	}
	most = maxBatchBytes
	found, err := dead.attributes(ctx, types.QueueAttributeNameMaximumMessageSize)
	if n := number(found["MaximumMessageSize"]); err == nil && n > 0 {
		most = n
	}
	if err == nil || IsDenied(err) {
		q.takesNow(dead, most)
	}
	return most
}

// takesNow records how many bytes dead takes, if it is still the dead-letter queue.
func (q *Queue) takesNow(dead *Queue, most int) {
	q.dead.mu.Lock()
	defer q.dead.mu.Unlock()
	if q.dead.queue == dead {
		q.dead.most = most
	}
}

// LookDead returns how many messages there are in the dead-letter queue. Look must have
// found one.
func (q *Queue) LookDead(ctx context.Context) (message.Depth, error) {
	dead, err := q.openDead(ctx)
	if err != nil {
		return message.Depth{}, err
	}
	found, err := dead.attributes(ctx, append(slices.Clip(depths), types.QueueAttributeNameMaximumMessageSize)...)
	if err != nil {
		return message.Depth{}, err
	}
	if most := number(found["MaximumMessageSize"]); most > 0 { // it may have been changed
		q.takesNow(dead, most)
	}
	return depthOf(found), nil
}

// DeadLetter sends messages to the dead-letter queue with the same body, attributes and
// group, and the MessageId as deduplication id. An additional attribute has the reason,
// the MessageId and the time sent; it is left out if it does not fit into what the queue
// takes, and a message that does not fit without it is not sent. DeadLetter returns nil if
// all were sent, else one error per letter.
func (q *Queue) DeadLetter(ctx context.Context, letters []message.Letter) []error {
	dead, err := q.openDead(ctx)
	if err != nil {
		return notSent(len(letters), q.name, err)
	}
	most := q.takes(ctx, dead)
	errs := make([]error, len(letters))
	drafts := make([]Draft, len(letters))
	var fitting []int
	for i := range letters {
		if drafts[i] = deadDraft(&letters[i], most); drafts[i].size() > most {
			errs[i] = dead.tooLong(drafts[i].size(), most)
			continue
		}
		fitting = append(fitting, i)
	}
	dead.sendThese(ctx, drafts, fitting, errs)
	var again []int // those that the queue may take without the reason, if it takes less than is known
	for _, i := range fitting {
		if plain := plainDraft(&letters[i]); message.FaultOf(errs[i]) == message.Invalid && len(plain.Attributes) < len(drafts[i].Attributes) {
			drafts[i] = plain
			again = append(again, i)
		}
	}
	dead.sendThese(ctx, drafts, again, errs)
	if !slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
		return nil
	}
	return errs
}

// sendThese sends some of the drafts and records what became of them.
func (q *Queue) sendThese(ctx context.Context, drafts []Draft, these []int, errs []error) {
	if len(these) == 0 {
		return
	}
	chosen := make([]Draft, len(these))
	for j, i := range these {
		chosen[j] = drafts[i]
	}
	failed := q.Send(ctx, chosen)
	for j, i := range these {
		errs[i] = nil
		if failed != nil {
			errs[i] = failed[j]
		}
	}
}

func (q *Queue) tooLong(size, most int) error {
	return &message.SQSError{
		Action: sendBatch.String(), Queue: q.name, Fault: message.Invalid,
		Err: fmt.Errorf("the message has %d bytes, and the queue takes %d: raise its MaximumMessageSize", size, most),
	}
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

// plainDraft returns the letter without the reason.
func plainDraft(l *message.Letter) Draft {
	d := Draft{Body: l.Body, GroupID: l.GroupID, Attributes: l.Attributes}
	if l.DeduplicationID != "" { // from a FIFO queue
		d.DeduplicationID = l.ID
	}
	return d
}

// deadDraft returns the letter with the reason, if that fits into so many bytes.
func deadDraft(l *message.Letter, most int) Draft {
	d := plainDraft(l)
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
	if with.size() > most {
		return d
	}
	return with
}
