package target

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sqs-poller/poller/internal/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wire is a target without sockets: each dial makes a pipe whose other end is served by its
// own goroutine. It counts requests on the wire.
type wire struct {
	// answer writes the target's answer to the n-th request, counted from 1. If it
	// returns false, the connection is closed.
	answer func(n int, r *http.Request, c net.Conn) bool
	// wrap, if set, wraps the server's end, for TLS.
	wrap func(c net.Conn) net.Conn

	mu       sync.Mutex
	dials    int
	requests []*http.Request
	bodies   []string
}

func (w *wire) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.mu.Lock()
	w.dials++
	w.mu.Unlock()
	go w.serve(theirs)
	return ours, nil
}

func (w *wire) serve(c net.Conn) {
	defer c.Close()
	if w.wrap != nil {
		c = w.wrap(c)
		defer c.Close()
	}
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		w.mu.Lock()
		w.requests = append(w.requests, r)
		w.bodies = append(w.bodies, string(body))
		n := len(w.requests)
		w.mu.Unlock()
		if !w.answer(n, r, c) {
			return
		}
	}
}

func (w *wire) seen() (requests []*http.Request, bodies []string, dials int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.requests, w.bodies, w.dials
}

// always gives every request the same answer.
func always(answer string) func(int, *http.Request, net.Conn) bool {
	return func(_ int, _ *http.Request, c net.Conn) bool {
		_, err := io.WriteString(c, answer)
		return err == nil && !strings.Contains(answer, "Connection: close")
	}
}

const ok200 = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// over returns a target whose connections go to w.
func over(t *testing.T, w *wire, change ...func(*Options)) *HTTP {
	t.Helper()
	o := Options{Name: "default", URL: "http://orders.test/hook?x=1", Timeout: 30 * time.Second, Slots: 10, DialContext: w.dial, UserAgent: "poller/test"}
	for _, c := range change {
		c(&o)
	}
	target, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}

func msg(body string) *message.Message {
	return &message.Message{
		ID: "3b1b0c6e-0000-4000-8000-000000000001", Body: body, ReceiptHandle: "handle",
		ReceiveCount: 1, SentAt: time.Date(2026, 11, 2, 10, 30, 0, 123456789, time.FixedZone("", 3600)),
	}
}

// deliver makes one delivery to a target that gives this answer.
func deliver(t *testing.T, answer string) message.Result {
	t.Helper()
	return over(t, &wire{answer: always(answer)}).Deliver(t.Context(), "orders", msg(`{"a":1}`))
}

func expect(t *testing.T, got message.Result, outcome message.Outcome, status int, reason string) {
	t.Helper()
	if got.Outcome != outcome || got.Status != status || got.Reason != reason {
		t.Errorf("came to %s, %d, %q (%v), want %s, %d, %q", got.Outcome, got.Status, got.Reason, got.Err, outcome, status, reason)
	}
	whole := strings.HasSuffix(reason, "xx")
	if whole != (got.Err == nil) {
		t.Errorf("Err is %v with the reason %q", got.Err, reason)
	}
}

// certificate returns a certificate for example.com and 127.0.0.1, valid at any time.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return server.TLS.Certificates[0], pool
}

// overTLS returns an https target that trusts the pool.
func overTLS(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), pool *x509.CertPool) *HTTP {
	t.Helper()
	target, err := build(Options{
		Name: "default", URL: "https://example.com/hook", Timeout: 30 * time.Second, Slots: 10, DialContext: dial,
	}, security{roots: pool, proxy: func(*http.Request) (*url.URL, error) { return nil, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return target
}
