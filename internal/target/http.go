package target

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	told "github.com/sqs-poller/poller/internal/limits"
	"github.com/sqs-poller/poller/internal/message"
)

const (
	// maxAnswerHeaders bounds an answer's headers, including those of informational
	// answers (1xx) before it.
	maxAnswerHeaders = 64 << 10
	// http2Silence is how long an HTTP/2 connection may be silent before it is pinged. A
	// dead one would otherwise fail all deliveries until TCP gives up.
	http2Silence = 10 * time.Second
)

// Options configure deliveries to a target.
type Options struct {
	// Name is the target's name, for logs.
	Name string
	// Format is how a message becomes a request, one of Formats; empty means raw.
	Format string
	// UnwrapSNS delivers what is in the body of an SNS notification, instead of the body.
	UnwrapSNS bool
	// URL is where messages are POSTed to; see ValidateURL. Its user info is sent as
	// basic authentication.
	URL string
	// Timeout bounds a delivery, from connecting to the end of the answer. It must be
	// positive.
	Timeout time.Duration
	// Batch is how many messages a request carries at most; 0 means 1. Over 1 the format is
	// one of Batches, and a request for one message is a batch too.
	Batch int
	// Slots is how many deliveries may run concurrently, at least 1.
	Slots int
	// Auth says how requests prove who sends them.
	Auth Auth
	// Headers are sent with every message.
	Headers []Header
	// TLS names files for an https target. If empty, the system's roots are used, and no
	// client certificate.
	TLS TLS
	// DialContext makes the connections. If nil, a net.Dialer does, using the proxies in
	// HTTPS_PROXY, HTTP_PROXY and NO_PROXY. If set, no proxies are used.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger logs changes of header and TLS files. If nil, nothing is logged.
	Logger *slog.Logger
	// UserAgent is sent as User-Agent unless Headers has one.
	UserAgent string
}

// HTTP delivers to one target. It is safe for concurrent use.
type HTTP struct {
	// place is the URL's scheme and host, the only parts that errors may show.
	place    string
	limits   limits
	template *http.Request
	format   format
	needsARN bool
	headers  *headers
	inside   envelopes
	signers  []signer
	tokens   *tokens // one of the signers, or nil
	pool     *pool
}

// New checks the options and returns an HTTP. It makes no connections. Its errors name the
// setting: --target, --header, --timeout, --concurrency, or the proxy's variable.
func New(o Options) (*HTTP, error) {
	return build(o, security{proxy: http.ProxyFromEnvironment})
}

func build(o Options, s security) (*HTTP, error) {
	if err := ValidateURL(o.URL); err != nil {
		return nil, fmt.Errorf("--target: %w", err)
	}
	if o.Timeout <= 0 {
		return nil, fmt.Errorf("--timeout: %s is not positive: set how long one delivery may take, such as 30s", o.Timeout)
	}
	if o.Slots < 1 {
		return nil, fmt.Errorf("--concurrency: %d is below 1", o.Slots)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("--target: not a valid URL") // ValidateURL has said so
	}
	format, ok := formats[cmp.Or(o.Format, "raw")]
	if !ok {
		return nil, fmt.Errorf("--format: unknown format: use one of %s", strings.Join(Formats(), ", "))
	}
	if o.Batch > 1 {
		if o.Format == "cloudevents" {
			format = cloudEventBatches{}
		}
		if _, ok := format.(batchFormat); !ok {
			return nil, fmt.Errorf("--batch: format %s sends one message a request: use --format %s, or omit --batch",
				cmp.Or(o.Format, "raw"), strings.Join(Batches(), " or "))
		}
	}
	if o.Format == "sqsd" {
		o.UserAgent = sqsdAgent
	}
	user := u.User
	u.User = nil
	headers, err := newHeaders(o, user)
	if err != nil {
		return nil, fmt.Errorf("--header: %w", err)
	}
	t := &HTTP{
		place:    u.Scheme + "://" + u.Host,
		limits:   limits{timeout: o.Timeout},
		template: &http.Request{Method: http.MethodPost, URL: u, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1},
		format:   format,
		needsARN: NeedsARN(o.Format),
		headers:  headers,
		inside:   envelopes{unwrap: o.UnwrapSNS, log: o.Logger.With("target", o.Name)},
	}
	if t.signers, t.tokens, err = newSigners(o, user != nil); err != nil {
		return nil, err
	}
	if t.pool, err = connections(o, u, s); err != nil {
		return nil, err
	}
	return t, nil
}

// A Route delivers the messages of one queue.
type Route struct {
	target *HTTP
	from   source
}

// From returns the route of the queue with this ARN, which may be empty unless the format
// is lambda or cloudevents.
func (t *HTTP) From(arn string) (Route, error) {
	region := regionOf(arn)
	if t.needsARN && region == "" {
		return Route{}, errors.New("--format: lambda and cloudevents send the queue's ARN, and SQS did not tell it: " +
			"allow sqs:GetQueueAttributes")
	}
	return Route{t, source{arn: arn, region: region}}, nil
}

