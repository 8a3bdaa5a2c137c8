package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// errNotSQS is the error of a successful response that cannot be read.
var errNotSQS = errors.New("the answer is not from SQS")

// maxDepth is how deep arrays and objects may be nested, as in the SDK.
const maxDepth = 10_000

// scanner reads JSON from a window over a response. The window is the whole response, or
// slides over it: it then holds what was read ahead and the token that is being read.
//
// A string is turned into Go's form once, when its end has been seen and its length is
// known, so that a body is allocated once and copied once.
type scanner struct {
	source io.Reader // of what is not in the window yet; nil: nothing
	window []byte
	next   int // the next byte
	token  int // start of the token that is being read, or -1
	key    []byte
	err    error
}

// newScanner returns a scanner of window and, if it is not nil, what source has after it.
func newScanner(window []byte, source io.Reader) *scanner {
	return &scanner{source: source, window: window, token: -1}
}

// more reads more into the window. It returns false if there is no more.
func (s *scanner) more() bool {
	if s.source == nil || s.err != nil {
		return false
	}
	if len(s.window) == cap(s.window) {
		from := s.next
		if s.token >= 0 {
			from = s.token
		}
		if from == 0 { // it is all one token
			larger := make([]byte, len(s.window), max(2*cap(s.window), 512))
			copy(larger, s.window)
			s.window = larger
		} else {
			s.window = s.window[:copy(s.window, s.window[from:])]
			s.next -= from
			s.token = min(s.token, 0)
		}
	}
	n, err := s.source.Read(s.window[len(s.window):cap(s.window)])
	s.window = s.window[:len(s.window)+n]
	s.err = err
	return n > 0 || err == nil && s.more()
}

// failed returns why what is read is not as expected.
func (s *scanner) failed(what string) error {
	if s.err != nil && !errors.Is(s.err, io.EOF) {
		return s.err
	}
	return fmt.Errorf("%w: %s", errNotSQS, what)
}

// peek returns the next byte that is not white space, without consuming it; 0 at the end.
func (s *scanner) peek() byte {
	for {
		for ; s.next < len(s.window); s.next++ {
			switch c := s.window[s.next]; c {
			case ' ', '\t', '\r', '\n':
			default:
				return c
			}
		}
		if !s.more() {
			return 0
		}
	}
}

// take consumes c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.next == len(s.window) {
		return false
	}
	s.next++
	return true
}

// object calls member for each key of an object, with the scanner at its value, which
// member has to consume. The key is valid until another object is read.
func (s *scanner) object(member func(key []byte) error) error {
	if !s.take('{') {
		return s.failed("an object is missing")
	}
	if s.take('}') {
		return nil
	}
	for {
		key, err := s.quoted()
		if err != nil {
			return err
		}
		if s.key = append(s.key[:0], key.raw...); key.escapes {
			s.key = append(s.key[:0], key.String()...)
		}
		if !s.take(':') {
			return s.failed("a colon is missing")
		}
		if err := member(s.key); err != nil {
			return err
		}
		if s.take('}') {
			return nil
		}
		if !s.take(',') {
			return s.failed("an object does not end")
		}
	}
}

// array calls element for each element of an array.
func (s *scanner) array(element func() error) error {
	if !s.take('[') {
		return s.failed("an array is missing")
	}
	if s.take(']') {
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if s.take(']') {
			return nil
		}
		if !s.take(',') {
			return s.failed("an array does not end")
		}
	}
}

// null consumes null if it is next. An error shows when what follows is read.
func (s *scanner) null() bool { return s.peek() == 'n' && s.literal("null") == nil }

// skip consumes a value of any type. An array or object would be that deep, counted from 1.
func (s *scanner) skip(depth int) error {
	if c := s.peek(); (c == '{' || c == '[') && depth > maxDepth {
		return s.failed("it is nested too deep")
	}
	switch s.peek() {
	case '{':
		return s.object(func([]byte) error { return s.skip(depth + 1) })
	case '[':
		return s.array(func() error { return s.skip(depth + 1) })
	case '"':
		_, err := s.quoted()
		return err
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	default:
		return s.number()
	}
}

func (s *scanner) literal(text string) error {
	if s.peek() == 0 || !s.ahead(len(text)) || string(s.window[s.next:s.next+len(text)]) != text {
		return s.failed("an unknown value")
	}
	s.next += len(text)
	return nil
}

// ahead makes sure that n bytes are in the window from the next on.
func (s *scanner) ahead(n int) bool {
	for s.next+n > len(s.window) {
		if s.keeping(s.more) {
			continue
		}
		return false
	}
	return true
}

// keeping keeps what is not consumed in the window while read is called.
func (s *scanner) keeping(read func() bool) bool {
	if s.token >= 0 {
		return read()
	}
	s.token = s.next
	defer func() { s.token = -1 }()
	return read()
}

// number consumes a number.
func (s *scanner) number() error {
	digits := func() (first byte, n int) {
		for s.ahead(1) && s.window[s.next] >= '0' && s.window[s.next] <= '9' {
			if n == 0 {
				first = s.window[s.next]
			}
			n++
			s.next++
		}
		return first, n
	}
	is := func(c byte) bool {
		if s.ahead(1) && s.window[s.next] == c {
			s.next++
			return true
		}
		return false
	}
	is('-')
	if first, n := digits(); n == 0 || first == '0' && n > 1 {
		return s.failed("an unknown value")
	}
	if is('.') {
		if _, n := digits(); n == 0 {
			return s.failed("a number ends with its point")
		}
	}
	if is('e') || is('E') {
		_ = is('+') || is('-')
		if _, n := digits(); n == 0 {
			return s.failed("a number ends with its exponent")
		}
	}
	return nil
}

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
