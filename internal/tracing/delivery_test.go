package tracing

import (
	"log/slog"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func TestWhatFollowsADeliveryIsInItsSpanAndLaterInASpanBelowIt(t *testing.T) {
	c := collected(t)
	tracer, err := New(t.Context(), Options{
		Logger: slog.New(slog.DiscardHandler), Origin: func(*message.Message) (string, string, bool) { return sampledOrigin, "", true },
	})
	if err != nil {
		t.Fatal(err)
	}
	to := &target{result: message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}}
	span := tracer.Wrap(to, "orders", "https://sqs/1/orders", "partner").Deliver(t.Context(), "orders", &message.Message{ID: "m-1"}).Span
	at := time.Now()
	span.Note(at, message.Event{Name: "probe"})
	span.Note(at, message.Event{Name: "held", Tries: 2, Strikes: 1})
	span.End()
	later := at.Add(time.Minute)
	span.Note(later, message.Event{Name: "given_up", Tries: 2, Strikes: 3}, message.Event{Name: "released", SettledAs: "failed", DelaySeconds: 7})
	if err := tracer.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(c.spans) != 2 {
		t.Fatalf("%d spans came", len(c.spans))
	}
	process, settle := c.spans[0], c.spans[1]
	if len(process.Events) != 2 || process.Events[0].Name != "probe" || process.Events[1].Name != "held" || process.Events[0].Time != nanoseconds(at) ||
		valueOf(process.Events[1].Attributes, "poller.tries") != "2" || valueOf(process.Events[1].Attributes, "poller.strikes") != "1" {
		t.Errorf("the delivery's span has %+v", process.Events)
	}
	if settle.TraceID != process.TraceID || settle.ParentSpanID != process.SpanID || settle.Name != "settle orders" || settle.Kind != 3 ||
		settle.Start != nanoseconds(later) || settle.End != nanoseconds(later) {
		t.Errorf("the later span is %+v, below %s", settle, process.SpanID)
	}
	if len(settle.Events) != 2 || settle.Events[0].Name != "given_up" || settle.Events[1].Name != "released" ||
		valueOf(settle.Events[1].Attributes, "poller.settled_as") != "failed" || valueOf(settle.Events[1].Attributes, "poller.delay_seconds") != "7" {
		t.Errorf("it has %+v", settle.Events)
	}
	for name, want := range map[string]any{
		"messaging.operation.name": "settle", "messaging.operation.type": "settle", "messaging.message.id": "m-1", "messaging.destination.name": "orders",
	} {
		if got := valueOf(settle.Attributes, name); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
}
