package queue

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

func TestAMessageComesAsItWasSent(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders.fifo", map[string]string{"FifoQueue": "true"})
		sent := time.Now()
		draft := Draft{
			Body: "ein „Wort“ \t \n", GroupID: "tenant-1", DeduplicationID: "once",
			Attributes: map[string]message.Attribute{
				"Content-Type": {DataType: "String", StringValue: "text/plain"},
				"count":        {DataType: "Number.int", StringValue: "3"},
				"raw":          {DataType: "Binary", BinaryValue: []byte{0, 255}},
			},
		}
		if errs := b.Send(t.Context(), []Draft{draft}); errs != nil {
			t.Fatal(errs)
		}
		time.Sleep(time.Minute)
		for receives := 1; receives <= 2; receives++ {
			messages := b.receive(t, 10, time.Second)
			if len(messages) != 1 {
				t.Fatalf("%d messages", len(messages))
			}
			m := messages[0]
			if m.ID == "" || m.ReceiptHandle == "" || m.Body != draft.Body || m.GroupID != draft.GroupID ||
				m.DeduplicationID != draft.DeduplicationID || m.ReceiveCount != receives || !m.SentAt.Equal(sent) {
				t.Fatalf("got %+v", m)
			}
			if !maps.EqualFunc(m.Attributes, draft.Attributes, func(a, b message.Attribute) bool {
				return a.DataType == b.DataType && a.StringValue == b.StringValue && slices.Equal(a.BinaryValue, b.BinaryValue)
			}) {
				t.Fatalf("attributes %+v", m.Attributes)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTheTraceHeaderComesAlong(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		const trace = "Root=1-67891233-abcdef012345678912345678"
		s := localsqs.New()
		t.Cleanup(s.Close)
		if _, err := s.CreateQueue("orders", nil); err != nil {
			t.Fatal(err)
		}
		c := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Amzn-Trace-Id", trace)
			s.ServeHTTP(w, r)
		}), nil)
		q, err := c.Open(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		b := bench{Queue: q}
		b.send(t, "a")
		if m := b.receive(t, 1, 0); len(m) != 1 || m[0].TraceHeader != trace || m[0].Attributes != nil {
			t.Fatalf("got %+v", m)
		}
	})
}

func TestDeletedMessagesAreGoneAndTheHandleOfNobodyIsLost(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		b.send(t, "a", "b", "c")
		messages := b.receive(t, 10, time.Minute)
		handles := []string{messages[0].ReceiptHandle, "a-handle-of-nobody", messages[2].ReceiptHandle}
		errs := b.Delete(t.Context(), handles)
		if len(errs) != 3 || errs[0] != nil || errs[2] != nil {
			t.Fatalf("errors %v", errs)
		}
		wantFault(t, errs[1], message.Lost, "DeleteMessageBatch on orders")
		if strings.Contains(errs[1].Error(), "nobody") {
			t.Fatalf("%q shows the handle", errs[1])
		}
		b.depth(t, message.Depth{InFlight: 1})
		if errs := b.Delete(t.Context(), []string{messages[1].ReceiptHandle}); errs != nil {
			t.Fatalf("errors %v", errs)
		}
		b.depth(t, message.Depth{})
	})
}

func TestVisibilityIsExtendedAndEndedAtOnce(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		b.send(t, "a", "b")
		messages := b.receive(t, 10, 10*time.Second)
		errs := b.ChangeVisibility(t.Context(), []message.VisibilityChange{
			{ReceiptHandle: messages[0].ReceiptHandle, Seconds: 0},
			{ReceiptHandle: messages[1].ReceiptHandle, Seconds: 60},
		})
		if errs != nil {
			t.Fatalf("errors %v", errs)
		}
		b.depth(t, message.Depth{Visible: 1, InFlight: 1})
		time.Sleep(30 * time.Second)
		b.depth(t, message.Depth{Visible: 1, InFlight: 1})
		errs = b.ChangeVisibility(t.Context(), []message.VisibilityChange{
			{ReceiptHandle: messages[0].ReceiptHandle, Seconds: 5},
			{ReceiptHandle: messages[1].ReceiptHandle, Seconds: 43_201},
		})
		wantFault(t, errs[0], message.Lost)
		wantFault(t, errs[1], message.Invalid, "43200")
	})
}

func TestNothingToSettleIsNoCall(t *testing.T) {
	settings(t)
	b := newBench(t, "orders", nil)
	b.server.Close()
	if errs := b.Delete(t.Context(), nil); errs != nil {
		t.Fatal(errs)
	}
	if errs := b.ChangeVisibility(t.Context(), nil); errs != nil {
		t.Fatal(errs)
	}
	errs := b.Delete(t.Context(), make([]string, 11))
	wantFault(t, errs[10], message.Invalid)
}

func TestALongPollWaitsAsLongAsItSays(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", map[string]string{"ReceiveMessageWaitTimeSeconds": "1"})
		start := time.Now()
		if messages, err := b.Receive(t.Context(), 10, 20*time.Second, 0, ""); err != nil || len(messages) != 0 {
			t.Fatal(messages, err)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

func TestAReceiveThatIsNotAnsweredEndsTenSecondsAfterItsPoll(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil)
		q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
		start := time.Now()
		_, err := q.Receive(t.Context(), 10, 20*time.Second, time.Minute, "")
		wantFault(t, err, message.Network, "no answer within 30s from http://127.0.0.1:9324")
		if took := time.Since(start); took != 30*time.Second {
			t.Fatalf("took %s", took)
		}
		start = time.Now()
		wantFault(t, q.Delete(t.Context(), []string{"a"})[0], message.Network, "within 10s")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("took %s", took)
		}
		// The engine bounds its calls too, to the same time.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wantFault(t, q.Delete(ctx, []string{"a"})[0], message.Network, "no answer within 10s from http://127.0.0.1:9324")
	})
}

