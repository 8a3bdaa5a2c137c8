package queue

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// Attributes are a queue's settings and its depth.
type Attributes struct {
	message.QueueAttributes
	ARN string
	// ReceiveWait and Delay are the queue's defaults for receives and messages that set
	// none.
	ReceiveWait time.Duration
	Delay       time.Duration
	// MaximumMessageSize is in bytes.
	MaximumMessageSize int

	FIFO                      bool
	ContentBasedDeduplication bool

	// SSE reports whether bodies are encrypted at rest, with a key of SQS or of KMS.
	SSE bool
	// KMSKeyID is empty unless the key is in KMS.
	KMSKeyID string
}

// changing are the attributes of message.QueueAttributes. They are valid for every queue:
// SQS refuses the names of FIFO attributes on a standard queue.
var changing = append(slices.Clip(depths),
	types.QueueAttributeNameVisibilityTimeout,
	types.QueueAttributeNameMessageRetentionPeriod,
	types.QueueAttributeNameRedrivePolicy,
)

// depths are the attributes of message.Depth.
var depths = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// Look returns how many messages there are, and the attributes that decide how they are
// handled.
func (q *Queue) Look(ctx context.Context) (message.QueueAttributes, error) {
	found, err := q.attributes(ctx, changing...)
	if err != nil {
		return message.QueueAttributes{}, err
	}
	now := changingOf(found)
	q.dead.follow(now.DeadLetterQueueARN)
	return now, nil
}

// Attributes returns all attributes.
func (q *Queue) Attributes(ctx context.Context) (Attributes, error) {
	found, err := q.attributes(ctx, types.QueueAttributeNameAll)
	if err != nil {
		return Attributes{}, err
	}
	a := Attributes{
		QueueAttributes:           changingOf(found),
		ARN:                       found["QueueArn"],
		ReceiveWait:               seconds(found["ReceiveMessageWaitTimeSeconds"]),
		Delay:                     seconds(found["DelaySeconds"]),
		MaximumMessageSize:        number(found["MaximumMessageSize"]),
		FIFO:                      isTrue(found["FifoQueue"]),
		ContentBasedDeduplication: isTrue(found["ContentBasedDeduplication"]),
		KMSKeyID:                  found["KmsMasterKeyId"],
	}
	a.SSE = a.KMSKeyID != "" || isTrue(found["SqsManagedSseEnabled"])
	return a, nil
}

func (q *Queue) attributes(ctx context.Context, names ...types.QueueAttributeName) (map[string]string, error) {
	in := &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names}
	out, _, err := call(ctx, q, getAttributes, callTimeout, 0, func(ctx context.Context) (*sqs.GetQueueAttributesOutput, error) {
		return q.client.sqs.GetQueueAttributes(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func changingOf(found map[string]string) message.QueueAttributes {
	a := message.QueueAttributes{
		Depth:             depthOf(found),
		VisibilityTimeout: seconds(found["VisibilityTimeout"]),
		Retention:         seconds(found["MessageRetentionPeriod"]),
	}
	a.DeadLetterQueueARN, a.MaxReceiveCount = redriveOf(found["RedrivePolicy"])
	return a
}

func depthOf(found map[string]string) message.Depth {
	return message.Depth{
		Visible:  number(found["ApproximateNumberOfMessages"]),
		InFlight: number(found["ApproximateNumberOfMessagesNotVisible"]),
		Delayed:  number(found["ApproximateNumberOfMessagesDelayed"]),
	}
}

func seconds(s string) time.Duration { return time.Duration(number(s)) * time.Second }

// redriveOf parses a redrive policy. SQS returns the count as a number or a string,
// depending on how it was set.
func redriveOf(policy string) (arn string, maxReceiveCount int) {
	var p struct {
		ARN string          `json:"deadLetterTargetArn"`
		Max json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(policy), &p) != nil {
		return "", 0
	}
	return p.ARN, number(strings.Trim(string(p.Max), `"`))
}

func isTrue(s string) bool { return strings.EqualFold(s, "true") }

// IsDenied reports whether err is a missing permission, as opposed to another refusal.
func IsDenied(err error) bool {
	e, ok := errors.AsType[*message.SQSError](err)
	return ok && e.Fault == message.Refused && plain(e.Code) == "AccessDenied"
}
