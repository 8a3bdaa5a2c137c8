package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
)

// reachTimeout is how long a connection to a target may take.
const reachTimeout = 5 * time.Second

// lookAtTarget connects to a target, or to the proxy before it, and hangs up: no
// request is sent.
func lookAtTarget(ctx context.Context, name string, t config.Target, proxyOf func(*http.Request) (*url.URL, error)) findings {
	var f findings
	about := "target " + name
	u, err := url.Parse(t.URL)
	if err != nil {
		f.add(wrong, about, "--target", "not a valid URL")
		return f
	}
	proxy, err := proxyOf(&http.Request{URL: u})
	if err != nil {
		f.add(wrong, about, "HTTPS_PROXY or HTTP_PROXY", "the proxy variable is not a valid URL")
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	via, place := u, addressOf(u)
	if proxy != nil {
		via = proxy
	}
	if err := app.TryTarget(name, t); err != nil {
		f.add(wrong, about, "", "%v", err)
		return f
	}
	judgeAuth(ctx, &f, name, t)
	files, err := tlsOf(t)
	if err != nil {
		f.add(wrong, about, "--tls-ca, --tls-cert, --tls-key", "%v", err)
		return f
	}
	switch err := connect(ctx, via, files); {
	case err != nil && proxy != nil:
		f.add(wrong, about, "HTTPS_PROXY, HTTP_PROXY or NO_PROXY", "the proxy %s cannot be reached: %v", addressOf(proxy), reasonOf(err))
	case speaksNoTLS(err):
		f.add(wrong, about, "--target: http://, or the port for https", "%s is there, but does not speak TLS", place)
	case isAlert(err):
		f.add(wrong, about, "--tls-cert and --tls-key if it asks for a certificate, or the target's TLS", "%s is there, but ends the handshake: %v", place, reasonOf(err))
	case isCertificate(err):
		f.add(wrong, about, "the certificate, or --tls-ca if it is signed by an authority of your own", "%s is there, but its certificate is refused: %v", place, reasonOf(err))
	case isUnknownHost(err):
		f.add(wrong, about, "--target, or this machine's DNS", "%s cannot be reached: %v", place, reasonOf(err))
	case err != nil:
		f.add(wrong, about, "--target, or start it", "%s cannot be reached: %v", place, reasonOf(err))
	case proxy != nil:
		f.add(fine, about, "", "the proxy %s can be reached; whether %s can be reached is unknown", addressOf(proxy), place)
	default:
		f.add(fine, about, "", "%s can be reached", place)
	}
	return f
}

// connect connects and hangs up.
func connect(ctx context.Context, u *url.URL, files *tls.Config) error {
	var conn net.Conn
	var err error
	if u.Scheme == "https" {
		d := tls.Dialer{Config: files}
		conn, err = d.DialContext(ctx, "tcp", addressOf(u))
	} else {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "tcp", addressOf(u))
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return errors.New("no answer within " + reachTimeout.String())
	case err != nil:
		return err
	}
	return conn.Close()
}

// isCertificate reports whether the target answers, and its certificate is at fault.
func isCertificate(err error) bool {
	_, refused := errors.AsType[*tls.CertificateVerificationError](err)
	return refused
}

// speaksNoTLS reports whether what answers the handshake is no TLS.
func speaksNoTLS(err error) bool {
	_, other := errors.AsType[tls.RecordHeaderError](err)
	return other
}

// isAlert reports whether the target itself has ended the handshake.
func isAlert(err error) bool {
	network, ok := errors.AsType[*net.OpError](err)
	return ok && network.Op == "remote error"
}

func isUnknownHost(err error) bool {
	unknown, ok := errors.AsType[*net.DNSError](err)
	return ok && unknown.IsNotFound
}

// tlsOf is what the target is connected to with. The minimum version is that of
// deliveries.
func tlsOf(t config.Target) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.TLSCA != "" {
		text, err := os.ReadFile(t.TLSCA)
		if err != nil {
			return nil, err
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s contains no PEM certificate", t.TLSCA)
		}
	}
	if t.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(t.TLSCert, t.TLSKey)
		if err != nil {
			return nil, err
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func addressOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
