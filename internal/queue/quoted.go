package queue

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// quoted is a string as it was sent, without quotation marks, and the length of what it
// says. raw is valid until the scanner goes on.
type quoted struct {
	raw     []byte
	size    int
	escapes bool
}

// ones and tops are a byte of 1, or its top bit, eight times.
const ones, tops = 0x0101010101010101, 0x8080808080808080

// special returns a word whose lowest set bit is in the first byte of w that ends a run
// of plain ones: a quotation mark, a backslash or a control character.
func special(w uint64) uint64 {
	quote, escape := w^ones*'"', w^ones*'\\'
	return ((w-ones*' ')&^w | (quote-ones)&^quote | (escape-ones)&^escape) & tops
}

// quoted consumes a string.
func (s *scanner) quoted() (quoted, error) {
	if !s.take('"') {
		return quoted{}, s.failed("a string is missing")
	}
	s.token = s.next
	defer func() { s.token = -1 }()
	saved := 0
	escapes := false
	for {
		for s.next+8 <= len(s.window) {
			found := special(binary.LittleEndian.Uint64(s.window[s.next:]))
			if found != 0 {
				s.next += bits.TrailingZeros64(found) / 8
				break
			}
			s.next += 8
		}
		if s.next == len(s.window) && !s.more() {
			return quoted{}, s.failed("a string does not end")
		}
		switch c := s.window[s.next]; {
		case c == '"':
			raw := s.window[s.token:s.next]
			s.next++
			return quoted{raw: raw, size: len(raw) - saved, escapes: escapes}, nil
		case c == '\\':
			escapes = true
			n, err := s.escape()
			if err != nil {
				return quoted{}, err
			}
			saved += n
		case c < ' ':
			return quoted{}, s.failed("a control character in a string")
		default:
			s.next++
		}
	}
}

// escape consumes an escape sequence and returns by how many bytes it is longer than what
// it stands for. A pair of surrogates is one sequence.
func (s *scanner) escape() (saved int, err error) {
	if !s.ahead(2) {
		return 0, s.failed("a string does not end")
	}
	switch s.window[s.next+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.next += 2
		return 1, nil
	case 'u':
	default:
		return 0, s.failed("an unknown escape sequence")
	}
	if !s.ahead(6) {
		return 0, s.failed("a string does not end")
	}
	r, n := unit(s.window[s.next:])
	if n == 0 {
		return 0, s.failed("an unknown escape sequence")
	}
	if utf16.IsSurrogate(r) && s.ahead(12) {
		r, n = unescape(s.window[s.next:])
	}
	s.next += n
	return n - utf8.RuneLen(valid(r)), nil
}

// valid returns r, or U+FFFD for half a pair of surrogates.
func valid(r rune) rune {
	if utf16.IsSurrogate(r) {
		return utf8.RuneError
	}
	return r
}

// unit returns the code unit of \uXXXX at the beginning of b, and 6; or 0, 0.
func unit(b []byte) (r rune, n int) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, 0
	}
	for _, c := range b[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, 0
		}
		r = r<<4 | rune(c)
	}
	return r, 6
}

// unescape returns the character of the \u sequence or the pair of them at the beginning
// of b, and its length.
func unescape(b []byte) (r rune, n int) {
	r, n = unit(b)
	if utf16.IsSurrogate(r) {
		if low, m := unit(b[n:]); m > 0 {
			if both := utf16.DecodeRune(r, low); both != utf8.RuneError {
				return both, n + m
			}
		}
	}
	return valid(r), n
}

// plainEscapes are the characters that the letter of an escape sequence stands for.
var plainEscapes = [256]byte{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// String returns what the string says. Like the SDK, it replaces what is not UTF-8 only in
// a string with escape sequences.
func (q quoted) String() string {
	if !q.escapes {
		return string(q.raw)
	}
	raw, size := q.raw, q.size
	isUTF8 := utf8.Valid(raw)
	if !isUTF8 {
		size += 2 * len(raw)
	}
	var b strings.Builder
	b.Grow(size)
	for len(raw) > 0 {
		run := 0
		for run < len(raw) && raw[run] != '\\' && (isUTF8 || raw[run] < utf8.RuneSelf) {
			run++
		}
		b.Write(raw[:run])
		raw = raw[run:]
		switch {
		case len(raw) == 0:
		case raw[0] != '\\':
			r, n := utf8.DecodeRune(raw)
			b.WriteRune(r)
			raw = raw[n:]
		case raw[1] == 'u':
			r, n := unescape(raw)
			b.WriteRune(r)
			raw = raw[n:]
		default:
			b.WriteByte(plainEscapes[raw[1]])
			raw = raw[2:]
		}
	}
	return b.String()
}

// string consumes a string and returns what it says.
func (s *scanner) string() (string, error) {
	q, err := s.quoted()
	if err != nil {
		return "", err
	}
	return q.String(), nil
}

// integer consumes a string and returns the decimal number in it, if it is one.
func (s *scanner) integer() (n int64, ok bool, err error) {
	q, err := s.quoted()
	if err != nil {
		return 0, false, err
	}
	if q.escapes {
		n, err = strconv.ParseInt(q.String(), 10, 64)
	} else {
		n, err = strconv.ParseInt(string(q.raw), 10, 64) // does not allocate
	}
	if err != nil {
		return 0, false, nil //nolint:nilerr // it is a string, and that is no error
	}
	return n, true, nil
}
