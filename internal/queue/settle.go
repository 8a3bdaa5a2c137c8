package queue

import (
	"context"
	"errors"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// ids are the ids of a batch's entries: their index, so that they are unique.
var ids = [MaxBatch]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// errNotMentioned is the error of an entry that is missing from the response.
var errNotMentioned = errors.New("SQS's answer does not mention it: the same call may succeed if repeated")

// Delete deletes up to ten messages. It returns nil if all were deleted, else one error per
// handle, nil for those that were.
func (q *Queue) Delete(ctx context.Context, handles []string) []error {
	if len(handles) == 0 {
		return nil
	}
	b := batch{queue: q, action: deleteBatch, n: len(handles)}
	if !b.fits() {
		return b.errs
	}
	body := deleteBody(q.url, handles)
	out, _, err := call(ctx, q, deleteBatch, callTimeout, 0, func(ctx context.Context) (out deleted, err error) {
		_, err = q.client.wire.do(ctx, deleteBatch, body, func(answer *http.Response) error {
			out, err = q.client.wire.deletions(answer)
			return err
		})
		return out, err
	})
	if err != nil {
		return b.all(err)
	}
	if len(out.failed) == 0 && len(out.successful) == len(handles) {
		return nil
	}
	b.begin()
	for i := range out.successful {
		b.worked(&out.successful[i])
	}
	for i := range out.failed {
		b.failed(&out.failed[i], func(n int) string { return handles[n] })
	}
	return b.result()
}

// ChangeVisibility extends or releases up to ten messages. It returns errors like Delete. A
// change to 0 is sent as 0.
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
			VisibilityTimeout: int32(changes[i].Seconds), //nolint:gosec // SQS refuses values out of range
		}
	}
	in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url, Entries: entries}
	out, _, err := call(ctx, q, changeBatch, callTimeout, 0, func(ctx context.Context) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
		return q.client.sqs.ChangeMessageVisibilityBatch(ctx, in)
	})
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

// batch collects the results of a call's entries.
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
		Err: errors.New("more than 10 entries in one call"),
	})
	return false
}

// all sets the error of every entry to that of the call.
func (b *batch) all(err error) []error {
	b.errs = make([]error, b.n)
	for i := range b.errs {
		b.errs[i] = err
	}
	return b.errs
}

// begin marks every entry as not mentioned.
func (b *batch) begin() {
	b.all(&message.SQSError{
		Action: b.action.String(), Queue: b.queue.name, Fault: message.Network, Err: errNotMentioned,
	})
}

// index returns the index of the entry with the id. SQS returns ids as they were sent.
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

// failed classifies the error of one entry. SQS may quote what secret returns.
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
	b.queue.client.say(e, b.action, classify(e.Code, text(f.Message), status), text(f.Message), status, secret(i))
	b.errs[i] = e
}

// result returns nil if every entry succeeded.
func (b *batch) result() []error {
	for _, err := range b.errs {
		if err != nil {
			return b.errs
		}
	}
	return nil
}
