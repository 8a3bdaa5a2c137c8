package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// reachTimeout is how long a connection to a target may take.
const reachTimeout = 5 * time.Second

// lookAtTarget connects to a target, or to the proxy before it, and hangs up: no
// request is sent.
func lookAtTarget(ctx context.Context, name, raw string, proxyOf func(*http.Request) (*url.URL, error)) findings {
	var f findings
	about := "target " + name
	u, err := url.Parse(raw)
	if err != nil {
		f.add(wrong, about, "--target", "it is no URL")
		return f
	}
	proxy, err := proxyOf(&http.Request{URL: u})
	if err != nil {
		f.add(wrong, about, "HTTPS_PROXY or HTTP_PROXY", "the proxy's variable is no URL")
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	via, place := u, addressOf(u)
	if proxy != nil {
		via = proxy
	}
	switch err := connect(ctx, via); {
	case err != nil && proxy != nil:
		f.add(wrong, about, "HTTPS_PROXY, HTTP_PROXY or NO_PROXY", "its proxy %s cannot be connected to: %v", addressOf(proxy), err)
	case err != nil:
		f.add(wrong, about, "--target, or start it", "%s cannot be connected to: %v", place, err)
	case proxy != nil:
		f.add(fine, about, "", "its proxy %s can be connected to; whether %s can is not told", addressOf(proxy), place)
	default:
		f.add(fine, about, "", "%s can be connected to", place)
	}
	return f
}

// connect connects and hangs up.
func connect(ctx context.Context, u *url.URL) error {
	var conn net.Conn
	var err error
	if u.Scheme == "https" {
		// The minimum is that of deliveries.
		d := tls.Dialer{Config: &tls.Config{MinVersion: tls.VersionTLS12}}
		conn, err = d.DialContext(ctx, "tcp", addressOf(u))
	} else {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "tcp", addressOf(u))
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer within " + reachTimeout.String())
	case err != nil:
		return reasonOf(err)
	}
	return conn.Close()
}

func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
