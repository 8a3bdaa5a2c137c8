package target

import (
	"math/bits"
	"unicode/utf8"
)

// maxJSONDepth is how deep arrays and objects may be nested, as in encoding/json.
const maxJSONDepth = 10_000

// validJSON reports whether text is one JSON value in UTF-8. It is encoding/json's Valid
// and utf8.ValidString at a fraction of their cost: a string is read eight bytes at a time.
func validJSON(text string) bool {
	v := validator{text: text}
	v.space()
	if !v.value(1) {
		return false
	}
	v.space()
	return v.at == len(text) && (v.high&tops == 0 || utf8.ValidString(text))
}

// validator reads a text from its beginning to its end. Its methods return false where it
// is not JSON.
type validator struct {
	text string
	at   int
	high uint64 // all bytes of strings together: no top bit is set if all are ASCII
}

func (v *validator) space() {
	for v.at < len(v.text) {
		switch v.text[v.at] {
		case ' ', '\t', '\r', '\n':
			v.at++
		default:
			return
		}
	}
}

// next consumes c if it is next.
func (v *validator) next(c byte) bool {
	if v.at < len(v.text) && v.text[v.at] == c {
		v.at++
		return true
	}
	return false
}

func (v *validator) literal(word string) bool {
	if len(v.text)-v.at < len(word) || v.text[v.at:v.at+len(word)] != word {
		return false
	}
	v.at += len(word)
	return true
}

func (v *validator) value(depth int) bool {
	if v.at == len(v.text) {
		return false
	}
	switch v.text[v.at] {
	case '{':
		return v.object(depth)
	case '[':
		return v.array(depth)
	case '"':
		return v.string()
	case 't':
		return v.literal("true")
	case 'f':
		return v.literal("false")
	case 'n':
		return v.literal("null")
	default:
		return v.number()
	}
}

func (v *validator) object(depth int) bool {
	if v.at++; depth > maxJSONDepth {
		return false
	}
	if v.space(); v.next('}') {
		return true
	}
	for {
		if v.at == len(v.text) || v.text[v.at] != '"' || !v.string() {
			return false
		}
		if v.space(); !v.next(':') {
			return false
		}
		if v.space(); !v.value(depth + 1) {
			return false
		}
		if v.space(); v.next('}') {
			return true
		}
		if !v.next(',') {
			return false
		}
		v.space()
	}
}

func (v *validator) array(depth int) bool {
	if v.at++; depth > maxJSONDepth {
		return false
	}
	if v.space(); v.next(']') {
		return true
	}
	for {
		if !v.value(depth + 1) {
			return false
		}
		if v.space(); v.next(']') {
			return true
		}
		if !v.next(',') {
			return false
		}
		v.space()
	}
}

func (v *validator) number() bool {
	v.next('-')
	if !v.next('0') && !v.digits() {
		return false
	}
	if v.next('.') && !v.digits() {
		return false
	}
	if v.next('e') || v.next('E') {
		_ = v.next('+') || v.next('-')
		return v.digits()
	}
	return true
}

// digits consumes one digit or more.
func (v *validator) digits() bool {
	begin := v.at
	for v.at < len(v.text) && isDigit(v.text[v.at]) {
		v.at++
	}
	return v.at > begin
}

// ones and tops are a byte of 1, or its top bit, eight times.
const ones, tops = 0x0101010101010101, 0x8080808080808080

// load returns the eight bytes of text from at on.
func load(text string, at int) uint64 {
	b := text[at : at+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

func (v *validator) string() bool {
	text, at, all := v.text, v.at+1, v.high
	for {
		for at+8 <= len(text) {
			w := load(text, at)
			quote, escape := w^ones*'"', w^ones*'\\'
			// The lowest bit is in the first byte that ends a run of plain ones: a quotation
			// mark, a backslash or a control character.
			ends := ((w-ones*' ')&^w | (quote-ones)&^quote | (escape-ones)&^escape) & tops
			if all |= w; ends != 0 {
				at += bits.TrailingZeros64(ends) / 8
				break
			}
			at += 8
		}
		if at >= len(text) {
			return false
		}
		c := text[at]
		switch at++; {
		case c == '"':
			v.at, v.high = at, all
			return true
		case c == '\\':
			n := escapeLen(text[at:])
			if at += n; n == 0 {
				return false
			}
		case c < ' ':
			return false
		default:
			all |= uint64(c)
		}
	}
}

// escapeLen returns the length of the escape sequence at the beginning of text, behind its
// backslash, or 0 if there is none.
func escapeLen(text string) int {
	if text == "" {
		return 0
	}
	switch text[0] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 1
	case 'u':
		if len(text) < 5 {
			return 0
		}
		for i := 1; i < 5; i++ {
			if c := text[i] | 0x20; !isDigit(text[i]) && (c < 'a' || c > 'f') {
				return 0
			}
		}
		return 5
	default:
		return 0
	}
}
