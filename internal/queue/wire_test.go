package queue

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"pgregory.net/rapid"
)

// What receives ask for, as the SDK takes it.
var (
	wantedSystem = []types.MessageSystemAttributeName{
		types.MessageSystemAttributeNameSentTimestamp,
		types.MessageSystemAttributeNameApproximateReceiveCount,
		types.MessageSystemAttributeNameMessageGroupId,
		types.MessageSystemAttributeNameMessageDeduplicationId,
		types.MessageSystemAttributeNameSequenceNumber,
		types.MessageSystemAttributeNameAWSTraceHeader,
		types.MessageSystemAttributeNameSenderId,
		types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp,
	}
	wantedAttributes = []string{"All"}
)

// recorder keeps the last request, and gives every one the same response.
type recorder struct {
	status int
	header http.Header
	answer string

	request *http.Request
	body    []byte
}

func (r *recorder) Do(request *http.Request) (*http.Response, error) {
	r.request = request
	var err error
	if r.body, err = io.ReadAll(request.Body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: max(r.status, 200), Header: maps.Clone(r.header),
		Body: io.NopCloser(strings.NewReader(r.answer)), ContentLength: int64(len(r.answer)),
	}, nil
}

func newRecorded(t *testing.T, r *recorder) *Client {
	t.Helper()
	c, err := NewClient(t.Context(), Options{Logger: quiet(), HTTPClient: r, UserAgent: "poller/test"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRequestsAreTheSDKsByteForByte(t *testing.T) {
	for name, environment := range map[string]map[string]string{
		"an emulator":        nil,
		"AWS":                {"AWS_ENDPOINT_URL_SQS": "", "AWS_REGION": "eu-central-1"},
		"FIPS":               {"AWS_ENDPOINT_URL_SQS": "", "AWS_USE_FIPS_ENDPOINT": "true"},
		"dual-stack":         {"AWS_ENDPOINT_URL_SQS": "", "AWS_USE_DUALSTACK_ENDPOINT": "true"},
		"China":              {"AWS_ENDPOINT_URL_SQS": "", "AWS_REGION": "cn-north-1"},
		"a session":          {"AWS_SESSION_TOKEN": "a token/with+signs="},
		"an application":     {"AWS_SDK_UA_APP_ID": "shop", "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE"},
		"a function":         {"AWS_LAMBDA_FUNCTION_NAME": "f", "_X_AMZN_TRACE_ID": "Root=1-2-3;a=b c"},
		"a path":             {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9324/a b/c/"},
		"a default port":     {"AWS_ENDPOINT_URL_SQS": "https://sqs.example:443"},
		"another AWS clock":  {"clock": "10m"},
		"a slow AWS clock":   {"clock": "-3h"},
		"a clock not heeded": {"clock": "-3h", "AWS_DISABLE_CLOCK_SKEW_CORRECTION": "true"},
	} {
		t.Run(name, func(t *testing.T) {
			settings(t)
			for name, value := range environment {
				t.Setenv(name, value)
			}
			skew, _ := time.ParseDuration(environment["clock"])
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{header: http.Header{"Date": {time.Now().Add(skew).UTC().Format(http.TimeFormat)}}}
				c := newRecorded(t, r)
				q := &Queue{client: c, name: "orders", url: "http://x/0/orders", tally: c.metrics.of("orders")}
				if _, err := q.Look(t.Context()); err != nil { // both know SQS's clock from here on
					t.Fatal(err)
				}
				for seed := range 100 { // rapid.Check does not run in a bubble
					d := draw.Example(seed)
					q.url = d.url
					c.sameReceive(t, q, r, d)
					c.sameDelete(t, q, r, d)
				}
			})
		})
	}
}

// drawn is what a receive and a delete are made of.
type drawn struct {
	url, attempt              string
	maximum, wait, visibility int
	handles                   []string
}

var draw = rapid.Custom(func(t *rapid.T) drawn {
	return drawn{
		url:        "https://sqs.eu-central-1.amazonaws.com/1/" + anyText().Draw(t, "url"),
		attempt:    anyText().Draw(t, "attempt"),
		maximum:    rapid.IntRange(0, 11).Draw(t, "maximum"),
		wait:       rapid.IntRange(0, 20).Draw(t, "wait"),
		visibility: rapid.IntRange(0, 43_200).Draw(t, "visibility"),
		handles:    rapid.SliceOfN(anyText(), 1, MaxBatch).Draw(t, "handles"),
	}
})

func (c *Client) sameReceive(t *testing.T, q *Queue, r *recorder, d drawn) {
	t.Helper()
	wait, visibility := time.Duration(d.wait)*time.Second, time.Duration(d.visibility)*time.Second
	c.same(t, r, wait+receiveMargin, func(ctx context.Context) {
		in := &sqs.ReceiveMessageInput{
			QueueUrl: &q.url, MaxNumberOfMessages: int32(d.maximum), WaitTimeSeconds: int32(d.wait), VisibilityTimeout: int32(d.visibility),
			MessageSystemAttributeNames: wantedSystem, MessageAttributeNames: wantedAttributes,
		}
		if d.attempt != "" {
			in.ReceiveRequestAttemptId = &d.attempt
		}
		if _, err := c.sqs.ReceiveMessage(ctx, in); err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context) {
		if _, err := q.Receive(ctx, d.maximum, wait, visibility, d.attempt); err != nil {
			t.Fatal(err)
		}
	})
}

func (c *Client) sameDelete(t *testing.T, q *Queue, r *recorder, d drawn) {
	t.Helper()
	handles := d.handles
	c.same(t, r, callTimeout, func(ctx context.Context) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(handles))
		for i := range handles {
			entries[i] = types.DeleteMessageBatchRequestEntry{Id: &ids[i], ReceiptHandle: &handles[i]}
		}
		if _, err := c.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries}); err != nil {
			t.Fatal(err)
		}
	}, func(ctx context.Context) { q.Delete(ctx, handles) })
}

