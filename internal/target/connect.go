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

// connections makes the pool, with the transport that connects and speaks for it.
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
		return nil, errors.New("--tls-ca, --tls-cert and --tls-key are for https targets: write https:// in --target, or leave them out")
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
	// The target never changes, so the proxy is looked up once and not each time.
	proxy, err := s.proxy(&http.Request{URL: u})
	if err != nil { // its text may have the proxy's password
		return nil, errors.New("HTTPS_PROXY or HTTP_PROXY is no URL: write http://host:port")
	}
	if proxy != nil {
		t.Proxy = http.ProxyURL(proxy)
	}
	return newPool(t, u, limit), nil
}

// dialer makes connections, and says as a dialError why it could not. The pool bounds it.
type dialer struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	tls  *tls.Config
}

// socketOf is the key of where, in a dial's context, its socket is to be put.
type socketOf struct{}

// plain connects for http, and to a proxy.
func (d *dialer) plain(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, dialFailed(ctx, err)
	}
	s := newSocket(conn)
	if place, ok := ctx.Value(socketOf{}).(**socket); ok {
		*place = s
	}
	return s, nil
}

// secure connects for https. The handshake is made here and not by net/http, so
// that its failures are known as such.
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

// Error is for net/http; people get HTTP.sentence.
func (e *dialError) Error() string { return "connect: " + e.reason }

func (e *dialError) breach() breach { return breach{e.reason, e.detail} }

// notMade sorts an error of making a connection, which is a dialError already unless it
// comes from behind a proxy.
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
