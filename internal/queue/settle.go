package queue

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"poller/internal/message"
)

// ids are those of a batch's entries: the index, so that no two are the same.
var ids = [MaxBatch]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// errNotMentioned is that of an entry which the answer leaves out.
var errNotMentioned = errors.New("SQS's answer does not mention it: the same call may succeed if repeated")

// Delete deletes up to ten messages. It returns nil when all are deleted, else one
// error for each handle, nil for those that are.
func (q *Queue) Delete(ctx context.Context, handles []string) []error {
	if len(handles) == 0 {
		return nil
	}
	b := batch{queue: q, action: deleteBatch, n: len(handles)}
	if !b.fits() {
		return b.errs
	}
	entries := make([]types.DeleteMessageBatchRequestEntry, len(handles))
	for i := range handles {
		entries[i] = types.DeleteMessageBatchRequestEntry{Id: &ids[i], ReceiptHandle: &handles[i]}
	}
	out, _, err := call(ctx, q, deleteBatch, callTimeout,
		&sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries}, 0, q.client.sqs.DeleteMessageBatch)
	if err != nil {
		return b.all(err)
	}
	if len(out.Failed) == 0 && len(out.Successful) == len(handles) {
		return nil
	}
	b.begin()
	for i := range out.Successful {
		b.worked(out.Successful[i].Id)
	}
	for i := range out.Failed {
		b.failed(&out.Failed[i], func(n int) string { return handles[n] })
	}
	return b.result()
}

// ChangeVisibility extends or releases up to ten messages; it returns as Delete
// does. A change to 0 is sent as such.
func (q *Queue) ChangeVisibility(ctx context.Context, changes []message.VisibilityChange) []error {
	if len(changes) == 0 {
		return nil
	}
	b := batch{queue: q, action: changeBatch, n: len(changes)}
	if !b.fits() {
		return b.errs
	}
	entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(changes))
	for i := range changes {
		entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
			Id: &ids[i], ReceiptHandle: &changes[i].ReceiptHandle,
			VisibilityTimeout: int32(changes[i].Seconds), //nolint:gosec // SQS refuses what is out of its range
		}
	}
	out, _, err := call(ctx, q, changeBatch, callTimeout,
		&sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}, 0, q.client.sqs.ChangeMessageVisibilityBatch)
	if err != nil {
		return b.all(err)
	}
	if len(out.Failed) == 0 && len(out.Successful) == len(changes) {
		return nil
	}
	b.begin()
	for i := range out.Successful {
		b.worked(out.Successful[i].Id)
	}
	for i := range out.Failed {
		b.failed(&out.Failed[i], func(n int) string { return changes[n].ReceiptHandle })
	}
	return b.result()
}

// batch collects what came of a call's entries.
type batch struct {
	queue  *Queue
	action action
	n      int
	errs   []error
}

func (b *batch) fits() bool {
	if b.n <= MaxBatch {
		return true
	}
	b.all(&message.SQSError{
		Action: b.action.String(), Queue: b.queue.name, Fault: message.Invalid,
		Err: errors.New("more than ten entries in one call"),
	})
	return false
}

// all gives every entry the error of the whole call.
func (b *batch) all(err error) []error {
	b.errs = make([]error, b.n)
	for i := range b.errs {
		b.errs[i] = err
	}
	return b.errs
}

// begin takes every entry as not mentioned until it is.
func (b *batch) begin() {
	b.all(&message.SQSError{
		Action: b.action.String(), Queue: b.queue.name, Fault: message.Network, Err: errNotMentioned,
	})
}

// index is an entry's by its id; SQS sends back what it was sent.
func (b *batch) index(id *string) (int, bool) {
	if id == nil || len(*id) != 1 {
		return 0, false
	}
	i := int((*id)[0] - '0')
	return i, i < b.n
}

func (b *batch) worked(id *string) {
	if i, ok := b.index(id); ok {
		b.errs[i] = nil
	}
}

// failed sorts the error of one entry. SQS may quote what secret tells of it.
func (b *batch) failed(f *types.BatchResultErrorEntry, secret func(i int) string) {
	i, ok := b.index(f.Id)
	if !ok {
		return
	}
	e := &message.SQSError{Action: b.action.String(), Queue: b.queue.name, Code: text(f.Code)}
	status := http.StatusInternalServerError
	if f.SenderFault {
		status = http.StatusBadRequest
	}
	b.queue.client.say(e, b.action, judge(e.Code, text(f.Message), status), text(f.Message), status, secret(i))
	b.errs[i] = e
}

// result is nil if everything worked after all.
func (b *batch) result() []error {
	for _, err := range b.errs {
		if err != nil {
			return b.errs
		}
	}
	return nil
}
