package queue

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/message"
)

// Open finds a queue by its URL, ARN or name, and checks with SQS that it exists. An
// invalid reference is a plain error; any other is a *message.SQSError. A refusal is final
// until somebody acts; a network error or throttling is worth another try.
//
// A name or an ARN needs sqs:GetQueueUrl. A URL can be opened even if the queue's
// attributes may not be read; Attributes then fails.
func (c *Client) Open(ctx context.Context, ref string) (*Queue, error) {
	r, err := parseReference(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := c.reaches(r); err != nil {
		return nil, err
	}
	q := &Queue{client: c, name: r.name, url: r.url, tally: c.metrics.of(r.name)}
	if q.url != "" {
		_, err := q.attributes(ctx, types.QueueAttributeNameQueueArn)
		if err != nil && !IsDenied(err) {
			return nil, err
		}
		return q, nil
	}
	in := &sqs.GetQueueUrlInput{QueueName: &q.name}
	if r.account != "" {
		in.QueueOwnerAWSAccountId = &r.account
	}
	out, _, err := call(ctx, q, getURL, callTimeout, 0, func(ctx context.Context) (*sqs.GetQueueUrlOutput, error) {
		return c.sqs.GetQueueUrl(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	if q.url = text(out.QueueUrl); q.url == "" {
		return nil, &message.SQSError{
			Action: getURL.String(), Queue: q.name, Fault: message.Refused,
			Err: fmt.Errorf("the server %s is not SQS: check AWS_ENDPOINT_URL_SQS", c.place()),
		}
	}
	return q, nil
}

// OpenNamed opens the dead-letter queue that a redrive policy names. An emulator's ARNs
// may have a different region although all its queues are in one place.
func (c *Client) OpenNamed(ctx context.Context, arn string) (*Queue, error) {
	if r, err := parseARN(arn); err == nil && c.custom && r.region != c.region {
		return c.Open(ctx, r.name)
	}
	return c.Open(ctx, arn)
}

// reaches returns an error if the client's requests cannot reach the referenced queue:
// they go to the client's endpoint, whatever the queue's URL says.
func (c *Client) reaches(r reference) error {
	if r.region != "" && r.region != c.region {
		return fmt.Errorf("queue %s is in region %s, but the client is in %s: set AWS_REGION=%[2]s", r.name, r.region, c.region)
	}
	if c.custom {
		return nil
	}
	if set := r.variant.missingFrom(c.variant); set != "" {
		return fmt.Errorf("the URL of queue %s names another endpoint than %s, where requests go: set %s, or give the queue by name",
			r.name, c.endpoint, set)
	}
	if r.host != "" {
		return fmt.Errorf("the queue URL's host %s is not an SQS endpoint that the SDK knows, and requests go to %s: "+
			"set AWS_ENDPOINT_URL_SQS to the URL's scheme, host and port", r.host, c.endpoint)
	}
	return nil
}
