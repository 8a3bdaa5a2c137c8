package queue

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/prometheus/client_golang/prometheus"
)

// script answers receives and deletes of ten with the same text, and costs next to
// nothing, so that a benchmark shows the client alone.
type script struct{ receive, delete string }

func newScript() script {
	var receive, deleted strings.Builder
	for i := range MaxBatch {
		if i > 0 {
			receive.WriteByte(',')
			deleted.WriteByte(',')
		}
		receive.WriteString(`{"MessageId":"3b2f7d1e-0000-4000-8000-00000000000` + strconv.Itoa(i) + `","ReceiptHandle":"` +
			strings.Repeat("A", 180) + `","MD5OfBody":"7265f4d211b56873a381d321f586e4a9","Body":"` + strings.Repeat("x", 1024) +
			`","Attributes":{"SentTimestamp":"1790000000000","ApproximateReceiveCount":"1"}}`)
		deleted.WriteString(`{"Id":"` + strconv.Itoa(i) + `"}`)
	}
	return script{`{"Messages":[` + receive.String() + `]}`, `{"Successful":[` + deleted.String() + `]}`}
}

func (s script) Do(r *http.Request) (*http.Response, error) {
	text := s.receive
	if strings.HasSuffix(r.Header["X-Amz-Target"][0], "DeleteMessageBatch") {
		text = s.delete
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Date": {"Tue, 24 Nov 2026 23:00:00 GMT"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}, nil
}

func benchmarkSettings(b *testing.B) {
	b.Helper()
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		b.Setenv(name, value)
	}
}

// BenchmarkReceiveAndDeleteTen is what a message costs this room, ten an operation.
func BenchmarkReceiveAndDeleteTen(b *testing.B) {
	benchmarkSettings(b)
	c, err := NewClient(b.Context(), Options{Logger: quiet(), HTTPClient: newScript(), Registerer: prometheus.NewRegistry(), UserAgent: "poller/1"})
	if err != nil {
		b.Fatal(err)
	}
	q := &Queue{client: c, name: "orders", url: "https://sqs.us-east-1.amazonaws.com/1/orders", tally: c.metrics.of("orders")}
	handles := make([]string, MaxBatch)
	b.ReportAllocs()
	for b.Loop() {
		messages, err := q.Receive(b.Context(), MaxBatch, 20*time.Second, 30*time.Second, "")
		if err != nil || len(messages) != MaxBatch {
			b.Fatal(err)
		}
		for i, m := range messages {
			handles[i] = m.ReceiptHandle
		}
		if errs := q.Delete(b.Context(), handles); errs != nil {
			b.Fatal(errs)
		}
	}
}

// BenchmarkBareSDK is the same by the SDK alone, with its own settings.
func BenchmarkBareSDK(b *testing.B) {
	c := sqs.New(sqs.Options{
		Region: "us-east-1", HTTPClient: newScript(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
	url := "https://sqs.us-east-1.amazonaws.com/1/orders"
	b.ReportAllocs()
	for b.Loop() {
		out, err := c.ReceiveMessage(b.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: MaxBatch, WaitTimeSeconds: 20, VisibilityTimeout: 30,
			MessageSystemAttributeNames: wantedSystem, MessageAttributeNames: wantedAttributes,
		})
		if err != nil || len(out.Messages) != MaxBatch {
			b.Fatal(err)
		}
		entries := make([]types.DeleteMessageBatchRequestEntry, len(out.Messages))
		for i := range out.Messages {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: &ids[i], ReceiptHandle: out.Messages[i].ReceiptHandle}
		}
		if _, err := c.DeleteMessageBatch(b.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries}); err != nil {
			b.Fatal(err)
		}
	}
}
