package queue

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"poller/internal/message"
)

// Attributes are what a queue is set to, and how full it is.
type Attributes struct {
	ARN string
	// VisibilityTimeout, Retention, ReceiveWait and Delay are the queue's own,
	// for what a receive or a message does not say.
	VisibilityTimeout time.Duration
	Retention         time.Duration
	ReceiveWait       time.Duration
	Delay             time.Duration
	// MaximumMessageSize is in bytes.
	MaximumMessageSize int
	// MaxReceiveCount and DeadLetterQueueARN are of the redrive policy; 0 and
	// empty when there is none.
	MaxReceiveCount    int
	DeadLetterQueueARN string

	FIFO                      bool
	ContentBasedDeduplication bool

	// SSE says that bodies are encrypted at rest, by SQS's key or by KMS's.
	SSE bool
	// KMSKeyID is empty unless the key is one of KMS.
	KMSKeyID string

	Depth message.Depth
}

var depthNames = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
}

// Depth asks how many messages there are.
func (q *Queue) Depth(ctx context.Context) (message.Depth, error) {
	found, err := q.attributes(ctx, depthNames...)
	if err != nil {
		return message.Depth{}, err
	}
	return depthOf(found), nil
}

// Attributes asks for all of them.
func (q *Queue) Attributes(ctx context.Context) (Attributes, error) {
	found, err := q.attributes(ctx, types.QueueAttributeNameAll)
	if err != nil {
		return Attributes{}, err
	}
	seconds := func(name string) time.Duration { return time.Duration(number(found[name])) * time.Second }
	a := Attributes{
		ARN:                       found["QueueArn"],
		VisibilityTimeout:         seconds("VisibilityTimeout"),
		Retention:                 seconds("MessageRetentionPeriod"),
		ReceiveWait:               seconds("ReceiveMessageWaitTimeSeconds"),
		Delay:                     seconds("DelaySeconds"),
		MaximumMessageSize:        number(found["MaximumMessageSize"]),
		FIFO:                      isTrue(found["FifoQueue"]),
		ContentBasedDeduplication: isTrue(found["ContentBasedDeduplication"]),
		KMSKeyID:                  found["KmsMasterKeyId"],
		Depth:                     depthOf(found),
	}
	a.SSE = a.KMSKeyID != "" || isTrue(found["SqsManagedSseEnabled"])
	a.DeadLetterQueueARN, a.MaxReceiveCount = redriveOf(found["RedrivePolicy"])
	return a, nil
}

func (q *Queue) attributes(ctx context.Context, names ...types.QueueAttributeName) (map[string]string, error) {
	out, _, err := call(ctx, q, getAttributes, callTimeout,
		&sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names}, 0, q.client.sqs.GetQueueAttributes)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func depthOf(found map[string]string) message.Depth {
	return message.Depth{
		Visible:  number(found["ApproximateNumberOfMessages"]),
		InFlight: number(found["ApproximateNumberOfMessagesNotVisible"]),
		Delayed:  number(found["ApproximateNumberOfMessagesDelayed"]),
	}
}

// redriveOf reads a redrive policy; its count is a number or a string, as it was
// set.
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

// IsDenied says whether err is a missing permission, and nothing else that SQS
// refuses.
func IsDenied(err error) bool {
	e, ok := errors.AsType[*message.SQSError](err)
	return ok && e.Fault == message.Refused && plain(e.Code) == "AccessDenied"
}
