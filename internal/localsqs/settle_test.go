package localsqs

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestAMessageIsReceivedOnceAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		sent := b.send(t, url, "hello")
		got := b.receive(t, url)
		wantBodies(t, got, "hello")
		if *got[0].MessageId != *sent.MessageId {
			t.Fatalf("message id %s, sent as %s", *got[0].MessageId, *sent.MessageId)
		}
		wantBodies(t, b.receive(t, url), "")
		b.depth(t, "orders", 0, 1, 0)
		wantNone(t, b.delete(t, url, got[0].ReceiptHandle))
		wantNone(t, b.delete(t, url, got[0].ReceiptHandle)) // deleted already: fine
		b.depth(t, "orders", 0, 0, 0)
	})
}

func TestVisibilityEndsToTheMillisecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "VisibilityTimeout", "7")
		b.send(t, url, "m")
		b.receive(t, url)
		sleep(7*time.Second - time.Millisecond)
		wantBodies(t, b.receive(t, url), "")
		sleep(time.Millisecond)
		got := b.receive(t, url, visibilityOf(2))
		wantBodies(t, got, "m")
		if n := got[0].Attributes["ApproximateReceiveCount"]; n != "2" {
			t.Fatalf("receive count %s, want 2", n)
		}
		sleep(2 * time.Second)
		wantBodies(t, b.receive(t, url), "m")
	})
}

func TestAnOlderHandleDeletesNothingAndSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "VisibilityTimeout", "1")
		b.send(t, url, "m")
		first := b.receive(t, url)[0]
		sleep(time.Second)
		second := b.receive(t, url)[0]
		if *first.ReceiptHandle == *second.ReceiptHandle {
			t.Fatal("two receives gave one handle")
		}
		wantNone(t, b.delete(t, url, first.ReceiptHandle))
		b.depth(t, "orders", 0, 1, 0)
		wantError(t, b.change(t, url, first.ReceiptHandle, 10), "InvalidParameterValue", "not available for visibility timeout change")
		sleep(time.Second) // visible again, the second handle is still the newest
		wantNone(t, b.delete(t, url, second.ReceiptHandle))
		b.depth(t, "orders", 0, 0, 0)
	})
}

func TestHandlesThatAreNoneAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, other := b.queue(t, "orders"), b.queue(t, "other")
		b.send(t, other, "m")
		foreign := b.receive(t, other)[0].ReceiptHandle
		for _, handle := range []*string{aws.String("garbage"), foreign, aws.String((*foreign)[:40] + "AAAA")} {
			wantError(t, b.delete(t, url, handle), "ReceiptHandleIsInvalid", "is not a valid receipt handle")
			wantError(t, b.change(t, url, handle, 1), "ReceiptHandleIsInvalid", "is not a valid receipt handle")
		}
		err := b.delete(t, url, foreign)
		if _, ok := errors.AsType[*types.ReceiptHandleIsInvalid](err); !ok {
			t.Fatalf("%T is not the SDK's type", err)
		}
		wantError(t, b.delete(t, url, aws.String("")), "MissingParameter", "ReceiptHandle")
	})
}

func TestVisibilityIsChangedOnlyInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "m")
		got := b.receive(t, url)[0]
		wantNone(t, b.change(t, url, got.ReceiptHandle, 60))
		sleep(59 * time.Second)
		wantBodies(t, b.receive(t, url), "")
		wantNone(t, b.change(t, url, got.ReceiptHandle, 0))
		err := b.change(t, url, got.ReceiptHandle, 10)
		wantError(t, err, "AWS.SimpleQueueService.MessageNotInflight", "")
		if _, ok := errors.AsType[*types.MessageNotInflight](err); !ok {
			t.Fatalf("%T is not the SDK's type", err)
		}
		got = b.receive(t, url)[0]
		wantError(t, b.change(t, url, got.ReceiptHandle, 43_201), "InvalidParameterValue", "43201")
		wantError(t, b.change(t, url, got.ReceiptHandle, -1), "InvalidParameterValue", "-1")
		wantNone(t, b.delete(t, url, got.ReceiptHandle))
		wantError(t, b.change(t, url, got.ReceiptHandle, 10), "InvalidParameterValue", "Message does not exist")
	})
}

