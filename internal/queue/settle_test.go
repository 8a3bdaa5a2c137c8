package queue

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

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
