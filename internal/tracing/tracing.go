package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/sqs-poller/poller/internal/message"
)

// Options are what a Tracer is made of. All are required except Child.
type Options struct {
	Logger  *slog.Logger
	Version string
	// Origin returns the traceparent and tracestate that a message was sent with, valid ones
	// only; empty if there are none. decided reports whether its sender has decided what is
	// sampled.
	Origin func(*message.Message) (traceparent, tracestate string, decided bool)
	// Child makes a delivery's span a child of the one that sent the message, in its trace.
	// Otherwise it begins a trace of its own and is linked to it.
	Child bool
}

// Tracer makes spans of deliveries.
type Tracer struct {
	options  Options
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// New returns a Tracer according to OpenTelemetry's variables, or nil if they set no
// endpoint. Its errors name the variable.
func New(ctx context.Context, o Options) (*Tracer, error) {
	s, ok, err := fromEnvironment()
	if err != nil || !ok {
		return nil, err
	}
	is, err := resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "poller"), attribute.String("service.version", o.Version)),
		resource.WithFromEnv(), // goes before what is above
	)
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	options := []sdktrace.TracerProviderOption{sdktrace.WithBatcher(newExporter(s)), sdktrace.WithResource(is)}
	if os.Getenv("OTEL_TRACES_SAMPLER") == "" { // else the SDK reads it
		options = append(options, sdktrace.WithSampler(likeOrigin{sdktrace.ParentBased(sdktrace.AlwaysSample())}))
	}
	otel.SetErrorHandler(&complaints{log: o.Logger})
	t := &Tracer{options: o, provider: sdktrace.NewTracerProvider(options...)}
	t.tracer = t.provider.Tracer("github.com/sqs-poller/poller", trace.WithInstrumentationVersion(o.Version))
	return t, nil
}

// Close sends what is left, until ctx is done.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// likeOrigin samples a span that is linked to another if that one was sampled, unless nobody
// has decided about that one.
type likeOrigin struct{ sdktrace.Sampler }

// undecided is the key of a context in which nobody has decided about the origin.
type undecided struct{}

// ShouldSample implements sdktrace.Sampler.
func (s likeOrigin) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if len(p.Links) == 1 && !p.Links[0].SpanContext.IsSampled() && p.ParentContext.Value(undecided{}) == nil {
		return sdktrace.SamplingResult{Decision: sdktrace.Drop}
	}
	return s.Sampler.ShouldSample(p)
}

// deliverer is what a delivery goes to.
type deliverer interface {
	Deliver(ctx context.Context, queue string, m *message.Message) message.Result
}

// traced makes a span of each delivery.
type traced struct {
	*Tracer
	next   deliverer
	name   string
	common []attribute.KeyValue

	settleName   string
	settleCommon []attribute.KeyValue
}

// Wrap returns a deliverer that makes a span of each delivery to next. Without a Tracer it
// returns next.
func (t *Tracer) Wrap(next deliverer, queue, queueURL, target string) deliverer {
	if t == nil {
		return next
	}
	of := func(operation string) []attribute.KeyValue {
		return []attribute.KeyValue{
			attribute.String("messaging.system", "aws_sqs"),
			attribute.String("messaging.operation.name", operation),
			attribute.String("messaging.operation.type", operation),
			attribute.String("messaging.destination.name", queue),
			attribute.String("aws.sqs.queue.url", queueURL),
			attribute.String("poller.target", target),
		}
	}
	one := &traced{
		Tracer: t, next: next,
		name: "process " + queue, common: of("process"),
		settleName: "settle " + queue, settleCommon: of("settle"),
	}
	if several, ok := next.(batchDeliverer); ok {
		return &tracedBatches{one, several}
	}
	return one
}

// batchDeliverer is a deliverer that takes several messages in one request.
type batchDeliverer interface {
	deliverer
	DeliverBatch(ctx context.Context, queue string, all []*message.Message) (whole message.Result, each []message.Result)
	SizeInBatch(m *message.Message) int
}

// tracedBatches makes a span of each message's part in a delivery.
type tracedBatches struct {
	*traced
	next batchDeliverer
}

