package localsqs

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is an HTTP client without a network: it calls the handler itself.
type direct struct{ h http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// bench is a server with an unmodified SDK client before it.
type bench struct {
	s *Server
	*sqs.Client
}

// newBench is a new server that ends with the test, which runs in a bubble.
func newBench(t *testing.T) bench {
	t.Helper()
	s := New(WithSeed(1))
	t.Cleanup(s.Close)
	return bench{s, clientOf(s)}
}

func clientOf(s *Server) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1:9324"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "any", SecretAccessKey: "any"}, nil
		}),
		HTTPClient:       direct{s},
		RetryMaxAttempts: 1,
	})
}

// queue makes a queue with name, value, name, value… as its attributes.
func (b bench) queue(t *testing.T, name string, attributes ...string) string {
	t.Helper()
	given := make(map[string]string)
	for pair := range slices.Chunk(attributes, 2) {
		given[pair[0]] = pair[1]
	}
	if strings.HasSuffix(name, ".fifo") {
		given["FifoQueue"] = "true"
	}
	out, err := b.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: given})
	if err != nil {
		t.Fatalf("create %s: %v", name, err)
	}
	return *out.QueueUrl
}

func (b bench) send(t *testing.T, url, body string) *sqs.SendMessageOutput {
	t.Helper()
	out, err := b.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
	if err != nil {
		t.Fatalf("send %s: %v", body, err)
	}
	return out
}

func (b bench) sendGroup(t *testing.T, url, group string, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		_, err := b.SendMessage(t.Context(), &sqs.SendMessageInput{
			QueueUrl: &url, MessageBody: aws.String(body), MessageGroupId: &group, MessageDeduplicationId: aws.String(body),
		})
		if err != nil {
			t.Fatalf("send %s: %v", body, err)
		}
	}
}

// receive takes up to ten messages at once, with all their attributes.
func (b bench) receive(t *testing.T, url string, change ...func(*sqs.ReceiveMessageInput)) []types.Message {
	t.Helper()
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"},
	}
	for _, c := range change {
		c(in)
	}
	out, err := b.ReceiveMessage(t.Context(), in)
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return out.Messages
}

func visibilityOf(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.VisibilityTimeout = seconds }
}

func waiting(seconds int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.WaitTimeSeconds = seconds }
}

func upTo(n int32) func(*sqs.ReceiveMessageInput) {
	return func(in *sqs.ReceiveMessageInput) { in.MaxNumberOfMessages = n }
}

func (b bench) delete(t *testing.T, url string, handle *string) error {
	t.Helper()
	_, err := b.DeleteMessage(t.Context(), &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: handle})
	return err
}

func (b bench) change(t *testing.T, url string, handle *string, seconds int32) error {
	t.Helper()
	_, err := b.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &url, ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

func (b bench) attributes(t *testing.T, url string, names ...types.QueueAttributeName) map[string]string {
	t.Helper()
	if len(names) == 0 {
		names = []types.QueueAttributeName{"All"}
	}
	out, err := b.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		t.Fatalf("attributes: %v", err)
	}
	return out.Attributes
}

func (b bench) set(t *testing.T, url, name, value string) error {
	t.Helper()
	_, err := b.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &url, Attributes: map[string]string{name: value},
	})
	return err
}

func (b bench) depth(t *testing.T, name string, visible, inFlight, delayed int) {
	t.Helper()
	v, f, d, ok := b.s.Depth(name)
	if !ok || v != visible || f != inFlight || d != delayed {
		t.Fatalf("depth of %s: %d visible, %d in flight, %d delayed (%v), want %d, %d, %d",
			name, v, f, d, ok, visible, inFlight, delayed)
	}
}

func bodies(messages []types.Message) string {
	var out []string
	for _, m := range messages {
		out = append(out, *m.Body)
	}
	return strings.Join(out, " ")
}

func wantBodies(t *testing.T, messages []types.Message, want string) {
	t.Helper()
	if got := bodies(messages); got != want {
		t.Fatalf("received %q, want %q", got, want)
	}
}

// wantError checks the name that the SDK shows, and a part of the sentence.
func wantError(t *testing.T, err error, code, part string) {
	t.Helper()
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("got %v, want %s", err, code)
	}
	if api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), part) {
		t.Fatalf("got %s: %s; want %s: …%s…", api.ErrorCode(), api.ErrorMessage(), code, part)
	}
	if api.ErrorFault() == smithy.FaultServer {
		t.Fatalf("%s is shown as the server's fault", code)
	}
}

func wantNone(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("unexpected error: %v", err)
	}
}

// sleep is virtual: tests run in bubbles.
func sleep(d time.Duration) { time.Sleep(d) }
