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
	"syscall"
	"time"
)

const (
	// maxDial bounds connecting: DNS, TCP and TLS.
	maxDial = 10 * time.Second
	// readBuffer holds the headers of most answers. Longer headers and bodies take more
	// than one read; net/http's default of 4 KiB per connection would waste memory.
	readBuffer = 2 << 10
)

// security is what tests replace about connecting.
type security struct {
	proxy func(*http.Request) (*url.URL, error)
	roots *x509.CertPool // nil means the system's
}

// connections returns the pool, with its transport.
func connections(o Options, u *url.URL, s security) (*pool, error) {
	limit := min(maxDial, o.Timeout-o.Timeout/10)
	d := &dialer{
		dial: o.DialContext,
		tls: &tls.Config{
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"h2", "http/1.1"},
			RootCAs:    s.roots,
		},
	}
	if o.TLS != (TLS{}) && u.Scheme != "https" {
		return nil, errors.New("--tls-ca, --tls-cert and --tls-key are for https targets: use https:// in --target, or omit them")
	}
	files, err := newCertificates(o.TLS, u.Hostname(), o.Logger.With("target", o.Name))
	if err != nil {
		return nil, err
	}
	files.apply(d.tls)
	t := &http.Transport{
		DialContext:            d.plain,
		DialTLSContext:         d.secure,
		TLSClientConfig:        d.tls.Clone(), // behind a proxy only
		ForceAttemptHTTP2:      true,
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: http2Silence},
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
		return newPool(t, u, limit), nil
	}
	d.dial = new(net.Dialer).DialContext
	// The target never changes, so the proxy is looked up only once.
	proxy, err := s.proxy(&http.Request{URL: u})
	if err != nil { // it may contain the proxy's password
		return nil, errors.New("HTTPS_PROXY or HTTP_PROXY is not a valid URL: use http://host:port")
	}
	if proxy != nil {
		d.proxy = proxy.Host
		t.Proxy = http.ProxyURL(proxy)
	}
	return newPool(t, u, limit), nil
}

// dialer makes connections. Its errors are dialErrors. The pool bounds its time.
type dialer struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	tls  *tls.Config
	// proxy is the host of the proxy that everything is dialed through, or empty.
	proxy string
}

// socketOf is the context key under which a dial's context says where to put its socket.
type socketOf struct{}

// plain connects for http, and to a proxy.
func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		failed := dialFailed(ctx, err)
		if d.proxy != "" {
			failed = failed.ofProxy(d.proxy)
		}
		return nil, failed
	}
	s := newSocket(conn)
	if place, ok := ctx.Value(socketOf{}).(**socket); ok {
		*place = s
	}
	return s, nil
}

// secure connects for https. It makes the handshake itself, not net/http, so that its
// failures can be recognized.
func (d *dialer) secure(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.plain(ctx, network, address)
	if err != nil {
		return nil, err
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

// Error is for net/http; people see HTTP.sentence.
func (e *dialError) Error() string { return "connect: " + e.reason }

func (e *dialError) breach() breach { return breach{e.reason, e.detail} }

// ofProxy returns the error of a dial that was the proxy's, not the target's.
func (e *dialError) ofProxy(proxy string) *dialError {
	why := e.detail
	if why == "" {
		why = connectWords[e.reason]
	}
	return &dialError{reasonProxy, "the proxy " + proxy + " cannot be reached: " + why}
}

// notMade classifies an error of connecting, which is already a dialError unless it comes
// from behind a proxy.
func notMade(ctx context.Context, err error) *dialError {
	if failed, ok := errors.AsType[*dialError](err); ok {
		return failed
	}
	switch b := breachOf(err); {
	case b.reason == reasonTLS:
		return &dialError{b.reason, b.detail}
	case ctx.Err() != nil || b.reason == reasonConnectTimeout:
		return &dialError{reason: reasonConnectTimeout}
	default:
		return &dialError{reason: reasonConnect}
	}
}

// dialFailed classifies an error of a dial.
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
		{syscall.EADDRNOTAVAIL, reasonConnect, "no free local port"},
		{syscall.EMFILE, reasonConnect, "too many open files in this process"},
		{syscall.ENFILE, reasonConnect, "too many open files on this machine"},
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
