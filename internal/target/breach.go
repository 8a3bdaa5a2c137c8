package target

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"poller/internal/message"
)

// errNoAnswer is an answer whose status says that it is none.
var errNoAnswer = errors.New("no final answer")

// A breach is why there was no whole answer.
type breach struct {
	reason string
	// detail is added to the sentence; empty for none. It is never taken from what
	// the target sent: that may be anything.
	detail string
}

// breachOf sorts an error of a connection that was made. Those of making it are
// sorted in connect.go.
func breachOf(err error) breach {
	_, unsent := errors.AsType[*unsentError](err)
	switch {
	case isTLS(err):
		// With TLS 1.3 the refusal of our certificate comes after the handshake; behind
		// a proxy, all of the handshake is net/http's own.
		return breach{reasonTLS, tlsDetail(err)}
	case unsent:
		return breach{reason: reasonUnsent}
	case isGoAway(err):
		return breach{reason: reasonGoAway}
	case isRefusedStream(err):
		return breach{reason: reasonRefusedStream}
	case isTimeout(err): // no time-out of ours: net/http's for a handshake behind a proxy
		return breach{reason: reasonConnectTimeout}
	case isReset(err):
		return breach{reason: reasonReset}
	default:
		return breach{reason: reasonBrokenAnswer}
	}
}

// isReset says that the connection ended before the answer began. What net/http
// makes of it has no type, neither for a kept connection that the target has
// closed meanwhile nor for what HTTP/2 reports, so those go by their text.
func isReset(err error) bool {
	for _, ended := range []error{
		io.EOF, io.ErrClosedPipe, net.ErrClosed,
		syscall.ECONNRESET, syscall.ECONNABORTED, syscall.EPIPE, syscall.ETIMEDOUT,
	} {
		if errors.Is(err, ended) {
			return true
		}
	}
	text := err.Error()
	for _, ended := range []string{
		"server closed idle connection",
		"GOAWAY", // after which the connection ended, with this request in the target's hands
		"stream error",
		"client connection lost",
		"client conn",
	} {
		if strings.Contains(text, ended) {
			return true
		}
	}
	return false
}

// The texts of net/http's errors of HTTP/2 that have no type.
const (
	goAwayText       = "http2: Transport received Server's graceful shutdown GOAWAY"
	goAwayFirstText  = "http2: Transport received GOAWAY from server ErrCode:"
	unusableText     = "http2: client conn not usable"
	notUsableAtFirst = "http2: client conn could not be established"
)

// isGoAway reports whether the target took its leave of the connection with a GOAWAY that
// says that it has not processed this request: "streams with identifiers higher than the
// last stream identifier … might be retried"
// (https://www.rfc-editor.org/rfc/rfc9113#section-6.8). Those below may have been.
func isGoAway(err error) bool {
	text := err.Error()
	return text == goAwayText || strings.HasPrefix(text, goAwayFirstText)
}

// isUnusable reports whether a connection of HTTP/2 ended, or took its leave, before the
// request had a stream of its own.
func isUnusable(err error) bool {
	text := err.Error()
	return text == unusableText || text == notUsableAtFirst
}

// streamError is net/http's own, which lets itself be read as one of the same fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (e streamError) Error() string { return "stream error" }

// isRefusedStream reports whether the target reset the request's stream with
// REFUSED_STREAM: "the stream is being closed prior to any processing having occurred"
// (https://www.rfc-editor.org/rfc/rfc9113#section-8.7).
func isRefusedStream(err error) bool {
	stream, ok := errors.AsType[streamError](err)
	return ok && stream.Code == 7
}

func isTimeout(err error) bool {
	var network net.Error
	return errors.As(err, &network) && network.Timeout() && !errors.Is(err, syscall.ETIMEDOUT)
}

func isTLS(err error) bool {
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "remote error" {
		return true // crypto/tls's word for an alert of the other side
	}
	return tlsDetail(err) != ""
}

// tlsDetail says what TLS found fault with, as far as that is known and worth
// telling; empty if err is not one of TLS's types.
func tlsDetail(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS there"
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "remote error" {
		return network.Err.Error() // an alert's name
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "local error" && network.Err.Error() == "tls: no renegotiation" {
		return "it asks to renegotiate, which is not done: let it ask for a certificate in the first handshake"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for another name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "its certificate has expired or is not valid yet"
		}
		return "its certificate is not valid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate cannot be verified"
	}
	return ""
}

// sentence says a breach in words of our own: errors of net/http may carry the URL
// with its user info, or pieces of the answer.
func (t *HTTP) sentence(b breach, status int) error {
	after := ""
	if status != 0 {
		after = fmt.Sprintf(" after the status %d", status)
	}
	if why := notProcessed[b.reason]; why != "" {
		return fmt.Errorf("%s did not process the request: %s", t.place, why)
	}
	if breaks[b.reason] == message.Connection {
		why := b.detail
		if why == "" {
			why = connectWords[b.reason]
		}
		return fmt.Errorf("could not connect to %s: %s", t.place, why)
	}
	switch b.reason {
	case reasonTimeout:
		return fmt.Errorf("%s did not end its answer%s within %s (--timeout)", t.place, after, t.limits.timeout)
	case reasonReset:
		return fmt.Errorf("%s closed the connection before its answer", t.place)
	default:
		return fmt.Errorf("the answer of %s was broken off or is not HTTP%s", t.place, after)
	}
}

// notProcessed says how it is known that the target has not processed a request, though
// there was a connection.
var notProcessed = map[string]string{
	reasonGoAway:        "it was taking its leave of the connection (GOAWAY)",
	reasonRefusedStream: "it refused it unseen (REFUSED_STREAM)",
	reasonUnsent:        "the connection ended before it was sent",
}

// connectWords say why there was no connection, where nothing better is known.
var connectWords = map[string]string{
	reasonRefused:        "connection refused",
	reasonUnreachable:    "no route to it",
	reasonDNS:            "its name cannot be resolved",
	reasonTLS:            "the TLS handshake failed",
	reasonProxy:          "the proxy refused to connect to it",
	reasonConnectTimeout: "it did not answer in time",
	reasonConnect:        "the connection failed",
}
