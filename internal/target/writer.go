package target

import (
	"net/http"
	"slices"
	"strings"
)

const (
	hexDigits     = "0123456789ABCDEF"
	encodedHeader = "X-Poller-Encoded"
)

// writer writes values from a message to a request's headers such that any value remains a
// single value of a single header. A value with bytes outside printable ASCII is
// percent-encoded, including % itself, and its header is listed in X-Poller-Encoded. So is
// a value that begins or ends with a space, which HTTP would drop.
type writer struct {
	to      http.Header
	room    [12]string // for the values of most messages
	used    int
	encoded []string
}

// set writes a value under key, a canonical header name. It returns the value's slice,
// which another header may share.
func (w *writer) set(key, value string) []string {
	if !plain(value) {
		value = encode(value)
		w.encoded = append(w.encoded, key)
	}
	return w.raw(key, value)
}

// raw writes a value that is known to be plain.
func (w *writer) raw(key, value string) []string {
	var slice []string
	if w.used < len(w.room) {
		w.room[w.used] = value
		slice = w.room[w.used : w.used+1 : w.used+1]
		w.used++
	} else {
		slice = []string{value}
	}
	w.to[key] = slice
	return slice
}

// share writes to key the value that was written to like.
func (w *writer) share(key, like string, value []string) {
	w.to[key] = value
	if slices.Contains(w.encoded, like) {
		w.encoded = append(w.encoded, key)
	}
}

// finish lists the headers whose values are encoded.
func (w *writer) finish() {
	if len(w.encoded) > 0 {
		slices.Sort(w.encoded)
		w.raw(encodedHeader, strings.Join(w.encoded, ", "))
	}
}

// plain reports whether a value can be sent as is.
func plain(value string) bool {
	if value == "" {
		return true
	}
	if value[0] == ' ' || value[len(value)-1] == ' ' {
		return false
	}
	for i := range len(value) {
		if value[i] < ' ' || value[i] > '~' {
			return false
		}
	}
	return true
}

// encode percent-encodes bytes outside printable ASCII, %, and leading and trailing spaces.
func encode(value string) string {
	inner := strings.Trim(value, " ")
	first := strings.Index(value, inner)
	var b strings.Builder
	b.Grow(encodedLen(value))
	for i := range len(value) {
		c := value[i]
		if c < ' ' || c > '~' || c == '%' || c == ' ' && (i < first || i >= first+len(inner)) {
			percent(&b, c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// encodedLen returns an upper bound of the length of the encoded value, exact for a plain
// one.
func encodedLen(value string) int {
	if plain(value) {
		return len(value)
	}
	n := len(value)
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c > '~' || c == '%' {
			n += 2
		}
	}
	return n
}

func percent(b *strings.Builder, c byte) {
	b.WriteByte('%')
	b.WriteByte(hexDigits[c>>4])
	b.WriteByte(hexDigits[c&15])
}
