package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/sqs-poller/poller/internal/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector takes spans as a collector does.
type collector struct {
	mu      sync.Mutex // guards what follows
	spans   []otlpSpan
	headers http.Header
	is      []otlpAttribute // the resource
	status  int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var request otlpRequest
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/json" || json.Unmarshal(body, &request) != nil || c.status != 0 {
		w.WriteHeader(max(c.status, http.StatusBadRequest))
		return
	}
	c.headers = r.Header
	for _, of := range request.ResourceSpans {
		c.is = of.Resource.Attributes
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// collected runs a collector, and sets the variables to it.
func collected(t *testing.T) *collector {
	t.Helper()
	c := new(collector)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return c
}

// target remembers the traceparent that it got.
type target struct {
	result             message.Result
	traceparent, state string
}

func (d *target) Deliver(_ context.Context, _ string, m *message.Message) message.Result {
	d.traceparent, d.state = m.Traceparent, m.Tracestate
	return d.result
}

const (
	sampledOrigin   = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	unsampledOrigin = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"
)

// deliver makes one delivery with a tracer of its own, and returns its result.
func deliver(t *testing.T, to *target, origin string, child bool) message.Result {
	t.Helper()
	return deliverFrom(t, to, origin, true, child)
}

func deliverFrom(t *testing.T, to *target, origin string, decided, child bool) message.Result {
	t.Helper()
	tracer, err := New(t.Context(), Options{
		Logger: slog.New(slog.DiscardHandler), Version: "v1", Child: child,
		Origin: func(*message.Message) (string, string, bool) { return origin, "vendor=1", decided },
	})
	if err != nil {
		t.Fatal(err)
	}
	m := &message.Message{ID: "m-1", Body: "secret body", ReceiptHandle: "secret handle", ReceiveCount: 2}
	result := tracer.Wrap(to, "orders", "https://sqs/1/orders", "partner").Deliver(t.Context(), "orders", m)
	if result.Span != nil {
		result.Span.End()
	}
	if m.Traceparent != "" {
		t.Error("the message itself was changed")
	}
	if err := tracer.Close(t.Context()); err != nil {
		t.Error(err)
	}
	return result
}

func TestADeliveryIsASpanThatIsLinkedToTheOneThatSentTheMessage(t *testing.T) {
	c := collected(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b, x-tenant = 7")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
	t.Setenv("OTEL_SERVICE_NAME", "orders-poller")
	to := &target{result: message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}}
	result := deliver(t, to, sampledOrigin, false)
	if len(c.spans) != 1 {
		t.Fatalf("%d spans came", len(c.spans))
	}
	s := c.spans[0]
	if s.Name != "process orders" || s.Kind != 5 || s.ParentSpanID != "" || s.Status.Code != 2 || s.Status.Message != "unavailable" {
		t.Errorf("%+v", s)
	}
	if len(s.Links) != 1 || s.Links[0].TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || s.Links[0].SpanID != "00f067aa0ba902b7" || s.Links[0].TraceState != "vendor=1" {
		t.Errorf("links %+v", s.Links)
	}
	if want := "00-" + s.TraceID + "-" + s.SpanID + "-01"; to.traceparent != want || result.Span.TraceID() != s.TraceID || s.TraceID == "4bf92f3577b34da6a3ce929d0e0e4736" {
		t.Errorf("the target got %s, not %s; the result has %s", to.traceparent, want, result.Span.TraceID())
	}
	for name, want := range map[string]any{
		"messaging.system": "aws_sqs", "messaging.operation.name": "process", "messaging.operation.type": "process",
		"messaging.destination.name": "orders", "messaging.message.id": "m-1", "aws.sqs.queue.url": "https://sqs/1/orders",
		"error.type": "5xx", "http.response.status_code": "503", "poller.receive_count": "2", "poller.target": "partner", "poller.outcome": "unavailable",
	} {
		if got := valueOf(s.Attributes, name); got != want {
			t.Errorf("%s is %v, not %v", name, got, want)
		}
	}
	for name, want := range map[string]any{"service.name": "orders-poller", "service.version": "v1", "deployment.environment": "test"} {
		if got := valueOf(c.is, name); got != want {
			t.Errorf("the resource's %s is %v, not %v", name, got, want)
		}
	}
	if c.headers.Get("Api-Key") != "a b" || c.headers.Get("X-Tenant") != "7" {
		t.Errorf("headers %v", c.headers)
	}
	if text, _ := json.Marshal(c.spans); bytes.Contains(text, []byte("secret")) {
		t.Errorf("a span has what it must not: %s", text)
	}
}

func valueOf(list []otlpAttribute, name string) any {
	for _, a := range list {
		if a.Key == name {
			for _, value := range a.Value {
				return value
			}
		}
	}
	return nil
}

func TestAsAChildTheSpanIsInTheTraceThatSentTheMessage(t *testing.T) {
	c := collected(t)
	to := &target{result: message.Result{Outcome: message.Delivered, Status: 204, Reason: "2xx"}}
	deliver(t, to, sampledOrigin, true)
	if len(c.spans) != 1 || c.spans[0].TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || c.spans[0].ParentSpanID != "00f067aa0ba902b7" ||
		len(c.spans[0].Links) != 0 || c.spans[0].Status.Code != 0 || to.state != "vendor=1" {
		t.Errorf("%+v", c.spans)
	}
}

func TestASpanIsSampledIfTheOneThatSentTheMessageWas(t *testing.T) {
	for _, child := range []bool{false, true} {
		for origin, want := range map[string]int{sampledOrigin: 1, unsampledOrigin: 0, "": 1} {
			c := collected(t)
			to := &target{result: message.Result{Outcome: message.Delivered}}
			result := deliver(t, to, origin, child)
			if len(c.spans) != want || (result.Span != nil) != (want == 1) {
				t.Errorf("origin %q, child %t: %d spans, span %v", origin, child, len(c.spans), result.Span)
			}
			if wantFlags := map[int]string{0: "-00", 1: "-01"}[want]; !strings.HasSuffix(to.traceparent, wantFlags) {
				t.Errorf("origin %q: the target got %q", origin, to.traceparent)
			}
		}
	}
}

func TestALinkOfWhichNobodyHasDecidedDropsNoSpan(t *testing.T) {
	for child, want := range map[bool]int{false: 1, true: 0} {
		c := collected(t)
		deliverFrom(t, &target{result: message.Result{Outcome: message.Delivered}}, unsampledOrigin, false, child)
		if len(c.spans) != want {
			t.Errorf("child %t: %d spans", child, len(c.spans))
		}
	}
}

func TestWithoutTheVariablesThereIsNoTracerAndNothingIsAllocated(t *testing.T) {
	for _, variables := range []map[string]string{
		{},
		{"OTEL_SDK_DISABLED": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
		{"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
	} {
		for name, value := range variables {
			t.Setenv(name, value)
		}
		tracer, err := New(t.Context(), Options{})
		if tracer != nil || err != nil {
			t.Fatalf("%v: %v %v", variables, tracer, err)
		}
		to := &target{}
		if wrapped := tracer.Wrap(to, "orders", "", ""); wrapped != deliverer(to) {
			t.Errorf("%v: deliveries go through %T", variables, wrapped)
		}
		if err := tracer.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestVariablesThatAreWrongAreNamedAndNotRepeated(t *testing.T) {
	for _, test := range []struct{ name, value, want string }{
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "OTEL_EXPORTER_OTLP_ENDPOINT: invalid URL: use the collector's HTTP port, such as http://collector:4318"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "x", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: invalid URL: use the collector's HTTP port, such as http://collector:4318"},
		{"OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL: poller speaks OTLP over HTTP: set http/json, and the collector's HTTP port, usually 4318"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "OTEL_EXPORTER_OTLP_TIMEOUT: invalid number of milliseconds: use 10000, for example"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "secret", "OTEL_EXPORTER_OTLP_HEADERS: invalid headers: use NAME=VALUE,NAME=VALUE"},
		{"OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER: poller has only otlp: set otlp or none, or unset it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
			t.Setenv(test.name, test.value)
			if _, err := New(t.Context(), Options{}); err == nil || err.Error() != test.want {
				t.Errorf("got %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestACollectorThatFailsIsOneLineAMinute(t *testing.T) {
	c := collected(t)
	c.status = http.StatusServiceUnavailable
	var log bytes.Buffer
	tracer, err := New(t.Context(), Options{Logger: slog.New(slog.NewTextHandler(&log, nil)), Origin: func(*message.Message) (string, string, bool) { return "", "", false }})
	if err != nil {
		t.Fatal(err)
	}
	to := tracer.Wrap(&target{}, "orders", "", "")
	for range 3 {
		to.Deliver(t.Context(), "orders", &message.Message{})
		_ = tracer.provider.ForceFlush(t.Context())
	}
	_ = tracer.Close(t.Context())
	if lines := strings.Count(log.String(), "\n"); lines > 1 || lines == 1 && !strings.Contains(log.String(), "the collector answered 503") {
		t.Errorf("the log has %d lines:\n%s", lines, log.String())
	}
}
