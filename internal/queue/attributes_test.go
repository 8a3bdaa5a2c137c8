package queue

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

func TestAttributesAreRead(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		s := localsqs.New()
		t.Cleanup(s.Close)
		for name, attributes := range map[string]map[string]string{
			"dead": nil,
			"orders": {
				"VisibilityTimeout": "45", "MessageRetentionPeriod": "3600", "ReceiveMessageWaitTimeSeconds": "7", "DelaySeconds": "2",
				"MaximumMessageSize": "2048", "KmsMasterKeyId": "alias/k",
			},
		} {
			if _, err := s.CreateQueue(name, attributes); err != nil {
				t.Fatal(err)
			}
		}
		c := newTestClient(t, s, nil)
		q, err := c.Open(t.Context(), "arn:aws:sqs:us-east-1:000000000000:orders")
		if err != nil {
			t.Fatal(err)
		}
		if errs := q.Send(t.Context(), make([]Draft, 0)); errs != nil {
			t.Fatal(errs)
		}
		got, err := q.Attributes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := Attributes{
			ARN:             "arn:aws:sqs:us-east-1:000000000000:orders",
			QueueAttributes: message.QueueAttributes{VisibilityTimeout: 45 * time.Second, Retention: time.Hour},
			ReceiveWait:     7 * time.Second, Delay: 2 * time.Second, MaximumMessageSize: 2048, SSE: true, KMSKeyID: "alias/k",
		}
		if got != want {
			t.Fatalf("got %+v", got)
		}
	})
}

func TestALookSeesWhatAnOperatorHasChanged(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", map[string]string{"VisibilityTimeout": "45", "MessageRetentionPeriod": "3600"})
		look := func(want message.QueueAttributes) {
			t.Helper()
			if got, err := b.Look(t.Context()); err != nil || got != want {
				t.Errorf("got %+v (%v), want %+v", got, err, want)
			}
		}
		look(message.QueueAttributes{VisibilityTimeout: 45 * time.Second, Retention: time.Hour})
		if _, err := b.server.CreateQueue("dead", nil); err != nil {
			t.Fatal(err)
		}
		_, err := b.client.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &b.url, Attributes: map[string]string{
			"VisibilityTimeout": "90", "MessageRetentionPeriod": "7200",
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":4}`,
		}})
		if err != nil {
			t.Fatal(err)
		}
		look(message.QueueAttributes{
			VisibilityTimeout: 90 * time.Second, Retention: 2 * time.Hour,
			MaxReceiveCount: 4, DeadLetterQueueARN: "arn:aws:sqs:us-east-1:000000000000:dead",
		})
	})
}

func TestTheRedrivePolicysCountIsANumberOrAString(t *testing.T) {
	for _, policy := range []string{
		`{"deadLetterTargetArn":"arn:aws:sqs:r:1:dead","maxReceiveCount":5}`,
		`{"maxReceiveCount":"5","deadLetterTargetArn":"arn:aws:sqs:r:1:dead"}`,
	} {
		if arn, n := redriveOf(policy); arn != "arn:aws:sqs:r:1:dead" || n != 5 {
			t.Errorf("%s is read as %s, %d", policy, arn, n)
		}
	}
	if arn, n := redriveOf(""); arn != "" || n != 0 {
		t.Errorf("no policy is read as %s, %d", arn, n)
	}
}
