package target

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	attributePrefix = "X-Poller-Attr-"
	omittedHeader   = "X-Poller-Attr-Omitted"
	renamedHeader   = "X-Poller-Renamed"

	// maxAttributes bounds the total bytes of all attribute lines of a message: servers
	// refuse more than 8 to 16 KiB of headers, and a message that every server refuses
	// could never be delivered.
	maxAttributes = 6 << 10
	// maxOmitted bounds the list of omitted attributes, which ends in "..." if there are
	// more. SQS allows 10 attributes, with names of 256 characters:
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
	maxOmitted = 4 << 10
	// lineCost is the size of a header line without name and value: a colon, a space
	// and the line break.
	lineCost = 4
)

// named is an attribute's name, and its form in a header name.
type named struct{ name, sent string }

// attributes writes the attributes of type String and Number, in order of their names, as
// long as they fit. It lists the others in X-Poller-Attr-Omitted: binary attributes, those
// that do not fit, those whose names are invalid in HTTP or map to the same header (header
// names ignore case), and one called Omitted.
func (w *writer) attributes(all map[string]message.Attribute) {
	var few [10]named
	names := few[:0]
	for name := range all {
		names = append(names, named{name, sentName(name)})
	}
	slices.SortFunc(names, func(a, b named) int {
		return cmp.Or(compareFold(a.sent, b.sent), cmp.Compare(a.name, b.name))
	})
	var omitted []string
	var renamed strings.Builder
	left := maxAttributes
	for i, n := range names {
		attribute := all[n.name]
		cost := len(attributePrefix) + len(n.sent) + lineCost + encodedLen(attribute.StringValue)
		if n.sent != n.name {
			cost += len(", ") + len(n.sent) + len("=") + len(n.name)
		}
		switch {
		case !isText(attribute), !isToken(n.name), equalFold(n.sent, "Omitted"),
			i > 0 && equalFold(n.sent, names[i-1].sent),
			i+1 < len(names) && equalFold(n.sent, names[i+1].sent),
			cost > left:
			omitted = append(omitted, n.name)
			continue
		}
		left -= cost
		w.set(attributePrefix+n.sent, attribute.StringValue)
		if n.sent != n.name {
			if renamed.Len() > 0 {
				renamed.WriteString(", ")
			}
			renamed.WriteString(n.sent + "=" + n.name)
		}
	}
	if renamed.Len() > 0 {
		w.raw(renamedHeader, renamed.String())
	}
	if len(omitted) > 0 {
		w.omitted(omitted)
	}
}

// exactAttributes writes the attributes of type String and Number under prefix and their own
// names, in order of these, as long as they fit. Those whose names are invalid in HTTP, or
// differ only in case, are left out.
func (w *writer) exactAttributes(prefix string, all map[string]message.Attribute) {
	left := maxAttributes
	for _, name := range slices.Sorted(maps.Keys(all)) {
		attribute := all[name]
		key := http.CanonicalHeaderKey(prefix + name)
		left -= len(key) + lineCost + encodedLen(attribute.StringValue)
		if _, twice := w.to[key]; twice || !isText(attribute) || !isToken(name) || left < 0 {
			continue
		}
		w.set(key, attribute.StringValue)
	}
}

// sentName returns the form of an attribute's name in a header name: letters, digits and
// hyphens. nginx, gunicorn and others silently drop headers with an underscore or a dot,
// since CGI cannot tell them from those with a hyphen.
func sentName(name string) string {
	if !strings.ContainsFunc(name, isOdd) {
		return name
	}
	return strings.Map(func(r rune) rune {
		if isOdd(r) {
			return '-'
		}
		return r
	}, name)
}

func isOdd(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-'
}

// omitted joins names. If any of them is not a token, all non-token characters are
// percent-encoded, so that the list can be split at its commas and then decoded.
func (w *writer) omitted(names []string) {
	coded := slices.ContainsFunc(names, func(name string) bool { return !isToken(name) })
	var b strings.Builder
	for i, name := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		if b.Len()+3*len(name) > maxOmitted {
			b.WriteString("...")
			break
		}
		for j := range len(name) {
			if c := name[j]; coded && (c == '%' || !tokenByte(c)) {
				percent(&b, c)
			} else {
				b.WriteByte(c)
			}
		}
	}
	if coded {
		w.encoded = append(w.encoded, omittedHeader)
	}
	w.raw(omittedHeader, b.String())
}

// isText reports whether the attribute is text: String or Number, with or without a custom
// label after a dot.
func isText(a message.Attribute) bool {
	kind, _, _ := strings.Cut(a.DataType, ".")
	return kind == "String" || kind == "Number"
}

// text returns the String attribute with that name, or "".
func text(m *message.Message, name string) string {
	if a, ok := m.Attributes[name]; ok && isText(a) {
		return a.StringValue
	}
	return ""
}

// equalFold compares header names as HTTP does, ignoring the case of ASCII letters.
func equalFold(a, b string) bool { return len(a) == len(b) && compareFold(a, b) == 0 }

func compareFold(a, b string) int {
	for i := range min(len(a), len(b)) {
		if x, y := lower(a[i]), lower(b[i]); x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(len(a), len(b))
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
