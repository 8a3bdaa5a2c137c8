package target

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"
)

const (
	// maxDial bounds making a connection: name, TCP and TLS.
	maxDial = 10 * time.Second
	// readBuffer holds the head of most answers. A longer one, and a body, are read
	// in more than one piece; net/http's own 4 KiB for each connection is memory
	// that nothing else needs.
	readBuffer = 2 << 10
)

// security is what the tests replace of how connections are made.
type security struct {
	proxy func(*http.Request) (*url.URL, error)
	roots *x509.CertPool // nil: the system's
}

// connections makes the dialer and the transport over it.
func connections(o Options, u *url.URL, s security) (*dialer, *http.Transport, error) {
	d := &dialer{
		dial: o.DialContext,
		// Shorter than the whole exchange, so that a connection that is never made is
		// known as one: net/http only says that the context ended.
		limit: min(maxDial, o.Timeout-o.Timeout/10),
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1"},
			RootCAs:    s.roots,
		},
		pending: make(map[*dialing]struct{}),
	}
	if o.TLS != (TLS{}) && u.Scheme != "https" {
		return nil, nil, errors.New("--tls-ca, --tls-cert and --tls-key are for https targets: write https:// in --target, or leave them out")
	}
	files, err := newCertificates(o.TLS, u.Hostname(), o.Logger.With("target", o.Name))
	if err != nil {
		return nil, nil, err
	}
	files.apply(d.tls)
	t := &http.Transport{
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		TLSClientConfig:        d.tls.Clone(), // behind a proxy only
		TLSHandshakeTimeout:    d.limit,       // behind a proxy only
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: http2Silence},
		MaxIdleConnsPerHost:    o.Slots + 16,
		IdleConnTimeout:        idleConnTimeout,
		MaxResponseHeaderBytes: maxAnswerHeaders,
		DisableCompression:     true,
		ReadBufferSize:         readBuffer,
		OnProxyConnectResponse: func(_ context.Context, _ *url.URL, _ *http.Request, answer *http.Response) error {
			if answer.StatusCode == http.StatusOK {
				return nil
			}
			return &dialError{reason: reasonProxy, detail: fmt.Sprintf("the proxy answered %d", answer.StatusCode)}
		},
	}
	if d.dial != nil {
		return d, t, nil
	}
	d.dial = new(net.Dialer).DialContext
	// The target never changes, so the proxy is looked up once and not each time.
	proxy, err := s.proxy(&http.Request{URL: u})
	if err != nil { // its text may have the proxy's password
		return nil, nil, errors.New("HTTPS_PROXY or HTTP_PROXY is no URL: write http://host:port")
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return d, t, nil
}

// dialer makes connections within its limit, and says as a dialError why it could
// not. net/http dials on goroutines of its own, which outlive the request they were
// begun for; close ends them.
type dialer struct {
	dial  func(ctx context.Context, network, address string) (net.Conn, error)
	limit time.Duration
	tls   *tls.Config

	mu      sync.Mutex // guards pending and closed
	pending map[*dialing]struct{}
	closed  bool
}

// dialing is one connection that is being made.
type dialing struct{ cancel context.CancelFunc }

// within bounds one dial by the limit and by close.
func (d *dialer) within(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	one := &dialing{cancel}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		cancel()
		return ctx, cancel
	}
	d.pending[one] = struct{}{}
	return ctx, func() {
		cancel()
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.pending, one)
	}
}

func (d *dialer) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for one := range d.pending {
		one.cancel()
	}
}

// plain connects for http, and to a proxy.
func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, end := d.within(ctx)
	defer end()
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, dialFailed(ctx, err)
	}
	return conn, nil
}

// secure connects for https. The handshake is made here and not by net/http, so
// that it is bounded together with the dial and its failures are known as such.
func (d *dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, end := d.within(ctx)
	defer end()
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, dialFailed(ctx, err)
	}
	config := d.tls.Clone()
	if config.ServerName, _, err = net.SplitHostPort(address); err != nil {
		config.ServerName = address
	}
	secured := tls.Client(conn, config)
	if err := secured.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		if ctx.Err() != nil || isTimeout(err) {
			return nil, &dialError{reason: reasonConnectTimeout, detail: "the TLS handshake took too long"}
		}
		return nil, &dialError{reason: reasonTLS, detail: tlsDetail(err)}
	}
	return secured, nil
}

// dialError is a connection that could not be made.
type dialError struct{ reason, detail string }

// Error is for net/http; people get HTTP.sentence.
func (e *dialError) Error() string { return "connect: " + e.reason }

func (e *dialError) breach() breach { return breach{e.reason, e.detail} }

// dialFailed sorts an error of a dial.
func dialFailed(ctx context.Context, err error) *dialError {
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		detail := ""
		if name.IsNotFound {
			detail = "no such host"
		}
		return &dialError{reasonDNS, detail}
	}
	for _, known := range []struct {
		err            syscall.Errno
		reason, detail string
	}{
		{syscall.ECONNREFUSED, reasonRefused, ""},
		{syscall.EHOSTUNREACH, reasonUnreachable, ""},
		{syscall.ENETUNREACH, reasonUnreachable, ""},
		{syscall.EHOSTDOWN, reasonUnreachable, ""},
		{syscall.ETIMEDOUT, reasonConnectTimeout, ""},
		{syscall.EADDRNOTAVAIL, reasonConnect, "no local port is free"},
		{syscall.EMFILE, reasonConnect, "too many files are open in this process"},
		{syscall.ENFILE, reasonConnect, "too many files are open on this machine"},
	} {
		if errors.Is(err, known.err) {
			return &dialError{known.reason, known.detail}
		}
	}
	if ctx.Err() != nil || isTimeout(err) {
		return &dialError{reason: reasonConnectTimeout}
	}
	return &dialError{reason: reasonConnect}
}
