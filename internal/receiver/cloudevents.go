package receiver

import (
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// readCloudEvents reads CloudEvents 1.0 in HTTP's binary, structured and batched mode:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
func readCloudEvents(r *http.Request, body []byte) (Delivery, *Problem) {
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind {
	case "application/cloudevents-batch+json":
		return readEvents(body)
	case "application/cloudevents+json":
		m, _, p := readEvent(body)
		return Delivery{Messages: []Message{m}}, p
	default:
		m, p := readBinaryEvent(r)
		return Delivery{Messages: []Message{m}}, p
	}
}

// event is the attributes of an event, by their names.
type event map[string]string

// message checks the attributes that the specification has rules for.
func (e event) message() (m Message, p *Problem) {
	for _, name := range []string{"specversion", "id", "source", "type"} {
		if e[name] == "" {
			return m, malformed("an event has no %s", name)
		}
	}
	if e["specversion"] != "1.0" {
		return m, malformed("specversion of an event is not 1.0")
	}
	for _, name := range []string{"source", "dataschema"} {
		if _, err := url.Parse(e[name]); err != nil {
			return m, malformed("%s of an event is not a URI", name)
		}
	}
	if at, given := e["time"]; given {
		var err error
		if m.SentAt, err = time.Parse(time.RFC3339, at); err != nil {
			return m, malformed("time of an event is not a time such as 2026-11-02T09:31:00Z")
		}
	}
	m.ID = e["id"]
	return m, nil
}

// isEventName reports whether a name is one that an attribute may have.
func isEventName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// readBinaryEvent reads an event whose attributes are headers.
func readBinaryEvent(r *http.Request) (m Message, p *Problem) {
	e := make(event)
	for header, values := range r.Header {
		name, ours := strings.CutPrefix(strings.ToLower(header), "ce-")
		if !ours {
			continue
		}
		switch {
		case !isEventName(name):
			return m, malformed("a ce- header's name has other characters than letters and digits")
		case name == "datacontenttype":
			return m, malformed("there is a ce-datacontenttype header: in binary mode that is Content-Type")
		case len(values) > 1:
			return m, malformed("a ce- header is there more than once")
		}
		value, ok := decoded(values[0])
		if !ok {
			return m, malformed("a ce- header's value is not printable ASCII with percent-encoded UTF-8")
		}
		e[name] = value
	}
	return e.message()
}

// decoded decodes the value of a header.
func decoded(value string) (string, bool) {
	if strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' }) {
		return "", false
	}
	value, err := url.PathUnescape(value)
	return value, err == nil && utf8.ValidString(value)
}

// readEvents reads a batch.
func readEvents(body []byte) (Delivery, *Problem) {
	events, ok := listOf(body)
	if !ok || len(events) == 0 {
		return Delivery{}, malformed("the batch is not a JSON array of events")
	}
	d := Delivery{Named: true}
	seen := make(map[[2]string]bool, len(events))
	for _, raw := range events {
		m, source, p := readEvent(raw)
		if p != nil {
			return Delivery{}, p
		}
		if key := [2]string{source, m.ID}; seen[key] {
			return Delivery{}, malformed("two events have the same source and id")
		} else {
			seen[key] = true
		}
		d.Messages = append(d.Messages, m)
	}
	return d, nil
}

// readEvent reads an event in JSON, and returns its source:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
func readEvent(raw []byte) (m Message, source string, p *Problem) {
	o, p := objectOf(raw, "an event", nil, nil)
	if p != nil {
		return m, "", p
	}
	e := make(event)
	for name, value := range o.members {
		switch {
		case name == "data" || string(value) == "null":
		case name == "data_base64":
			if o.members["data"] != nil {
				return m, "", malformed("an event has data and data_base64")
			}
			if _, p := o.text(name); p != nil {
				return m, "", p
			}
		case !isEventName(name):
			return m, "", malformed("an event has an attribute whose name has other characters than letters and digits")
		case isKind(value, '"'):
			if e[name], p = o.text(name); p != nil {
				return m, "", p
			}
		case isKind(value, '{') || isKind(value, '['), name == "id", name == "source", name == "type", name == "specversion", name == "time":
			return m, "", malformed("an event has an attribute of the wrong type")
		}
	}
	m, p = e.message()
	return m, e["source"], p
}
