package target

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"slices"
)

const (
	// maxResponse is how much a function may answer:
	// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	maxResponse = 6 << 20
	// maxNesting bounds the levels of an answer.
	maxNesting = 1000
	// maxText bounds what is kept of a key or a message id. Both are far shorter.
	maxText = 256
)

// response is what a function's answer says of the messages of its event.
type response struct {
	// failed has an entry for each message.
	failed []bool
	// crashed reports whether the answer is the description of an error. The runtime
	// interface emulator answers so with 200, without a header that tells.
	crashed bool
}

// invalidAnswer is an answer that breaks Lambda's rules, so that every message failed.
type invalidAnswer struct{ why string }

func (e *invalidAnswer) Error() string { return e.why }

var (
	errNotJSON  = &invalidAnswer{"it is not JSON"}
	errTooLong  = &invalidAnswer{"it is longer than 6 MB"}
	errTooDeep  = &invalidAnswer{"it is nested too deeply"}
	errNoList   = &invalidAnswer{"its batchItemFailures is not a list"}
	errNoID     = &invalidAnswer{"an entry of batchItemFailures has no itemIdentifier"}
	errOtherID  = &invalidAnswer{"it names a message that is not in the event"}
	errEndOfAll = errors.New("the answer ended") // becomes errNotJSON
)

// readFailures reads a function's answer to an event with the messages of these ids. No
// answer, null, an empty object and an empty list mean that no message failed. It reads a
// stream, and keeps no more of it than one key or id.
func readFailures(answer io.Reader, ids []string) (response, error) {
	limited := &io.LimitedReader{R: answer, N: maxResponse + 1}
	r := failureReader{in: bufio.NewReaderSize(limited, 512), ids: ids}
	r.found.failed = make([]bool, len(ids))
	err := r.answer()
	switch {
	case limited.N == 0:
		return response{}, errTooLong
	case errors.Is(err, errEndOfAll):
		return response{}, errNotJSON
	}
	r.found.crashed = r.errorType && r.errorMessage && !r.list
	return r.found, err
}

// failureReader parses JSON. Its errors are invalidAnswers, errEndOfAll, or those of the
// connection.
type failureReader struct {
	in    *bufio.Reader
	ids   []string
	text  []byte // of the last string, as far as it fits
	long  bool   // it does not
	found response

	list, errorType, errorMessage bool // the keys that the answer has
}

func (r *failureReader) answer() error {
	c, err := r.next()
	switch {
	case errors.Is(err, errEndOfAll):
		return nil // no answer at all
	case err != nil:
		return err
	case c == '{':
		err = r.object(1, r.topLevel)
	default:
		err = r.value(c, 0)
	}
	if err != nil {
		return err
	}
	if _, err := r.next(); !errors.Is(err, errEndOfAll) {
		return orNotJSON(err)
	}
	return nil
}

// topLevel reads the value of one of the answer's own keys.
func (r *failureReader) topLevel(key string, c byte) error {
	switch key {
	case "batchItemFailures":
		r.list = true
		switch c {
		case 'n':
			return r.word("null"[1:])
		case '[':
			return r.array(2, r.entry)
		default:
			return r.instead(c, errNoList)
		}
	case "errorType":
		r.errorType = true
	case "errorMessage":
		r.errorMessage = true
	}
	return r.value(c, 1)
}

// entry reads an entry of batchItemFailures.
func (r *failureReader) entry(c byte) error {
	if c != '{' {
		return r.instead(c, errNoID)
	}
	has := false
	err := r.object(3, func(key string, c byte) error {
		if key != "itemIdentifier" {
			return r.value(c, 3)
		}
		if c != '"' {
			return r.instead(c, errNoID)
		}
		has = true
		if err := r.string(); err != nil {
			return err
		}
		return r.name()
	})
	if err == nil && !has {
		return errNoID
	}
	return err
}

// name notes that the message whose id was read last has failed.
func (r *failureReader) name() error {
	id, ok := r.last()
	if id == "" && ok {
		return errNoID
	}
	i := slices.Index(r.ids, id)
	if !ok || i < 0 {
		return errOtherID
	}
	r.found.failed[i] = true
	return nil
}

// instead reads a value that has no place here, so that what is no JSON is called that.
func (r *failureReader) instead(c byte, why error) error {
	if err := r.value(c, 3); err != nil {
		return err
	}
	return why
}

// value reads a value that begins with c, within depth arrays and objects.
func (r *failureReader) value(c byte, depth int) error {
	switch c {
	case '{':
		return r.object(depth+1, func(_ string, c byte) error { return r.value(c, depth+1) })
	case '[':
		return r.array(depth+1, func(c byte) error { return r.value(c, depth+1) })
	case '"':
		return r.string()
	case 't':
		return r.word("true"[1:])
	case 'f':
		return r.word("false"[1:])
	case 'n':
		return r.word("null"[1:])
	default:
		return r.number(c)
	}
}

