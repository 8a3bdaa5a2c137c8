//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// queue is a queue of one test, seen from outside of the daemon.
type queue struct {
	sqs  *sqs.Client
	name string
	url  string
}

// newQueue makes a queue that is deleted when the test ends. Settings alternate
// attribute names and values.
func newQueue(t *testing.T, s server, settings ...string) *queue {
	t.Helper()
	q := &queue{
		sqs: sqs.New(sqs.Options{
			Region:       "us-east-1",
			BaseEndpoint: aws.String(s.endpoint),
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			}),
		}),
		name: "e2e-" + strings.ToLower(rand.Text()[:12]),
	}
	attributes := map[string]string{}
	for i := 0; i < len(settings); i += 2 {
		attributes[settings[i]] = settings[i+1]
	}
	if attributes["FifoQueue"] == "true" {
		q.name += ".fifo"
	}
	q.create(t, attributes)
	t.Cleanup(func() { q.delete(context.WithoutCancel(t.Context()), t) })
	return q
}

func (q *queue) create(t *testing.T, attributes map[string]string) {
	t.Helper()
	made, err := q.sqs.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &q.name, Attributes: attributes})
	if err != nil {
		t.Fatal(err)
	}
	q.url = *made.QueueUrl
}

func (q *queue) delete(ctx context.Context, t *testing.T) {
	t.Helper()
	if _, err := q.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.url}); err != nil {
		t.Error(err)
	}
}

// newQueueWithDeadLetters creates two queues: messages received more than maximum times in
// the first goes to the second.
func newQueueWithDeadLetters(t *testing.T, s server, maximum int) (q, dead *queue) {
	t.Helper()
	dead = newQueue(t, s)
	arn := dead.attributes(t)["QueueArn"]
	q = newQueue(t, s, "RedrivePolicy", fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, arn, maximum))
	return q, dead
}

func (q *queue) attributes(t *testing.T) map[string]string {
	t.Helper()
	got, err := q.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Attributes
}

// send sends each body, and gives the message ids in the same order.
func (q *queue) send(t *testing.T, bodies ...string) []string {
	t.Helper()
	ids := make([]string, 0, len(bodies))
	for _, body := range bodies {
		ids = append(ids, q.sendInput(t, &sqs.SendMessageInput{MessageBody: &body}))
	}
	return ids
}

func (q *queue) sendInput(t *testing.T, in *sqs.SendMessageInput) (id string) {
	t.Helper()
	in.QueueUrl = &q.url
	sent, err := q.sqs.SendMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return *sent.MessageId
}

// count is how many messages the queue has: visible, and not visible.
func (q *queue) count(t *testing.T) (visible, hidden int) {
	t.Helper()
	a := q.attributes(t)
	number := func(name string) int {
		n, err := strconv.Atoi(a[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	return number("ApproximateNumberOfMessages"),
		number("ApproximateNumberOfMessagesNotVisible") + number("ApproximateNumberOfMessagesDelayed")
}

// mustGetEmpty waits until the queue has no message, visible or not.
func (q *queue) mustGetEmpty(t *testing.T) {
	t.Helper()
	eventually(t, "the queue is empty", func() bool {
		visible, hidden := q.count(t)
		return visible+hidden == 0
	})
}

// receive returns up to ten visible messages, without waiting.
func (q *queue) receive(t *testing.T) []types.Message {
	t.Helper()
	got, err := q.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Messages
}

// patience is how long a condition may take: long, so that only what never comes
// fails.
const patience = 90 * time.Second

// eventually asks until it is so.
func eventually(t *testing.T, what string, isSo func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for !isSo() {
		select {
		case <-again.C:
		case <-late:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}
