package queue

import (
	"errors"
	"fmt"
	"io"
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