func TestACancelledCallIsKnownAsSuch(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := b.Receive(ctx, 10, 20*time.Second, 0, "")
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
		errs := b.Delete(ctx, []string{"a"})
		if !errors.Is(errs[0], context.Canceled) {
			t.Fatalf("%v", errs)
		}
	})
}

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

func TestRejectedMessagesGoToTheDeadLetterQueueThatIsNamedNow(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		policy := func(dead string) string {
			return `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:` + dead + `","maxReceiveCount":4}`
		}
		b := newBench(t, "orders", nil)
		dead := make(map[string]*Queue)
		for _, name := range []string{"dead", "other"} {
			if _, err := b.server.CreateQueue(name, nil); err != nil {
				t.Fatal(err)
			}
			q, err := b.client.Open(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			dead[name] = q
		}
		set := func(policy string) {
			t.Helper()
			if _, err := b.client.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
				QueueUrl: &b.url, Attributes: map[string]string{"RedrivePolicy": policy},
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := b.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		letter := func(wantDead, wantOther int) {
			t.Helper()
			if errs := b.DeadLetter(t.Context(), []message.Letter{{Message: &message.Message{ID: "m", Body: "{}"}, Status: 400, Reason: "4xx"}}); errs != nil {
				t.Fatal(errs)
			}
			if now, err := b.LookDead(t.Context()); err != nil || now.Visible != max(wantOther, 1) {
				t.Errorf("the dead-letter queue has %d messages (%v)", now.Visible, err)
			}
			for name, want := range map[string]int{"dead": wantDead, "other": wantOther} {
				if got, err := dead[name].Look(t.Context()); err != nil || got.Depth.Visible != want {
					t.Errorf("%s has %d messages (%v), want %d", name, got.Depth.Visible, err, want)
				}
			}
		}
		set(policy("dead"))
		a, err := b.Attributes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.OpenDeadLetter(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		letter(1, 0)
		set(policy("other"))
		letter(1, 1)
		set("") // the last dead-letter queue stays in use
		letter(1, 2)
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

func TestEveryRefusedDraftIsNamedAndNoOther(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		drafts := make([]Draft, 25)
		for i := range drafts {
			drafts[i].Body = "fine"
		}
		drafts[3].Body = ""
		drafts[7].Body = strings.Repeat("x", 1<<20) // too long together with the others, but not alone
		drafts[12].Body = "a secret \x00"
		drafts[20].Body = strings.Repeat("x", 1<<20+1)
		errs := b.Send(t.Context(), drafts)
		for i, err := range errs {
			switch i {
			case 3, 12, 20:
				wantFault(t, err, message.Invalid, "SendMessageBatch on orders", "SQS says")
				if strings.Contains(err.Error(), "a secret") {
					t.Fatalf("%q shows the body", err)
				}
			default:
				if err != nil {
					t.Fatalf("draft %d: %v", i, err)
				}
			}
		}
		b.depth(t, message.Depth{Visible: 22})
	})
}

func TestPermissionsAreToldWithoutAReceive(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		b.send(t, "a")
		for _, p := range b.Permissions(t.Context()) {
			if p.Err != nil || p.Unknown {
				t.Fatalf("%+v", p)
			}
		}
		if m := b.receive(t, 1, 0); m[0].ReceiveCount != 1 {
			t.Fatalf("received %d times", m[0].ReceiveCount)
		}
	})
}

func TestTheUserAgentSaysPoller(t *testing.T) {
	settings(t)
	var agent string
	c := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.WriteHeader(500)
	}), nil)
	_, err := c.Open(t.Context(), "orders")
	wantFault(t, err, message.Network)
	if !strings.HasPrefix(agent, "aws-sdk-go-v2/") || !strings.HasSuffix(agent, " poller/test") {
		t.Fatalf("user agent %q", agent)
	}
}

func TestALetterIsSentWithoutWhatDoesNotFitOrSaysWhy(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", map[string]string{})
		if _, err := b.server.CreateQueue("dead", map[string]string{"MaximumMessageSize": "1024"}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.client.sqs.SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &b.url, Attributes: map[string]string{
			"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}`,
		}}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		letter := func(bytes int) message.Letter {
			return message.Letter{Message: &message.Message{ID: "m", Body: strings.Repeat("x", bytes)}, Status: 422, Reason: "4xx"}
		}
		errs := b.DeadLetter(t.Context(), []message.Letter{letter(10), letter(1000), letter(1025)})
		if len(errs) != 3 || errs[0] != nil || errs[1] != nil {
			t.Fatalf("%v", errs)
		}
		if message.FaultOf(errs[2]) != message.Invalid || !strings.Contains(errs[2].Error(), "has 1025 bytes, and the queue takes 1024") {
			t.Errorf("%v", errs[2])
		}
		dead, err := b.client.Open(t.Context(), "dead")
		if err != nil {
			t.Fatal(err)
		}
		got, err := dead.Receive(t.Context(), 10, time.Second, time.Minute, "")
		if err != nil || len(got) != 2 {
			t.Fatalf("%d messages, %v", len(got), err)
		}
		for _, m := range got {
			if _, has := m.Attributes[rejectedAttribute]; has != (len(m.Body) == 10) {
				t.Errorf("of %d bytes, with the reason: %v", len(m.Body), has)
			}
		}
		// As if it had been lowered since it was asked for.
		b.takesNow(b.dead.queue, maxBatchBytes)
		if errs := b.DeadLetter(t.Context(), []message.Letter{letter(1000)}); errs != nil {
			t.Errorf("not sent without the reason: %v", errs)
		}
	})
}
