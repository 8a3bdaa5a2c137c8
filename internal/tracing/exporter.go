package tracing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exporter sends spans as OTLP's JSON:
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
type exporter struct {
	settings settings
	client   *http.Client
}

func newExporter(s settings) *exporter {
	return &exporter{settings: s, client: &http.Client{
		Timeout:       s.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 90 * time.Second},
	}}
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if len(spans) == 0 {
		return nil
	}
	body, err := json.Marshal(requestOf(spans))
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.settings.endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header = e.settings.headers.Clone()
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err // without the URL, which may have a key in it
		}
		return fmt.Errorf("spans not sent (%d): %w", len(spans), err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%d spans were not taken: the collector answered %d", len(spans), response.StatusCode)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}

// What follows has OTLP's names.

type otlpRequest struct {
	ResourceSpans []otlpResourceSpans `json:"resourceSpans"`
}

type otlpResourceSpans struct {
	Resource   otlpResource     `json:"resource"`
	ScopeSpans []otlpScopeSpans `json:"scopeSpans"`
}

type otlpResource struct {
	Attributes []otlpAttribute `json:"attributes"`
}

type otlpScopeSpans struct {
	Scope otlpScope  `json:"scope"`
	Spans []otlpSpan `json:"spans"`
}

type otlpScope struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type otlpSpan struct {
	TraceID      string          `json:"traceId"`
	SpanID       string          `json:"spanId"`
	TraceState   string          `json:"traceState,omitempty"`
	ParentSpanID string          `json:"parentSpanId,omitempty"`
	Flags        uint32          `json:"flags,omitempty"`
	Name         string          `json:"name"`
	Kind         int             `json:"kind"`
	Start        string          `json:"startTimeUnixNano"`
	End          string          `json:"endTimeUnixNano"`
	Attributes   []otlpAttribute `json:"attributes,omitempty"`
	Events       []otlpEvent     `json:"events,omitempty"`
	Links        []otlpLink      `json:"links,omitempty"`
	Status       otlpStatus      `json:"status"`
}

type otlpEvent struct {
	Time       string          `json:"timeUnixNano"`
	Name       string          `json:"name"`
	Attributes []otlpAttribute `json:"attributes,omitempty"`
}

type otlpLink struct {
	TraceID    string `json:"traceId"`
	SpanID     string `json:"spanId"`
	TraceState string `json:"traceState,omitempty"`
}

type otlpStatus struct {
	Code    int    `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

type otlpAttribute struct {
	Key   string         `json:"key"`
	Value map[string]any `json:"value"`
}

// requestOf returns spans, which are all of one resource and one scope.
func requestOf(spans []sdktrace.ReadOnlySpan) otlpRequest {
	first := spans[0]
	scope := otlpScopeSpans{Scope: otlpScope{Name: first.InstrumentationScope().Name, Version: first.InstrumentationScope().Version}}
	for _, s := range spans {
		scope.Spans = append(scope.Spans, spanOf(s))
	}
	return otlpRequest{[]otlpResourceSpans{{
		Resource:   otlpResource{attributesOf(first.Resource().Attributes())},
		ScopeSpans: []otlpScopeSpans{scope},
	}}}
}

func spanOf(s sdktrace.ReadOnlySpan) otlpSpan {
	is := s.SpanContext()
	one := otlpSpan{
		TraceID: is.TraceID().String(), SpanID: is.SpanID().String(), TraceState: is.TraceState().String(),
		Flags: uint32(is.TraceFlags()), Name: s.Name(), Kind: kindOf(s.SpanKind()),
		Start: nanoseconds(s.StartTime()), End: nanoseconds(s.EndTime()), Attributes: attributesOf(s.Attributes()),
	}
	if s.Parent().SpanID().IsValid() {
		one.ParentSpanID = s.Parent().SpanID().String()
	}
	for _, e := range s.Events() {
		one.Events = append(one.Events, otlpEvent{nanoseconds(e.Time), e.Name, attributesOf(e.Attributes)})
	}
	for _, l := range s.Links() {
		one.Links = append(one.Links, otlpLink{
			TraceID: l.SpanContext.TraceID().String(), SpanID: l.SpanContext.SpanID().String(), TraceState: l.SpanContext.TraceState().String(),
		})
	}
	switch s.Status().Code {
	case codes.Ok:
		one.Status.Code = 1
	case codes.Error:
		one.Status = otlpStatus{Code: 2, Message: s.Status().Description}
	default:
	}
	return one
}

func nanoseconds(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

// kindOf returns OTLP's number: internal 1, server 2, client 3, producer 4, consumer 5. The
// API's are the same.
func kindOf(k trace.SpanKind) int { return int(k) }

func attributesOf(set []attribute.KeyValue) []otlpAttribute {
	list := make([]otlpAttribute, 0, len(set))
	for _, kv := range set {
		value := make(map[string]any, 1)
		switch kv.Value.Type() {
		case attribute.BOOL:
			value["boolValue"] = kv.Value.AsBool()
		case attribute.INT64:
			value["intValue"] = strconv.FormatInt(kv.Value.AsInt64(), 10)
		case attribute.FLOAT64:
			value["doubleValue"] = kv.Value.AsFloat64()
		case attribute.STRING:
			value["stringValue"] = kv.Value.AsString()
		default: // lists, which only a resource of the environment could have, as text
			value["stringValue"] = kv.Value.String()
		}
		list = append(list, otlpAttribute{string(kv.Key), value})
	}
	return list
}
