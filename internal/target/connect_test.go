package target

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func TestWhyThereIsNoConnection(t *testing.T) {
	call := func(errno syscall.Errno) error {
		return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", errno)}
	}
	for _, test := range []struct {
		err    error
		reason string
		says   string
	}{
		{call(syscall.ECONNREFUSED), "refused", "could not connect to http://orders.test: connection refused"},
		{call(syscall.EHOSTUNREACH), "unreachable", "could not connect to http://orders.test: no route to host"},
		{call(syscall.ENETUNREACH), "unreachable", "could not connect to http://orders.test: no route to host"},
		{call(syscall.ETIMEDOUT), "connect_timeout", "could not connect to http://orders.test: it did not answer in time"},
		{call(syscall.EMFILE), "connect", "could not connect to http://orders.test: too many open files in this process"},
		{call(syscall.EADDRNOTAVAIL), "connect", "could not connect to http://orders.test: no free local port"},
		{call(syscall.ECONNRESET), "connect", "could not connect to http://orders.test: the connection failed"},
		{&net.DNSError{Err: "no such host", Name: "orders.test", IsNotFound: true}, "dns", "could not connect to http://orders.test: no such host"},
		{&net.DNSError{Err: "i/o timeout", Name: "orders.test", IsTimeout: true}, "dns", "could not connect to http://orders.test: its name cannot be resolved"},
		{errors.New("something else"), "connect", "could not connect to http://orders.test: the connection failed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			target := over(t, &wire{}, func(o *Options) {
				o.URL = "http://user:hunter2@orders.test/hook?token=hunter2"
				o.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, test.err }
			})
			got := target.Deliver(t.Context(), "orders", msg("x"))
			expect(t, got, message.Connection, 0, test.reason)
			if got.Err == nil || got.Err.Error() != test.says {
				t.Errorf("got error %q, want %q", got.Err, test.says)
			}
		})
	}
}

func TestAConnectionThatIsNeverMadeIsNotTheMessagesFault(t *testing.T) {
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	silent := func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go func() {
			defer theirs.Close()
			io.Copy(io.Discard, theirs)
		}()
		return ours, nil
	}
	for name, test := range map[string]struct {
		url           string
		dial          func(context.Context, string, string) (net.Conn, error)
		timeout, took time.Duration
	}{
		"a dial, long time-out":       {"http://orders.test/", hang, 30 * time.Second, 10 * time.Second},
		"a dial, short time-out":      {"http://orders.test/", hang, time.Second, 900 * time.Millisecond},
		"a handshake, long time-out":  {"https://orders.test/", silent, 30 * time.Second, 10 * time.Second},
		"a handshake, short time-out": {"https://orders.test/", silent, time.Second, 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				target := over(t, &wire{}, func(o *Options) {
					o.URL, o.DialContext, o.Timeout = test.url, test.dial, test.timeout
				})
				begun := time.Now()
				got := target.Deliver(t.Context(), "orders", msg("x"))
				expect(t, got, message.Connection, 0, "connect_timeout")
				if took := time.Since(begun); took != test.took {
					t.Errorf("took %s, want %s", took, test.took)
				}
			})
		})
	}
}

func TestCloseEndsTheDialsThatGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{}, 2)
		target := over(t, &wire{}, func(o *Options) {
			o.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				ended <- struct{}{}
				return nil, ctx.Err()
			}
		})
		ctx, cut := context.WithTimeout(t.Context(), time.Second)
		defer cut()
		expect(t, target.Deliver(ctx, "orders", msg("x")), message.Failed, 0, "canceled")
		begun := time.Now()
		target.Close()
		<-ended
		if time.Since(begun) != 0 {
			t.Error("the dial went on after Close")
		}
		got := target.Deliver(t.Context(), "orders", msg("x"))
		if got.Outcome != message.Connection {
			t.Errorf("a delivery after Close came to %s", got.Outcome)
		}
	})
}

func TestATLSFailureIsNotTheMessagesFault(t *testing.T) {
	cert, pool := certificate(t)
	secure := func(config *tls.Config) func(net.Conn) net.Conn {
		return func(c net.Conn) net.Conn { return tls.Server(c, config) }
	}
	for name, test := range map[string]struct {
		wrap    func(net.Conn) net.Conn
		trusted bool
		says    string
	}{
		"unknown authority": {secure(&tls.Config{Certificates: []tls.Certificate{cert}}), false, "its certificate is signed by an unknown authority"},
		"plain HTTP": {func(c net.Conn) net.Conn {
			go io.Copy(io.Discard, c)
			io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			return c
		}, true, "it does not speak TLS on this port"},
		"no common version": {secure(&tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}), true, ""},
		"closed":            {func(c net.Conn) net.Conn { c.Close(); return c }, true, "the TLS handshake failed"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: always(ok200), wrap: test.wrap}
				trusted := pool
				if !test.trusted {
					trusted = nil
				}
				got := overTLS(t, w.dial, trusted).Deliver(t.Context(), "orders", msg("x"))
				expect(t, got, message.Connection, 0, "tls")
				if got.Err != nil && !strings.HasSuffix(got.Err.Error(), test.says) {
					t.Errorf("got error %q, want %q", got.Err, test.says)
				}
			})
		})
	}
}

