package target

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"poller/internal/message"
)

const (
	// maxAnswerHeaders bounds what is read of an answer before its body, the
	// informational answers (1xx) before it included.
	maxAnswerHeaders = 64 << 10
	// http2Silence is how long an HTTP/2 connection may bring nothing before it is
	// pinged: one that is dead would else fail all deliveries until TCP gives up.
	http2Silence = 10 * time.Second
)

// Options says where and how to deliver.
type Options struct {
	// Name is the target's name, for logs.
	Name string
	// URL is where messages are POSTed to; see ValidateURL. User info in it is sent
	// as basic authentication.
	URL string
	// Timeout bounds a delivery, from connecting to the end of the answer. Over 0.
	Timeout time.Duration
	// Slots is how many deliveries there may be at once, 1 or more.
	Slots int
	// Headers are sent with each message.
	Headers []Header
	// TLS are the files for an https target; empty: the system's roots, and no
	// certificate of our own.
	TLS TLS
	// DialContext makes the connections. Nil: a net.Dialer, and proxies by
	// HTTPS_PROXY, HTTP_PROXY and NO_PROXY; with a function there are no proxies.
	DialContext func(ctx context.Context, network, address string) (net.Conn, error)
	// Logger gets what a person should know of header files. Nil: nothing is logged.
	Logger *slog.Logger
	// UserAgent is sent as User-Agent, unless Headers has one.
	UserAgent string
}

// HTTP delivers to one target. All its methods may be called at once by many.
type HTTP struct {
	// place is the URL's scheme and host: what errors may say of it.
	place    string
	limits   limits
	template *http.Request
	headers  *headers
	pool     *pool
}

// New checks the options and makes ready to deliver; it connects to nothing. Its
// errors name the setting: --target, --header, --timeout, --concurrency, or the
// proxy's variable.
func New(o Options) (*HTTP, error) {
	return build(o, security{proxy: http.ProxyFromEnvironment})
}

func build(o Options, s security) (*HTTP, error) {
	if err := ValidateURL(o.URL); err != nil {
		return nil, fmt.Errorf("--target: %w", err)
	}
	if o.Timeout <= 0 {
		return nil, fmt.Errorf("--timeout: %s is not over 0: give the time that one delivery may take, such as 30s", o.Timeout)
	}
	if o.Slots < 1 {
		return nil, fmt.Errorf("--concurrency: %d is below 1", o.Slots)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, errors.New("--target: it is no URL") // ValidateURL has said so
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
		headers:  headers,
	}
	if t.pool, err = connections(o, u, s); err != nil {
		return nil, err
	}
	return t, nil
}

// Deliver sends m, of the queue of that name, and says what it came to. It returns
// within the target's time-out. When ctx ends first, the delivery is cut off: the
// outcome is failed, the reason canceled, and Err the context's cause.
func (t *HTTP) Deliver(ctx context.Context, queue string, m *message.Message) message.Result {
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	limit := t.limits.begin(ctx)
	result, clean := t.exchange(ctx, limit.ctx, queue, m)
	t.limits.release(limit, clean)
	return result
}

// exchange is a delivery within its time-out. limited ends with ctx, or when the time is
// over. clean reports whether net/http keeps nothing of limited.
//
// A kept connection that turns out to be of no use before a byte of the request went out
// is passed over for another: what was not sent is not sent again.
func (t *HTTP) exchange(ctx, limited context.Context, queue string, m *message.Message) (result message.Result, clean bool) {
	for {
		c, kept, err := t.pool.take(limited)
		if err != nil {
			return t.broken(ctx, limited, err, 0), false
		}
		answer, err := c.send(t.request(limited, queue, m)) //nolint:bodyclose // settle closes it
		if err == nil {
			return t.settle(ctx, limited, c, answer), true
		}
		t.pool.drop(c)
		if _, unsent := errors.AsType[*unsentError](err); !unsent || !kept || limited.Err() != nil {
			return t.broken(ctx, limited, err, 0), false
		}
	}
}

// settle reads an answer to its end, says what it means, and gives its connection back.
func (t *HTTP) settle(ctx, limited context.Context, c *connection, answer *http.Response) message.Result {
	defer t.pool.put(c)
	defer func() { _ = answer.Body.Close() }()

	status := answer.StatusCode
	v, known := verdictOf(status)
	if !known { // 101, or a number that HTTP does not know
		return t.broken(ctx, limited, errNoAnswer, status)
	}
	if err := drop(answer); err != nil && v.outcome == message.Delivered {
		return t.broken(ctx, limited, err, status)
	}
	result := message.Result{Outcome: v.outcome, Status: status, Reason: v.reason, Refused: v.refused}
	if v.outcome != message.Delivered {
		result.RetryAfter = retryAfter(answer.Header)
	}
	return result
}

// Close ends the connections. It is called when the last Deliver has returned, and may be
// called twice.
func (t *HTTP) Close() { t.pool.close() }
