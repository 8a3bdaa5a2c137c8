package target

import (
	"errors"
	"fmt"
	"net/textproto"
	"strings"
)

// maxHeaderValue bounds a configured value. Most servers refuse longer lines.
const maxHeaderValue = 8 << 10

// A Header is sent with every message.
type Header struct {
	Name string
	// Value is the value, if File is empty.
	Value string
	// File is a file with the value, whose trailing line break is dropped. It is read
	// again when it changes.
	File string
}

// reserved are the names that cannot be configured, because they belong to the connection
// or to poller. Content-Type, Host and User-Agent can be: a configured Content-Type takes
// precedence over the message's.
var reserved = map[string]string{
	"Connection":          "the connection's own",
	"Content-Length":      "the connection's own",
	"Expect":              "the connection's own",
	"Keep-Alive":          "the connection's own",
	"Proxy-Authorization": "the proxy's: set user and password in HTTPS_PROXY",
	"Proxy-Connection":    "the connection's own",
	"Te":                  "the connection's own",
	"Trailer":             "the connection's own",
	"Transfer-Encoding":   "the connection's own",
	"Upgrade":             "the connection's own",
	"Idempotency-Key":     "the message's id",
	"X-Idempotency-Key":   "the message's own: use Idempotency-Key, which is always sent",
	"Traceparent":         "taken from the message",
	"X-Amzn-Trace-Id":     "taken from the message",
	"Tracestate":          "taken from the message",
}

// single are the names that can be configured only once.
var single = map[string]bool{"Authorization": true, "Content-Type": true, "Host": true, "User-Agent": true}

// ParseHeader parses "Name: value", or "Name: @file" for a value in a file. It refuses line
// breaks and other control characters, invalid names, empty values, and reserved names:
// those of the connection (Connection, Content-Length, Expect, Keep-Alive, Proxy-*, TE,
// Trailer, Transfer-Encoding, Upgrade), of the message (Idempotency-Key, traceparent,
// tracestate, X-Amzn-Trace-Id) and X-Poller-*. The error never contains the value.
func ParseHeader(s string) (Header, error) {
	name, value, found := strings.Cut(s, ":")
	if !found {
		return Header{}, errors.New("a header has no colon: use 'Name: value' or 'Name: @file'")
	}
	h := Header{Name: strings.TrimSpace(name), Value: strings.Trim(value, " \t")}
	if file, isFile := strings.CutPrefix(h.Value, "@"); isFile {
		h.Value, h.File = "", file
		if file == "" {
			return Header{}, fmt.Errorf("%s has no file name after the @", quoteName(h.Name))
		}
	}
	if err := h.validate(); err != nil {
		return Header{}, err
	}
	return h, nil
}

// validate checks a header, except for the contents of its file.
func (h Header) validate() error {
	if !isToken(h.Name) {
		return errors.New("a header's name is empty or has characters that HTTP does not allow: use 'Name: value'")
	}
	key := textproto.CanonicalMIMEHeaderKey(h.Name)
	if why, ok := reserved[key]; ok {
		return fmt.Errorf("the header %s cannot be set: it is %s", h.Name, why)
	}
	if strings.HasPrefix(key, "X-Poller-") {
		return fmt.Errorf("the header %s cannot be set: X-Poller- is poller's own", h.Name)
	}
	if h.File != "" {
		if strings.ContainsFunc(h.File, isControl) {
			return fmt.Errorf("the header %s has a file name with control characters", h.Name)
		}
		return nil
	}
	return validValue(h.Name, h.Value)
}

// validValue checks a configured header's value.
func validValue(name, value string) error {
	switch {
	case value == "":
		return fmt.Errorf("the header %s has no value", name)
	case len(value) > maxHeaderValue:
		return fmt.Errorf("the header %s has a value of more than 8 KiB", name)
	case strings.ContainsAny(value, "\r\n"):
		return fmt.Errorf("the header %s has a line break in its value", name)
	case strings.ContainsFunc(value, isControl):
		return fmt.Errorf("the header %s has control characters in its value", name)
	case textproto.CanonicalMIMEHeaderKey(name) == "Host" && strings.ContainsAny(value, " /\\@?#,"):
		return fmt.Errorf("the header %s is not host or host:port", name)
	}
	return nil
}

// IsSecretName reports whether the value of a header with this name must not appear on a
// command line or in a log: Authorization, Proxy-Authorization, Cookie, X-Api-Key, and
// names ending in -Token, -Key or -Secret, ignoring case.
func IsSecretName(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	switch name {
	case "authorization", "proxy-authorization", "cookie", "x-api-key":
		return true
	}
	return strings.HasSuffix(name, "-token") || strings.HasSuffix(name, "-key") || strings.HasSuffix(name, "-secret")
}

// quoteName returns how to refer to a header in an error. An invalid name is not shown: it
// may be a secret typed in the wrong place.
func quoteName(name string) string {
	if isToken(name) {
		return "the header " + name
	}
	return "a header"
}

// isControl reports whether r is a control character other than tab.
func isControl(r rune) bool { return r < 0x20 && r != '\t' || r == 0x7f }

// isToken reports whether s is a valid header name.
func isToken(s string) bool {
	for i := range len(s) {
		if !tokenByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func tokenByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' ||
		strings.IndexByte("!#$%&'*+-.^_`|~", b) >= 0
}
