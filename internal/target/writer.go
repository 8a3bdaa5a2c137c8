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

// writer puts what comes from a message into a request's headers, so that whatever
// a value holds it stays one value of one header. A value with bytes outside of
// printable ASCII is percent-encoded, % itself too, and its header is named in
// X-Poller-Encoded. So is one that begins or ends with a space: HTTP would drop it.
type writer struct {
	to      http.Header
	room    [12]string // for the values of most messages
	used    int
	encoded []string
}

// set writes one value under a key that is a header's name. It returns the value's
// slice, which another header may share.
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

// share writes under key what has been written under like.
func (w *writer) share(key, like string, value []string) {
	w.to[key] = value
	if slices.Contains(w.encoded, like) {
		w.encoded = append(w.encoded, key)
	}
}

// finish names the headers whose values are encoded.
func (w *writer) finish() {
	if len(w.encoded) > 0 {
		slices.Sort(w.encoded)
		w.raw(encodedHeader, strings.Join(w.encoded, ", "))
	}
}

// plain says that a value can be sent as it is.
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

// encode percent-encodes what is outside of printable ASCII, %, and the spaces at
// the ends.
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

// encodedLen is at least the length of the value when it is encoded, and exactly the
// length of a plain one's.
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