// DeliverBatch delivers all in one request, each within a span of its own.
func (d *tracedBatches) DeliverBatch(ctx context.Context, queue string, all []*message.Message) (message.Result, []message.Result) {
	spans, own := make([]trace.Span, len(all)), make([]*message.Message, len(all))
	for i, m := range all {
		own[i], spans[i] = d.begin(ctx, m)
	}
	whole, each := d.next.DeliverBatch(ctx, queue, own)
	if each == nil {
		each = make([]message.Result, len(all))
		for i := range each {
			each[i] = whole
		}
	}
	for i, m := range all {
		d.noted(ctx, spans[i], m, &each[i])
	}
	return whole, each
}

// SizeInBatch implements batchDeliverer.
func (d *tracedBatches) SizeInBatch(m *message.Message) int { return d.next.SizeInBatch(m) }

// Deliver delivers m within a span, which the target gets as its parent.
func (d *traced) Deliver(ctx context.Context, queue string, m *message.Message) message.Result {
	own, span := d.begin(ctx, m)
	result := d.next.Deliver(ctx, queue, own)
	d.noted(ctx, span, m, &result)
	return result
}

// begin begins the span of m's delivery, and returns m with it as the parent.
func (d *traced) begin(ctx context.Context, m *message.Message) (*message.Message, trace.Span) {
	spanning := context.WithoutCancel(ctx)
	options := []trace.SpanStartOption{
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(d.common...),
		trace.WithAttributes(
			attribute.String("messaging.message.id", m.ID),
			attribute.Int("messaging.message.body.size", len(m.Body)),
			attribute.Int("poller.receive_count", m.ReceiveCount),
		),
	}
	if origin, decided := d.origin(spanning, m); origin.IsValid() {
		if d.options.Child {
			spanning = trace.ContextWithRemoteSpanContext(spanning, origin)
		} else {
			options = append(options, trace.WithLinks(trace.Link{SpanContext: origin}))
		}
		if !decided {
			spanning = context.WithValue(spanning, undecided{}, true)
		}
	}
	spanning, span := d.tracer.Start(spanning, d.name, options...)
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(spanning, carrier)
	own := *m
	own.Traceparent, own.Tracestate = carrier["traceparent"], carrier["tracestate"]
	return &own, span
}

// noted describes the delivery of m in its span, and has the result go on with it.
func (d *traced) noted(ctx context.Context, span trace.Span, m *message.Message, result *message.Result) {
	if !span.SpanContext().IsSampled() {
		span.End()
		return
	}
	describe(span, *result)
	spanning := trace.ContextWithSpan(context.WithoutCancel(ctx), span)
	id := attribute.String("messaging.message.id", m.ID)
	result.Span = &delivery{span: span, below: func(at time.Time) trace.Span {
		_, settle := d.tracer.Start(spanning, d.settleName, trace.WithTimestamp(at), trace.WithSpanKind(trace.SpanKindClient),
			trace.WithAttributes(d.settleCommon...), trace.WithAttributes(id))
		return settle
	}}
}

// origin returns the span that m was sent in, and whether it was decided to sample it or not.
func (d *traced) origin(ctx context.Context, m *message.Message) (is trace.SpanContext, decided bool) {
	parent, state, decided := d.options.Origin(m)
	if parent == "" {
		return trace.SpanContext{}, false
	}
	carrier := propagation.MapCarrier{"traceparent": parent, "tracestate": state}
	return trace.SpanContextFromContext(propagation.TraceContext{}.Extract(ctx, carrier)), decided
}

// describe adds what a delivery came to.
func describe(span trace.Span, result message.Result) {
	span.SetAttributes(attribute.String("poller.outcome", result.Outcome.String()))
	if result.Status != 0 {
		span.SetAttributes(attribute.Int("http.response.status_code", result.Status))
	}
	if result.Outcome != message.Delivered {
		span.SetAttributes(attribute.String("error.type", result.Reason))
		span.SetStatus(codes.Error, result.Outcome.String())
	}
}

// complaints logs what OpenTelemetry complains of, at most once a minute.
type complaints struct {
	log *slog.Logger

	mu   sync.Mutex // guards what follows
	said time.Time
	more int
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.more++
	if now := time.Now(); c.said.IsZero() || now.Sub(c.said) >= time.Minute {
		c.log.Warn("tracing fails: spans are dropped", slog.Any("error", err), slog.Int("failures", c.more))
		c.said, c.more = now, 0
	}
}