func TestWhatTLSFindsFaultWithIsSaid(t *testing.T) {
	for says, err := range map[string]error{
		"its certificate is for a different name":                                                         x509.HostnameError{},
		"its certificate has expired or is not valid yet":                                                 x509.CertificateInvalidError{Reason: x509.Expired},
		"its certificate is invalid":                                                                      x509.CertificateInvalidError{Reason: x509.TooManyIntermediates},
		"its certificate cannot be verified":                                                              &tls.CertificateVerificationError{Err: errors.New("x")},
		"its certificate is signed by an unknown authority":                                               &tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}},
		"it does not speak TLS on this port":                                                              tls.RecordHeaderError{},
		"it asked to renegotiate, which is not supported: request the certificate in the first handshake": &net.OpError{Op: "local error", Err: errors.New("tls: no renegotiation")},
		"handshake failure":                                                                               &net.OpError{Op: "remote error", Err: errors.New("handshake failure")},
	} {
		if got := breachOf(err); got.reason != reasonTLS || got.detail != says {
			t.Errorf("%T is %+v, want %q", err, got, says)
		}
	}
	handshake := &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded} // behind a proxy
	if got := breachOf(handshake); got.reason != reasonConnectTimeout {
		t.Errorf("%+v", got)
	}
}

// proxied returns a target behind a proxy that gives this answer to the CONNECT or the
// request.
func proxied(t *testing.T, target, answer string) (*HTTP, chan *http.Request) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan *http.Request, 1)
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := listener.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		r, err := http.ReadRequest(bufio.NewReader(c))
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		asked <- r
		io.WriteString(c, answer)
	}()
	h, err := build(Options{Name: "default", URL: target, Timeout: 30 * time.Second, Slots: 1}, security{
		proxy: func(r *http.Request) (*url.URL, error) {
			if r.URL.User != nil {
				t.Error("the proxy's lookup saw the user info")
			}
			return &url.URL{Scheme: "http", Host: listener.Addr().String()}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		listener.Close()
		<-served
	})
	return h, asked
}

func TestTheProxyOfTheEnvironmentIsUsed(t *testing.T) {
	h, asked := proxied(t, "http://u:p@orders.test/hook", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
	expect(t, h.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
	if r := <-asked; r.RequestURI != "http://orders.test/hook" {
		t.Errorf("the proxy was asked for %s", r.RequestURI)
	}
}

func TestAProxyThatRefusesIsNotTheMessagesFault(t *testing.T) {
	h, asked := proxied(t, "https://orders.test/hook", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
	got := h.Deliver(t.Context(), "orders", msg("x"))
	expect(t, got, message.Connection, 0, "proxy")
	if r := <-asked; r.Method != "CONNECT" {
		t.Errorf("the proxy got %s", r.Method)
	}
	if got.Err == nil || !strings.Contains(got.Err.Error(), "the proxy answered 407") {
		t.Errorf("got error %v", got.Err)
	}
}

func TestARefusedPortIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	h, err := build(Options{URL: "http://" + address, Timeout: time.Second, Slots: 1}, security{
		proxy: func(*http.Request) (*url.URL, error) { return nil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	got := h.Deliver(t.Context(), "orders", msg("x"))
	expect(t, got, message.Connection, 0, "refused")
	if got.Err == nil || got.Err.Error() != "could not connect to http://"+address+": connection refused" {
		t.Errorf("got error %v", got.Err)
	}
}

func TestAProxyVariableThatIsNoURLIsNamedWithoutItsPassword(t *testing.T) {
	_, err := build(Options{URL: "http://orders.test", Timeout: time.Second, Slots: 1}, security{
		proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("parse http://u:hunter2@: no") },
	})
	if err == nil || !strings.Contains(err.Error(), "HTTPS_PROXY") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got error %v", err)
	}
}

func TestADeadProxyIsNamedNotTheTarget(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := listener.Addr().String()
	listener.Close()
	for _, scheme := range []string{"http", "https"} {
		h, err := build(Options{Name: "default", URL: scheme + "://orders.test/hook", Timeout: 30 * time.Second, Slots: 1}, security{
			proxy: func(*http.Request) (*url.URL, error) {
				return &url.URL{Scheme: "http", User: url.UserPassword("u", "hunter2"), Host: proxy}, nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := h.Deliver(t.Context(), "orders", msg("x"))
		h.Close()
		expect(t, got, message.Connection, 0, "proxy")
		if want := "the proxy " + proxy + " cannot be reached: connection refused"; got.Err == nil || !strings.Contains(got.Err.Error(), want) ||
			strings.Contains(got.Err.Error(), "hunter2") {
			t.Errorf("%s: got error %v", scheme, got.Err)
		}
	}
}
