package target

import (
	"cmp"
	"slices"
	"strings"

	"poller/internal/message"
)

const (
	attributePrefix = "X-Poller-Attr-"
	omittedHeader   = "X-Poller-Attr-Omitted"
	renamedHeader   = "X-Poller-Renamed"

	// maxAttributes bounds the lines of all attributes of a message together, in
	// bytes: servers refuse more than 8 to 16 KiB of headers, and a message that
	// every server refuses could never be delivered.
	maxAttributes = 6 << 10
	// maxOmitted bounds the list of those that are left out; it ends in "..." where
	// there are more. SQS allows ten attributes, with names of 256 characters.
	maxOmitted = 4 << 10
	// lineCost is what a header line has beside name and value: a colon, a space
	// and the line break.
	lineCost = 4
)

// named is an attribute's name, and what stands for it in its header's.
type named struct{ name, sent string }

// attributes writes the attributes of type String and Number, by name as long as
// they fit. Others are named in X-Poller-Attr-Omitted: binary ones, those that do
// not fit, those whose names HTTP does not know or that come to the same header (it
// does not tell capitals), and one called Omitted.
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

// sentName is what an attribute's name is in its header's: letters, digits and hyphens.
// Headers with an underscore or a dot are dropped without a word by nginx and gunicorn
// among others, since CGI cannot tell them from those with a hyphen.
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

// omitted lists names. If one of them is no token, all are percent-encoded as far
// as tokens are not, so that the list can be split at its commas and then decoded.
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

// isText says that the attribute has text: String or Number, with or without a
// label of the sender's after a dot.
func isText(a message.Attribute) bool {
	kind, _, _ := strings.Cut(a.DataType, ".")
	return kind == "String" || kind == "Number"
}

// text is the String attribute of that name, empty if there is none.
func text(m *message.Message, name string) string {
	if a, ok := m.Attributes[name]; ok && isText(a) {
		return a.StringValue
	}
	return ""
}

// equalFold compares as HTTP compares names: capitals of ASCII only.
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
