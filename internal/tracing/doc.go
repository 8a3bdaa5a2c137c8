// Package tracing makes a span of each delivery, and sends it to an OpenTelemetry collector.
//
// It is set up by OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_ENDPOINT and its kin).
// Without them there is no Tracer: nothing runs, and nothing is allocated for a delivery.
//
// A span is named "process QUEUE", is linked to the span that sent the message, or is its
// child, and is sampled if that one was. It has the messaging conventions' attributes, and
// never a body, the value of an attribute or a receipt handle. The target gets the span as
// its traceparent.
//
// Spans go out in batches by OTLP over HTTP, as JSON: the usual exporter would bring gRPC
// and 8 MB of code. A collector that is away or slow holds nothing up; its spans are
// dropped, and the log says so once a minute.
package tracing