// object reads what follows a brace. each gets every key and the first byte of its value.
func (r *failureReader) object(depth int, each func(key string, c byte) error) error {
	if depth > maxNesting {
		return errTooDeep
	}
	c, err := r.next()
	for first := true; err == nil && (!first || c != '}'); first = false {
		if c != '"' {
			return errNotJSON
		}
		if err = r.string(); err != nil {
			return err
		}
		key, _ := r.last()
		if c, err = r.next(); err == nil && c != ':' {
			return errNotJSON
		}
		if c, err = r.nextAfter(err); err != nil {
			return err
		}
		if err = each(key, c); err != nil {
			return err
		}
		if c, err = r.next(); err != nil || c == '}' {
			break
		}
		if c != ',' {
			return errNotJSON
		}
		c, err = r.next()
	}
	return err
}

// array reads what follows a bracket. each gets the first byte of every element.
func (r *failureReader) array(depth int, each func(c byte) error) error {
	if depth > maxNesting {
		return errTooDeep
	}
	c, err := r.next()
	for first := true; err == nil && (!first || c != ']'); first = false {
		if err = each(c); err != nil {
			return err
		}
		if c, err = r.next(); err != nil || c == ']' {
			break
		}
		if c != ',' {
			return errNotJSON
		}
		c, err = r.next()
	}
	return err
}

// string reads what follows a quote, and keeps it as it was written.
func (r *failureReader) string() error {
	r.text, r.long = append(r.text[:0], '"'), false
	for {
		c, err := r.byte()
		switch {
		case err != nil:
			return err
		case c < ' ':
			return errNotJSON
		}
		r.keep(c)
		switch c {
		case '"':
			return nil
		case '\\':
			if err := r.escape(); err != nil {
				return err
			}
		}
	}
}

func (r *failureReader) escape() error {
	c, err := r.byte()
	if err != nil {
		return err
	}
	r.keep(c)
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return errNotJSON
	}
	for range 4 {
		c, err := r.byte()
		if err != nil {
			return err
		}
		if !isDigit(c) && (lower(c) < 'a' || lower(c) > 'f') {
			return errNotJSON
		}
		r.keep(c)
	}
	return nil
}

func (r *failureReader) keep(c byte) {
	if len(r.text) < maxText {
		r.text = append(r.text, c)
	} else {
		r.long = true
	}
}

// last returns the string that was read last, and whether it was kept whole.
func (r *failureReader) last() (s string, whole bool) {
	if r.long || json.Unmarshal(r.text, &s) != nil {
		return "", false
	}
	return s, true
}

// number reads a number that begins with c.
func (r *failureReader) number(c byte) error {
	var err error
	digits := func() bool {
		some := false
		for err == nil && isDigit(c) {
			some = true
			c, err = r.byte()
		}
		return some
	}
	if c == '-' {
		if c, err = r.byte(); err != nil {
			return err
		}
	}
	if c == '0' {
		c, err = r.byte()
	} else if !digits() {
		return orNotJSON(err)
	}
	if err == nil && c == '.' {
		if c, err = r.byte(); !digits() {
			return orNotJSON(err)
		}
	}
	if err == nil && lower(c) == 'e' {
		if c, err = r.byte(); err == nil && (c == '+' || c == '-') {
			c, err = r.byte()
		}
		if !digits() {
			return orNotJSON(err)
		}
	}
	if errors.Is(err, errEndOfAll) {
		return nil // it was the whole answer
	}
	if err == nil {
		err = r.in.UnreadByte()
	}
	return err
}

// orNotJSON is err, or errNotJSON if there is none.
func orNotJSON(err error) error {
	if err == nil {
		return errNotJSON
	}
	return err
}

func (r *failureReader) word(rest string) error {
	for i := range len(rest) {
		c, err := r.byte()
		if err != nil {
			return err
		}
		if c != rest[i] {
			return errNotJSON
		}
	}
	return nil
}

// next returns the next byte that is not white space.
func (r *failureReader) next() (byte, error) {
	for {
		c, err := r.byte()
		if err != nil || c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return c, err
		}
	}
}

func (r *failureReader) nextAfter(err error) (byte, error) {
	if err != nil {
		return 0, err
	}
	return r.next()
}

func (r *failureReader) byte() (byte, error) {
	c, err := r.in.ReadByte()
	if errors.Is(err, io.EOF) {
		err = errEndOfAll
	}
	return c, err
}