// Deliver is HTTP.Deliver for a message from the route's queue.
func (r Route) Deliver(ctx context.Context, queue string, m *message.Message) message.Result {
	from := r.from
	from.queue = queue
	return r.target.deliver(ctx, from, m)
}

// Deliver sends m from the named queue and returns the result. It returns within the
// target's timeout. If ctx ends first, the delivery is canceled: the outcome is failed,
// the reason is canceled, and Err is the context's cause. Where the format needs the queue's
// ARN, deliver by From.
func (t *HTTP) Deliver(ctx context.Context, queue string, m *message.Message) message.Result {
	return t.deliver(ctx, source{queue: queue}, m)
}

func (t *HTTP) deliver(ctx context.Context, from source, m *message.Message) message.Result {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	m, from.topic = t.inside.open(ctx, from.queue, m)
	limit := t.limits.begin(ctx)
	result, _, clean := t.exchange(ctx, limit.ctx, from, parcel{first: m})
	t.limits.release(limit, clean)
	return result
}

// exchange makes a delivery within its timeout. limited ends with ctx or at the timeout.
// clean reports whether net/http has kept no reference to limited.
//
// If a kept connection turns out to be unusable before a byte of the request has been
// sent, another one is used. That is not a retry: nothing has been sent.
func (t *HTTP) exchange(ctx, limited context.Context, from source, p parcel) (result message.Result, failed []bool, clean bool) {
	for {
		x := t.request(limited, from, p)
		if err := t.sign(limited, x, p.id()); err != nil {
			return t.broken(ctx, limited, err, 0), nil, false
		}
		c, kept, err := t.pool.take(limited)
		if err != nil {
			return t.broken(ctx, limited, err, 0), nil, false
		}
		answer, err := c.send(x.request) //nolint:bodyclose // settle closes it
		if err == nil {
			result, failed = t.settle(ctx, limited, c, answer, x, p)
			return result, failed, true
		}
		t.pool.drop(c)
		if _, unsent := errors.AsType[*unsentError](err); !unsent || !kept || limited.Err() != nil {
			return t.broken(ctx, limited, err, 0), nil, false
		}
	}
}

// settle reads an answer to its end, returns its result, and releases its connection.
// failed says which of several messages failed, if the answer names some.
func (t *HTTP) settle(ctx, limited context.Context, c *connection, answer *http.Response, x *exchange, p parcel) (result message.Result, failed []bool) {
	defer t.pool.put(c)
	defer func() { _ = answer.Body.Close() }()

	status := answer.StatusCode
	v, known := verdictOf(status, t.format.exceptions())
	if !known { // 101, or not an HTTP status
		return t.broken(ctx, limited, errNoAnswer, status), nil
	}
	if t.again(ctx, x, answer, p.first.ID) {
		_ = drop(answer)
		return message.Result{
			Outcome: breaks[reasonTokenRefused], Status: status, Reason: reasonTokenRefused, Err: t.sentence(breach{reason: reasonTokenRefused}, 0),
		}, nil
	}
	result = message.Result{Outcome: v.outcome, Status: status, Reason: v.reason, Refused: v.refused}
	if v.outcome != message.Delivered {
		_ = drop(answer) // the status says it all
	} else {
		var whole *failure
		var err error
		if failed, whole, err = t.read(answer, p); err != nil {
			return t.broken(ctx, limited, err, status), nil
		}
		if whole != nil {
			result.Outcome, result.Reason = answered[whole.reason], whole.reason
			result.Err = fmt.Errorf("%s %s", t.place, whole.detail)
		}
	}
	if result.Outcome != message.Delivered {
		result.RetryAfter = retryAfter(answer.Header)
	}
	result.Limits, result.LimitsIgnored = told.Read(answer.Header, result.RetryAfter, time.Now())
	return result, failed
}

// read reads an answer with a status that means delivered.
func (t *HTTP) read(answer *http.Response, p parcel) (failed []bool, whole *failure, err error) {
	if several, ok := t.format.(batchFormat); ok && p.all != nil {
		return several.readBatch(answer, p.all)
	}
	whole, err = t.format.read(answer, p.first)
	return nil, whole, err
}

// Register adds the target's metrics to reg, which carries the target's label.
func (t *HTTP) Register(reg prometheus.Registerer) error {
	if err := reg.Register(&t.inside); err != nil {
		return fmt.Errorf("register target metrics: %w", err)
	}
	return nil
}

// Close closes the connections. Call it after the last Deliver has returned. It may be
// called twice.
func (t *HTTP) Close() {
	if t.tokens != nil {
		t.tokens.close()
	}
	t.pool.close()
}
