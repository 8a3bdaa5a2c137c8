package target

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/sqs-poller/poller/internal/message"
)

// errNoAnswer is the error for a status that cannot be final.
var errNoAnswer = errors.New("no final answer")

// A breach is why there was no complete answer.
type breach struct {
	reason string
	// detail is added to the error, if not empty. It never comes from the target, which
	// may send anything.
	detail string
}

// breachOf classifies an error on an established connection. connect.go classifies errors
// of connecting.
func breachOf(err error) breach {
	_, unsent := errors.AsType[*unsentError](err)
	switch {
	case isTLS(err):
		// In TLS 1.3 our certificate is refused after the handshake; behind a proxy,
		// net/http makes the whole handshake.
		return breach{reasonTLS, tlsDetail(err)}
	case unsent:
		return breach{reason: reasonUnsent}
	case isGoAway(err):
		return breach{reason: reasonGoAway}
	case isRefusedStream(err):
		return breach{reason: reasonRefusedStream}
	case isTimeout(err): // not our timeout: net/http's for a handshake behind a proxy
		return breach{reason: reasonConnectTimeout}
	case isReset(err):
		return breach{reason: reasonReset}
	default:
		return breach{reason: reasonBrokenAnswer}
	}
}

// isReset reports whether the connection ended before the answer began. net/http has no
// error type for a kept connection that the target has closed, nor for the errors of
// HTTP/2, so those are recognized by their text.
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
		"GOAWAY", // and then the connection ended, after the target had taken this request
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

// The texts of net/http's HTTP/2 errors without a type.
const (
	goAwayText       = "http2: Transport received Server's graceful shutdown GOAWAY"
	goAwayFirstText  = "http2: Transport received GOAWAY from server ErrCode:"
	unusableText     = "http2: client conn not usable"
	notUsableAtFirst = "http2: client conn could not be established"
)

// isGoAway reports whether the target closed the connection with a GOAWAY that means that
// it has not processed this request: "streams with identifiers higher than the last stream
// identifier … might be retried" (https://www.rfc-editor.org/rfc/rfc9113#section-6.8).
// Lower ones may have been processed.
func isGoAway(err error) bool {
	text := err.Error()
	return text == goAwayText || strings.HasPrefix(text, goAwayFirstText)
}

// isUnusable reports whether an HTTP/2 connection ended, or announced its end, before the
// request had a stream.
func isUnusable(err error) bool {
	text := err.Error()
	return text == unusableText || text == notUsableAtFirst
}

// streamError has the fields of net/http's own type, so that errors.As can fill it in.
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
		return true // how crypto/tls reports an alert from the peer
	}
	return tlsDetail(err) != ""
}

// tlsDetail describes a TLS error, or returns "" if err is not one of TLS's types.
func tlsDetail(err error) string {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "it does not speak TLS on this port"
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "remote error" {
		return network.Err.Error() // the alert's name
	}
	if network, ok := errors.AsType[*net.OpError](err); ok && network.Op == "local error" && network.Err.Error() == "tls: no renegotiation" {
		return "it asked to renegotiate, which is not supported: request the certificate in the first handshake"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "its certificate is signed by an unknown authority"
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "its certificate is for a different name"
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok {
		if invalid.Reason == x509.Expired {
			return "its certificate has expired or is not valid yet"
		}
		return "its certificate is invalid"
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return "its certificate cannot be verified"
	}
	return ""
}

// sentence describes a breach in our own words: errors of net/http may contain the URL with
// its user info, or parts of the answer.
func (t *HTTP) sentence(b breach, status int) error {
	after := ""
	if status != 0 {
		after = fmt.Sprintf(" after the status %d", status)
	}
	if why := notProcessed[b.reason]; why != "" {
		return fmt.Errorf("%s did not process the request: %s", t.place, why)
	}
	if words, ok := unsigned[b.reason]; ok {
		return fmt.Errorf("could not authorize the request to %s: %s", t.place, cmp.Or(b.detail, words))
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
		return fmt.Errorf("%s did not complete its answer%s within %s (--timeout)", t.place, after, t.limits.timeout)
	case reasonReset:
		return fmt.Errorf("%s closed the connection before answering", t.place)
	default:
		return fmt.Errorf("the answer from %s was cut off or is not HTTP%s", t.place, after)
	}
}

// notProcessed says how we know that the target has not processed a request although there
// was a connection.
var notProcessed = map[string]string{
	reasonGoAway:        "it was closing the connection (GOAWAY)",
	reasonRefusedStream: "it refused the stream (REFUSED_STREAM)",
	reasonUnsent:        "the connection ended before it was sent",
}

// unsigned say why a request could not prove who sends it, if nothing more specific is known.
var unsigned = map[string]string{ //nolint:gosec // words, no credentials
	reasonToken:        "there is no token",
	reasonTokenRefused: "it refused the token, and a new one is fetched",
	reasonCredentials:  "there are no AWS credentials at the moment",
}

// connectWords say why there was no connection if nothing more specific is known.
var connectWords = map[string]string{
	reasonRefused:        "connection refused",
	reasonUnreachable:    "no route to host",
	reasonDNS:            "its name cannot be resolved",
	reasonTLS:            "the TLS handshake failed",
	reasonProxy:          "the proxy refused to connect to it",
	reasonConnectTimeout: "it did not answer in time",
	reasonConnect:        "the connection failed",
}