func TestOneReceiveHidesAMessageForTwelveHoursAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "m")
		got := b.receive(t, url)[0]
		wantNone(t, b.change(t, url, got.ReceiptHandle, 43_200))
		sleep(10 * time.Second)
		wantError(t, b.change(t, url, got.ReceiptHandle, 43_191), "InvalidParameterValue",
			"Total VisibilityTimeout for the message is beyond the limit [43200 seconds]")
		wantNone(t, b.change(t, url, got.ReceiptHandle, 43_190))
		sleep(12*time.Hour - 11*time.Second)
		wantError(t, b.change(t, url, got.ReceiptHandle, 3), "InvalidParameterValue", "beyond the limit")
		wantNone(t, b.change(t, url, got.ReceiptHandle, 1))
		sleep(time.Second)
		wantBodies(t, b.receive(t, url), "m") // a new receive, new twelve hours
	})
}

func TestABatchOfDeletesFailsEntryByEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "m")
		handle := b.receive(t, url)[0].ReceiptHandle
		out, err := b.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: []types.DeleteMessageBatchRequestEntry{
			{Id: aws.String("good"), ReceiptHandle: handle}, {Id: aws.String("bad"), ReceiptHandle: aws.String("garbage")},
		}})
		wantNone(t, err)
		if len(out.Successful) != 1 || *out.Successful[0].Id != "good" || len(out.Failed) != 1 {
			t.Fatalf("got %+v", out)
		}
		if f := out.Failed[0]; *f.Id != "bad" || *f.Code != "ReceiptHandleIsInvalid" || !f.SenderFault || *f.Message == "" {
			t.Fatalf("failed entry %s %s %v", *f.Id, *f.Code, f.SenderFault)
		}
		b.depth(t, "orders", 0, 0, 0)
	})
}

func TestABatchOfVisibilityChangesFailsEntryByEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "a")
		b.send(t, url, "b")
		b.send(t, url, "c")
		got := b.receive(t, url)
		wantNone(t, b.change(t, url, got[1].ReceiptHandle, 0))
		entry := func(id string, handle *string, seconds int32) types.ChangeMessageVisibilityBatchRequestEntry {
			return types.ChangeMessageVisibilityBatchRequestEntry{Id: &id, ReceiptHandle: handle, VisibilityTimeout: seconds}
		}
		out, err := b.ChangeMessageVisibilityBatch(t.Context(), &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
				entry("0", got[0].ReceiptHandle, 0), entry("1", got[1].ReceiptHandle, 5), entry("2", got[2].ReceiptHandle, 43_201),
			},
		})
		wantNone(t, err)
		if len(out.Successful) != 1 || *out.Successful[0].Id != "0" || len(out.Failed) != 2 {
			t.Fatalf("got %d successes and %d failures", len(out.Successful), len(out.Failed))
		}
		if f := out.Failed[0]; *f.Code != "MessageNotInflight" || !f.SenderFault {
			t.Fatalf("entry 1 failed with %s, sender fault %v", *f.Code, f.SenderFault)
		}
		if f := out.Failed[1]; *f.Code != "InvalidParameterValue" || !f.SenderFault {
			t.Fatalf("entry 2 failed with %s, sender fault %v", *f.Code, f.SenderFault)
		}
		wantBodies(t, b.receive(t, url), "a b")
	})
}

func TestABatchIsCheckedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		try := func(ids ...string) error {
			entries := []types.DeleteMessageBatchRequestEntry{}
			for _, id := range ids {
				entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: &id, ReceiptHandle: aws.String("x")})
			}
			_, err := b.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: entries})
			return err
		}
		wantError(t, try(), "AWS.SimpleQueueService.EmptyBatchRequest", "at least one")
		wantError(t, try("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"),
			"AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "You have sent 11.")
		wantError(t, try("a", "b", "a"), "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "a")
		wantError(t, try(""), "AWS.SimpleQueueService.InvalidBatchEntryId", "80")
		wantError(t, try("a:b"), "AWS.SimpleQueueService.InvalidBatchEntryId", "80")
	})
}