// same makes a call with the SDK and with ours, and compares what went out.
func (c *Client) same(t *testing.T, r *recorder, limit time.Duration, theirs, ours func(context.Context)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	theirs(ctx)
	want, wantBody := r.request, r.body
	c.wire.newID = func() string { return want.Header.Get(invocationID) }
	ours(ctx)
	got, gotBody := r.request, r.body
	if got.Method != want.Method || got.URL.String() != want.URL.String() || got.Host != want.Host || got.ContentLength != want.ContentLength {
		t.Fatalf("%s %s of %q, %d bytes; the SDK: %s %s of %q, %d bytes", got.Method, got.URL, got.Host, got.ContentLength,
			want.Method, want.URL, want.Host, want.ContentLength)
	}
	if !bytes.Equal(gotBody, wantBody) {
		t.Fatalf("body\n%s\nthe SDK's\n%s", gotBody, wantBody)
	}
	for _, name := range slices.Sorted(maps.Keys(want.Header)) {
		if !slices.Equal(got.Header[name], want.Header[name]) {
			t.Fatalf("%s: %q, the SDK's %q", name, got.Header[name], want.Header[name])
		}
	}
	if len(got.Header) != len(want.Header) {
		t.Fatalf("headers %v, the SDK's %v", got.Header, want.Header)
	}
}

func TestARequestCanBeSentAgainOnAnotherConnection(t *testing.T) {
	settings(t)
	r := new(recorder)
	c := newRecorded(t, r)
	q := &Queue{client: c, name: "orders", url: "http://x/0/orders", tally: c.metrics.of("orders")}
	if _, err := q.Receive(t.Context(), 10, time.Second, 0, ""); err != nil {
		t.Fatal(err)
	}
	again, err := r.request.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(again); err != nil || !bytes.Equal(text, r.body) {
		t.Fatalf("%s, %v; sent %s", text, err, r.body)
	}
}

func TestErrorResponsesAreReadByTheSDK(t *testing.T) {
	settings(t)
	for _, body := range []string{
		`{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"gone"}`,
		`{"__type":"com.amazonaws.sqs#ReceiptHandleIsInvalid","Message":"no"}`,
		`{"__type":"x#SomethingNew","message":"new"}`,
		`{"code":"Other"}`, "", "{", "<html>", "null",
	} {
		for _, header := range []http.Header{
			{},
			{"X-Amzn-Requestid": {"id-1"}, "X-Amzn-Query-Error": {"AWS.SimpleQueueService.NonExistentQueue;Sender"}},
			{"X-Amzn-Errortype": {"ExpiredToken:http://x"}, "Date": {"Tue, 24 Nov 2026 23:00:00 GMT"}},
		} {
			for _, status := range []int{302, 400, 403, 429, 500, 503} {
				r := &recorder{status: status, header: header, answer: body}
				c := newRecorded(t, r)
				url, handle := "http://x/0/orders", "h"
				_, theirs := c.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
				_, ours := c.wire.do(t.Context(), receive, nil, func(*http.Response) error { return nil })
				if ours == nil || theirs == nil || ours.Error() != theirs.Error() {
					t.Errorf("%d %v %s: %v, the SDK: %v", status, header, body, ours, theirs)
				}
				_, theirs = c.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{
					QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{{Id: &handle, ReceiptHandle: &handle}},
				})
				_, ours = c.wire.do(t.Context(), deleteBatch, nil, func(*http.Response) error { return nil })
				if ours == nil || theirs == nil || ours.Error() != theirs.Error() {
					t.Errorf("%d %v %s: %v, the SDK: %v", status, header, body, ours, theirs)
				}
			}
		}
	}
}
