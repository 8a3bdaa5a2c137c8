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
	message.QueueAttributes
	ARN string
	// ReceiveWait and Delay are the queue's own, for what a receive or a message does
	// not say.
	ReceiveWait time.Duration
	Delay       time.Duration
	// MaximumMessageSize is in bytes.
	MaximumMessageSize int

	FIFO                      bool
	ContentBasedDeduplication bool

	// SSE says that bodies are encrypted at rest, by SQS's key or by KMS's.
	SSE bool
	// KMSKeyID is empty unless the key is one of KMS.
	KMSKeyID string
}

// changing are the attributes of message.QueueAttributes. Every queue has them, or may
// have them: SQS refuses the name of one that only FIFO queues have.
var changing = []types.QueueAttributeName{
	types.QueueAttributeNameApproximateNumberOfMessages,
	types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	types.QueueAttributeNameVisibilityTimeout,
	types.QueueAttributeNameMessageRetentionPeriod,
	types.QueueAttributeNameRedrivePolicy,
}

// Look asks how many messages there are, and for those attributes that decide how
// they are handled.
func (q *Queue) Look(ctx context.Context) (message.QueueAttributes, error) {
	found, err := q.attributes(ctx, changing...)
	if err != nil {
		return message.QueueAttributes{}, err
	}
	now := changingOf(found)
	q.dead.follow(now.DeadLetterQueueARN)
	return now, nil
}

// Attributes asks for all of them.
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
	out, _, err := call(ctx, q, getAttributes, callTimeout,
		&sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: names}, 0, q.client.sqs.GetQueueAttributes)
	if err != nil {
		return nil, err
	}
	return out.Attributes, nil
}

func changingOf(found map[string]string) message.QueueAttributes {
	a := message.QueueAttributes{
		Depth: message.Depth{
			Visible:  number(found["ApproximateNumberOfMessages"]),
			InFlight: number(found["ApproximateNumberOfMessagesNotVisible"]),
			Delayed:  number(found["ApproximateNumberOfMessagesDelayed"]),
		},
		VisibilityTimeout: seconds(found["VisibilityTimeout"]),
		Retention:         seconds(found["MessageRetentionPeriod"]),
	}
	a.DeadLetterQueueARN, a.MaxReceiveCount = redriveOf(found["RedrivePolicy"])
	return a
}

func seconds(s string) time.Duration { return time.Duration(number(s)) * time.Second }

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
