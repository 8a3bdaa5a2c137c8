package tracing

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// settings are what OpenTelemetry's variables say:
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
type settings struct {
	endpoint string // of traces
	headers  http.Header
	timeout  time.Duration
}

const defaultTimeout = 10 * time.Second

// fromEnvironment reads the variables. Without an endpoint, and if they switch tracing off,
// ok is false.
func fromEnvironment() (s settings, ok bool, err error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return s, false, nil
	}
	switch exporter := os.Getenv("OTEL_TRACES_EXPORTER"); exporter {
	case "", "otlp":
	case "none":
		return s, false, nil
	default:
		return s, false, errors.New("OTEL_TRACES_EXPORTER: poller has only otlp: set otlp or none, or unset it")
	}
	name := "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	s.endpoint = os.Getenv(name)
	if s.endpoint == "" {
		name = "OTEL_EXPORTER_OTLP_ENDPOINT"
		base := os.Getenv(name)
		if base == "" {
			return s, false, nil
		}
		s.endpoint = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if u, err := url.Parse(s.endpoint); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return s, false, fmt.Errorf("%s: invalid URL: use the collector's HTTP port, such as http://collector:4318", name)
	}
	switch _, value := either("PROTOCOL"); value {
	case "", "http/json", "http/protobuf": // a collector takes both on one port
	default:
		return s, false, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL: poller speaks OTLP over HTTP: set http/json, and the collector's HTTP port, usually 4318")
	}
	s.timeout = defaultTimeout
	if name, value := either("TIMEOUT"); value != "" {
		ms, err := strconv.Atoi(value)
		if err != nil || ms <= 0 {
			return s, false, fmt.Errorf("%s: invalid number of milliseconds: use 10000, for example", name)
		}
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	name, value := either("HEADERS")
	if s.headers, err = parseHeaders(value); err != nil {
		return s, false, fmt.Errorf("%s: %w", name, err)
	}
	return s, true, nil
}

// either returns the variable for traces or, if that is empty, the one for everything.
func either(what string) (name, value string) {
	name = "OTEL_EXPORTER_OTLP_TRACES_" + what
	if value = os.Getenv(name); value == "" {
		name = "OTEL_EXPORTER_OTLP_" + what
		value = os.Getenv(name)
	}
	return name, value
}

// parseHeaders reads NAME=VALUE,NAME=VALUE with values percent-encoded. Its error never
// repeats a value, which may be a secret.
func parseHeaders(text string) (http.Header, error) {
	headers := make(http.Header)
	for part := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		name, value, found := strings.Cut(part, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil || strings.ContainsAny(decoded, "\r\n") || strings.TrimSpace(name) == "" {
			return nil, errors.New("invalid headers: use NAME=VALUE,NAME=VALUE")
		}
		headers.Set(strings.TrimSpace(name), decoded)
	}
	return headers, nil
}
