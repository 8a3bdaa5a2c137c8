package queue

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// maxBatchBytes bounds the total size of the messages of one call: SQS's limit of 1 MiB.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
const maxBatchBytes = 1 << 20

// Draft is a message to send.
type Draft struct {
	Body string
	// GroupID is required on FIFO queues.
	GroupID string
	// DeduplicationID is required on FIFO queues without content-based deduplication.
	DeduplicationID string
	// Delay is in whole seconds; 0 means the queue's own.
	Delay      time.Duration
	Attributes map[string]message.Attribute
	// TraceHeader is the AWSTraceHeader, or empty.
	TraceHeader string
}

func (d *Draft) size() int { return (&message.Message{Body: d.Body, Attributes: d.Attributes}).Size() }

// Send sends drafts in order, with as many per call as SQS accepts. It returns nil if all
// were sent, else one error per draft, nil for those that were. It repeats a draft only if
// that was refused because of another draft in the same call.
func (q *Queue) Send(ctx context.Context, drafts []Draft) []error {
	var errs []error
	for first := 0; first < len(drafts); {
		n := fitting(drafts[first:])
		for i, err := range q.sendOnce(ctx, drafts[first:first+n]) {
			if err == nil {
				continue
			}
			if errs == nil {
				errs = make([]error, len(drafts))
			}
			errs[first+i] = err
		}
		first += n
	}
	return errs
}

// fitting returns how many drafts fit into one call, at least one: if a single message is
// too long, SQS says so.
func fitting(drafts []Draft) int {
	size := 0
	for i := range drafts {
		size += drafts[i].size()
		if i == MaxBatch || i > 0 && size > maxBatchBytes {
			return i
		}
	}
	return len(drafts)
}

// sendOnce makes one call. If SQS refuses all of it, every draft is sent on its own, so
// that only the bad ones are refused.
func (q *Queue) sendOnce(ctx context.Context, drafts []Draft) []error {
	b := batch{queue: q, action: sendBatch, n: len(drafts)}
	entries := make([]types.SendMessageBatchRequestEntry, len(drafts))
	payload := 0
	for i := range drafts {
		entries[i] = entryOf(&drafts[i], &ids[i])
		payload += drafts[i].size()
	}
	in := &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries}
	out, _, err := call(ctx, q, sendBatch, callTimeout, payload, func(ctx context.Context) (*sqs.SendMessageBatchOutput, error) {
		return q.client.sqs.SendMessageBatch(ctx, in)
	})
	if message.FaultOf(err) == message.Invalid && len(drafts) > 1 {
		errs := make([]error, len(drafts))
		for i := range drafts {
			if one := q.sendOnce(ctx, drafts[i:i+1]); one != nil {
				errs[i] = one[0]
			}
		}
		return errs
	}
	if err != nil {
		return b.all(err)
	}
	b.begin()
	for i := range out.Successful {
		b.worked(out.Successful[i].Id)
	}
	for i := range out.Failed {
		b.failed(&out.Failed[i], func(n int) string { return drafts[n].Body })
	}
	return b.result()
}

func entryOf(d *Draft, id *string) types.SendMessageBatchRequestEntry {
	entry := types.SendMessageBatchRequestEntry{
		Id: id, MessageBody: &d.Body,
		DelaySeconds: int32(d.Delay / time.Second), //nolint:gosec // SQS refuses values out of range
	}
	if d.GroupID != "" {
		entry.MessageGroupId = &d.GroupID
	}
	if d.DeduplicationID != "" {
		entry.MessageDeduplicationId = &d.DeduplicationID
	}
	if d.TraceHeader != "" {
		header := "String"
		entry.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: &header, StringValue: &d.TraceHeader},
		}
	}
	for name, a := range d.Attributes {
		value := types.MessageAttributeValue{DataType: &a.DataType}
		if len(a.BinaryValue) > 0 {
			value.BinaryValue = a.BinaryValue
		} else {
			value.StringValue = &a.StringValue
		}
		if entry.MessageAttributes == nil {
			entry.MessageAttributes = make(map[string]types.MessageAttributeValue, len(d.Attributes))
		}
		entry.MessageAttributes[name] = value
	}
	return entry
}
