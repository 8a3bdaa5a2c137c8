package tracing

import (
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/sqs-poller/poller/internal/message"
)

// delivery is the span of one delivery, which may have ended.
type delivery struct {
	span  trace.Span
	ended atomic.Bool
	// below starts a span for what is settled later.
	below func(at time.Time) trace.Span
}

// TraceID implements message.Span.
func (d *delivery) TraceID() string { return d.span.SpanContext().TraceID().String() }

// End implements message.Span.
func (d *delivery) End() {
	d.ended.Store(true)
	d.span.End()
}

// Note implements message.Span. What comes after the span's end, such as the release of a
// message that was held for a while, is a span "settle QUEUE" below it.
func (d *delivery) Note(at time.Time, events ...message.Event) {
	span := d.span
	if d.ended.Load() {
		span = d.below(at)
		defer span.End(trace.WithTimestamp(at))
	}
	for _, e := range events {
		span.AddEvent(e.Name, trace.WithTimestamp(at), trace.WithAttributes(attributesOfEvent(e)...))
	}
}

func attributesOfEvent(e message.Event) []attribute.KeyValue {
	var set []attribute.KeyValue
	if e.Tries > 0 {
		set = append(set, attribute.Int("poller.tries", e.Tries))
	}
	if e.Strikes > 0 {
		set = append(set, attribute.Int("poller.strikes", e.Strikes))
	}
	if e.SettledAs != "" {
		set = append(set, attribute.String("poller.settled_as", e.SettledAs), attribute.Int("poller.delay_seconds", e.DelaySeconds))
	}
	return set
}
