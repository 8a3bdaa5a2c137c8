package target

import (
	"strings"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	traceparentLen = len("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01")
	maxTraceparent = 256
	maxTracestate  = 512 // what W3C requires to be passed on: https://www.w3.org/TR/trace-context/#tracestate-limits
	maxTraceStates = 32
	maxXRay        = 512
)

// trace writes the traceparent and tracestate of the delivery's own span or, without one,
// of the span that sent the message. X-Ray's own header is passed on unchanged, with or
// without a Parent.
func (w *writer) trace(m *message.Message) {
	w.xray(m)
	parent, state := m.Traceparent, m.Tracestate
	if parent == "" {
		parent, state, _ = Origin(m)
	}
	if parent == "" {
		return
	}
	w.raw("Traceparent", parent)
	if state != "" {
		w.raw("Tracestate", state)
	}
}

// Origin returns the traceparent and tracestate that m was sent with: its attributes of
// these names, or a traceparent of its AWSTraceHeader. Invalid values count as missing, and
// there is no tracestate without its traceparent.
//
// decided is false for an AWSTraceHeader that is not sampled: where X-Ray is off, AWS's
// services write one all the same, and nobody has decided anything.
func Origin(m *message.Message) (traceparent, tracestate string, decided bool) {
	if parent := text(m, "traceparent"); parent != "" && validTraceparent(parent) {
		if state := text(m, "tracestate"); state != "" && validTracestate(state) {
			return parent, state, true
		}
		return parent, "", true
	}
	if m.TraceHeader == "" {
		return "", "", false
	}
	parent := fromXRay(m.TraceHeader)
	return parent, "", strings.HasSuffix(parent, "-01")
}

// xray writes X-Amzn-Trace-Id: the AWSTraceHeader or, without one, the attribute of that
// name.
func (w *writer) xray(m *message.Message) {
	for _, id := range [...]string{m.TraceHeader, text(m, "X-Amzn-Trace-Id")} {
		if strings.Contains(id, "Root=1-") && len(id) <= maxXRay && plain(id) {
			w.raw("X-Amzn-Trace-Id", id)
			return
		}
	}
}

// validTraceparent checks version-trace-parent-flags. Versions after 00 may have more
// fields.
func validTraceparent(s string) bool {
	if len(s) < traceparentLen || len(s) > maxTraceparent ||
		s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return false
	}
	version, trace, parent, flags := s[:2], s[3:35], s[36:52], s[53:55]
	if !isHex(version) || version == "ff" || !isID(trace) || !isID(parent) || !isHex(flags) {
		return false
	}
	rest := s[traceparentLen:]
	return rest == "" || version != "00" && rest[0] == '-' && plain(rest)
}

// validTracestate checks a list of key=value.
func validTracestate(s string) bool {
	if len(s) > maxTracestate || !plain(s) || strings.Count(s, ",") >= maxTraceStates {
		return false
	}
	some := false
	for member := range strings.SplitSeq(s, ",") {
		member = strings.Trim(member, " ")
		if member == "" {
			continue
		}
		key, value, found := strings.Cut(member, "=")
		if !found || value == "" || strings.Contains(value, "=") || !isStateKey(key) {
			return false
		}
		some = true
	}
	return some
}

func isStateKey(key string) bool {
	for i := range len(key) {
		c := key[i]
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || i > 0 && strings.IndexByte("_-*/@", c) >= 0 {
			continue
		}
		return false
	}
	return key != ""
}

// fromXRay converts X-Ray's Root=1-8hex-24hex;Parent=16hex;Sampled=1 to a traceparent. It
// returns "" unless it has both ids: without a parent there is nothing to continue.
func fromXRay(header string) string {
	var trace, parent string
	flags := "00"
	for field := range strings.SplitSeq(header, ";") {
		key, value, _ := strings.Cut(strings.Trim(field, " "), "=")
		switch key {
		case "Root":
			if len(value) == 35 && value[:2] == "1-" && value[10] == '-' {
				trace = strings.ToLower(value[2:10] + value[11:])
			}
		case "Parent":
			parent = strings.ToLower(value)
		case "Sampled":
			if value == "1" {
				flags = "01"
			}
		}
	}
	if len(trace) != 32 || len(parent) != 16 || !isID(trace) || !isID(parent) {
		return ""
	}
	return "00-" + trace + "-" + parent + "-" + flags
}

// isID reports whether s is lower-case hexadecimal and not all zeros.
func isID(s string) bool { return isHex(s) && strings.Trim(s, "0") != "" }

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return s != ""
}
