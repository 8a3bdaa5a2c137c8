package queue

import (
	"context"
	"strconv"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// receiveMargin is how long a receive may take beyond its long poll.
const receiveMargin = 10 * time.Second

// The attributes that deliveries need. SQS returns no others.
var (
	wantedSystem = []types.MessageSystemAttributeName{
		types.MessageSystemAttributeNameSentTimestamp,
		types.MessageSystemAttributeNameApproximateReceiveCount,
		types.MessageSystemAttributeNameMessageGroupId,
		types.MessageSystemAttributeNameMessageDeduplicationId,
		types.MessageSystemAttributeNameSequenceNumber,
		types.MessageSystemAttributeNameAWSTraceHeader,
	}
	wantedAttributes = []string{"All"}
)

// Receive asks for up to maximum (1 to 10) messages, waits up to wait for the first one,
// and hides them for visibility. Both are whole seconds; 0 means the queue's own setting,
// since the SDK does not send it. Do not cancel ctx during the call: what SQS has handed
// out by then stays hidden.
//
// attempt, for a FIFO queue, is the ReceiveRequestAttemptId, or empty. If the response is
// lost, a receive with the same one within 5 minutes gets the same messages again:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
func (q *Queue) Receive(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string) ([]*message.Message, error) {
	in := &sqs.ReceiveMessageInput{
		QueueUrl:                    &q.url,
		MaxNumberOfMessages:         int32(maximum),                  //nolint:gosec // SQS refuses what is out of its range
		WaitTimeSeconds:             int32(wait / time.Second),       //nolint:gosec // the same
		VisibilityTimeout:           int32(visibility / time.Second), //nolint:gosec // the same
		MessageSystemAttributeNames: wantedSystem,
		MessageAttributeNames:       wantedAttributes,
	}
	if attempt != "" {
		in.ReceiveRequestAttemptId = &attempt
	}
	start := time.Now()
	out, took, err := call(ctx, q, receive, wait+receiveMargin, in, 0, q.client.receiveMessage)
	if err != nil {
		return nil, err
	}
	handedOut := q.handedOut(out, start)
	messages := make([]*message.Message, len(out.Messages))
	payload := 0
	for i := range out.Messages {
		m := messageOf(&out.Messages[i])
		m.HandedOut = handedOut
		messages[i] = m
		payload += m.Size()
	}
	q.tally.count(receive, message.NoFault, payload)
	if len(messages) > 0 && took <= quickAnswer {
		q.tally.took[receive].Observe(took.Seconds())
	}
	return messages, nil
}

// handedOut returns when SQS wrote the response to a receive made at start.
func (q *Queue) handedOut(out *sqs.ReceiveMessageOutput, start time.Time) time.Time {
	date, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok || len(out.Messages) == 0 {
		return time.Time{}
	}
	return q.client.clock.handedOut(date, start, time.Now())
}

// receiveMessage skips the SDK's check of each body against the MD5 in the same response:
// it copies every body and catches nothing that TLS, TCP and the response's length do not.
// The SDK still checks what is sent.
func (c *Client) receiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return c.sqs.ReceiveMessage(ctx, in, withoutChecksums)
}

func withoutChecksums(o *sqs.Options) { o.DisableMessageChecksumValidation = true }

// messageOf converts a message. Each is allocated separately: a slice of ten would keep
// nine bodies in memory for a single held message.
func messageOf(m *types.Message) *message.Message {
	return &message.Message{
		ID:              text(m.MessageId),
		ReceiptHandle:   text(m.ReceiptHandle),
		Body:            text(m.Body),
		Attributes:      attributesOf(m.MessageAttributes),
		SentAt:          instant(m.Attributes["SentTimestamp"]),
		ReceiveCount:    number(m.Attributes["ApproximateReceiveCount"]),
		GroupID:         m.Attributes["MessageGroupId"],
		DeduplicationID: m.Attributes["MessageDeduplicationId"],
		SequenceNumber:  m.Attributes["SequenceNumber"],
		TraceHeader:     m.Attributes["AWSTraceHeader"],
	}
}

func attributesOf(given map[string]types.MessageAttributeValue) map[string]message.Attribute {
	if len(given) == 0 {
		return nil
	}
	attributes := make(map[string]message.Attribute, len(given))
	for name, a := range given {
		attributes[name] = message.Attribute{DataType: text(a.DataType), StringValue: text(a.StringValue), BinaryValue: a.BinaryValue}
	}
	return attributes
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// instant parses a time in Unix milliseconds. It returns the zero time if there is none.
func instant(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}
