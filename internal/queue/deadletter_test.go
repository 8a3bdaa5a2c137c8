package queue

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-poller/poller/internal/message"
)

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
