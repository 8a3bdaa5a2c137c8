package target

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sqs-poller/poller/internal/message"
)

// canned is a connection that answers every request whose body ends in its mark.
type canned struct {
	mark    []byte
	answers chan struct{}
	closed  chan struct{}
}

var cannedMark = []byte("1     }}")

func dialCanned(context.Context, string, string) (net.Conn, error) {
	return &canned{mark: cannedMark, answers: make(chan struct{}, 1), closed: make(chan struct{})}, nil
}

func (c *canned) Write(p []byte) (int, error) {
	if bytes.HasSuffix(p, c.mark) {
		c.answers <- struct{}{}
	}
	return len(p), nil
}

func (c *canned) Read(p []byte) (int, error) {
	select {
	case <-c.answers:
		return copy(p, ok200), nil
	case <-c.closed:
		return 0, io.EOF
	}
}

func (c *canned) Close() error {
	close(c.closed)
	return nil
}
func (c *canned) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *canned) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *canned) SetDeadline(time.Time) error      { return nil }
func (c *canned) SetReadDeadline(time.Time) error  { return nil }
func (c *canned) SetWriteDeadline(time.Time) error { return nil }

// benchBody returns JSON that ends in the mark.
func benchBody(size int) string {
	return `{"a":"` + strings.Repeat("x", size) + `","b":{"c":1     }}`
}

// BenchmarkDeliver measures one delivery of a JSON body of 256 bytes with seven headers.
func BenchmarkDeliver(b *testing.B) {
	target, err := New(Options{URL: "http://orders.test/hook", Timeout: 30 * time.Second, Slots: 10, DialContext: dialCanned, UserAgent: "poller/1"})
	if err != nil {
		b.Fatal(err)
	}
	defer target.Close()
	m := msg(benchBody(256))
	b.ReportAllocs()
	for b.Loop() {
		if got := target.Deliver(b.Context(), "orders", m); got.Outcome != message.Delivered {
			b.Fatal(got)
		}
	}
}

// BenchmarkBareHTTP measures the simplest code that does the same: the same request with
// as many headers, the same timeout, and the answer read.
func BenchmarkBareHTTP(b *testing.B) {
	client := &http.Client{Transport: &http.Transport{DialContext: dialCanned, DisableCompression: true}}
	defer client.CloseIdleConnections()
	m := msg(benchBody(256))
	b.ReportAllocs()
	for b.Loop() {
		ctx, cancel := context.WithTimeout(b.Context(), 30*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://orders.test/hook", strings.NewReader(m.Body))
		if err != nil {
			b.Fatal(err)
		}
		r.GetBody = nil
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("User-Agent", "poller/1")
		r.Header.Set("X-Poller-Message-Id", m.ID)
		r.Header.Set("Idempotency-Key", m.ID)
		r.Header.Set("X-Poller-Queue", "orders")
		r.Header.Set("X-Poller-Receive-Count", "1")
		r.Header.Set("X-Poller-Sent-At", m.SentAt.UTC().Format(time.RFC3339))
		answer, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)); err != nil {
			b.Fatal(err)
		}
		answer.Body.Close()
		cancel()
	}
}

// BenchmarkIsJSON measures checking whether a body is JSON, by ours and by the standard
// library.
func BenchmarkIsJSON(b *testing.B) {
	for name, body := range map[string]string{
		"short": `{"items":[` + strings.Repeat(`{"sku":"abc-123","n":4},`, 40) + `{}]}`,
		"long":  `{"text":"` + strings.Repeat("A sentence of a long text. ", 40_000) + `"}`,
	} {
		for by, valid := range map[string]func(string) bool{
			"ours":     isJSON,
			"standard": func(s string) bool { return utf8.ValidString(s) && json.Valid([]byte(s)) },
		} {
			b.Run(name+"/"+by, func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if !valid(body) {
						b.Fatal("it is JSON")
					}
				}
			})
		}
	}
}
