package queue

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	// maxQuote is how much of SQS's own message is shown.
	maxQuote = 300
	// shortestSecret is the length from which that message is searched for a body: a
	// shorter body would match anything.
	shortestSecret = 6
)

// failed classifies the error of a call whose timeout was limit.
func (c *Client) failed(ctx context.Context, a action, queue string, err error, limit time.Duration) *message.SQSError {
	e := &message.SQSError{Action: a.String(), Queue: queue, Fault: message.Network}
	switch ctx.Err() {
	case nil:
	case context.DeadlineExceeded:
		e.Err = c.unanswered(ctx.Err(), limit)
		return e
	default:
		e.Err = fmt.Errorf("the call was canceled: %w", ctx.Err())
		return e
	}
	if none, ok := errors.AsType[*noCredentials](err); ok {
		if !passes(none.err, onEC2()) {
			e.Fault = message.Refused
		}
		e.Err = none.sentence()
		c.renew()
		return e
	}
	status := 0
	if answered, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		status = answered.HTTPStatusCode()
	}
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case ok:
		e.Code = api.ErrorCode()
		if e.Code == "UnknownError" { // the SDK's placeholder
			e.Code = ""
		}
		c.say(e, a, classify(e.Code, api.ErrorMessage(), status), api.ErrorMessage(), status)
	case status/100 == 2, errors.Is(err, errNotSQS):
		e.Err = errors.New("the answer is not from SQS: the same call may succeed if repeated")
	case status != 0:
		c.say(e, a, classify("", "", status), "", status)
	default:
		e.Err = c.unanswered(err, limit)
	}
	return e
}

// say completes e according to v. text is SQS's own message; secrets are the parts of the
// request that it may quote.
func (c *Client) say(e *message.SQSError, a action, v verdict, text string, status int, secrets ...string) {
	e.Fault = v.fault
	code := plain(e.Code)
	if code == "" {
		code = fmt.Sprintf("status %d", status)
	}
	sentence := strings.NewReplacer(
		"{place}", c.place(), "{iam}", a.permission(), "{code}", code,
	).Replace(v.say)
	if quote := clean(text, secrets); v.quote && quote != "" && text != "UnknownError" {
		sentence += ": SQS says \"" + quote + "\""
	}
	e.Err = errors.New(sentence)
	if v.credentials && v.fault == message.Refused {
		c.renew()
	}
}

// renew fetches credentials again if they do not work.
func (c *Client) renew() {
	if c.credentials.renew(time.Now()) {
		c.log.Debug("fetching credentials again: SQS refused the old ones, or there were none")
	}
}

// place says where calls go.
func (c *Client) place() string { return "in region " + c.region + " at " + c.endpoint }

// clean prepares SQS's message for use in ours: on one line, shortened, and without what it
// quotes from the request.
func clean(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= shortestSecret {
			text = strings.ReplaceAll(text, s, "…")
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) > maxQuote {
		cut := maxQuote
		for !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return strings.TrimSuffix(strings.TrimSpace(text), ".")
}

// unanswered says why there was no response. It names only the endpoint: a proxy's URL,
// which net/http's errors may show, can contain a password.
func (c *Client) unanswered(err error, limit time.Duration) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s from %s", limit, c.endpoint)
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	reason := "the connection failed"
	dns, isDNS := errors.AsType[*net.DNSError](err)
	op, isOp := errors.AsType[*net.OpError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	unverified, isUnverified := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case isDNS && dns.IsNotFound:
		reason = "no such host: " + dns.Name
	case isDNS:
		reason = "cannot resolve " + dns.Name
	case isUnverified:
		reason = "its certificate is not trusted (" + unverified.Err.Error() + ")"
		if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
			reason += ": set AWS_CA_BUNDLE to a file with its CA certificate"
		}
	case isRecord, errors.Is(err, http.ErrSchemeMismatch):
		reason = "it does not speak TLS: use http:// in AWS_ENDPOINT_URL_SQS if you mean plain HTTP"
	case isOp && op.Op == "proxyconnect":
		reason = "the proxy in HTTPS_PROXY cannot be reached"
	case isOp && op.Err != nil:
		reason = op.Err.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		reason = "the connection was closed before the answer was complete"
	case errors.Is(err, errAnswerTooLong):
		reason = errAnswerTooLong.Error()
	}
	return fmt.Errorf("no answer from %s: %s", c.endpoint, reason)
}
