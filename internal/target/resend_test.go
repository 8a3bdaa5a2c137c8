package target

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// bodies are those that net/http treats differently when it considers a retry.
var bodies = map[string]string{"empty": "", "small": "x", "large": strings.Repeat("x", 100_000)}

func TestOneDeliveryIsOneRequestThoughTheTargetCutsKeptConnections(t *testing.T) {
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := make(map[net.Conn]bool)
				w := &wire{}
				w.answer = func(_ int, _ *http.Request, c net.Conn) bool {
					w.mu.Lock()
					warm := first[c]
					first[c] = true
					w.mu.Unlock()
					if warm {
						return false // read whole, then cut
					}
					_, err := io.WriteString(c, ok200)
					return err == nil
				}
				target := over(t, w)
				for range 10 { // warms up, is cut, warms up, …
					target.Deliver(t.Context(), "orders", msg(body))
				}
				if requests, _, _ := w.seen(); len(requests) != 10 {
					t.Errorf("10 deliveries were %d requests", len(requests))
				}
				expect(t, target.Deliver(t.Context(), "orders", msg(body)), message.Delivered, 200, "2xx")
				expect(t, target.Deliver(t.Context(), "orders", msg(body)), message.Unavailable, 0, "reset")
			})
		})
	}
}

func TestAConnectionThatTheTargetClosedWhileIdleIsNotUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
			io.WriteString(c, ok200)
			return false
		}}
		target := over(t, w)
		for range 5 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			synctest.Wait()
		}
	})
}

// refuser speaks just enough HTTP/2 to count requests and refuse them.
type refuser struct {
	certificate tls.Certificate
	// refuse writes the refusal of a stream; nil answers 200.
	refuse func(c io.Writer, stream uint32)
	ends   bool // the connection, once it has refused

	mu      sync.Mutex
	streams int
	bodies  int // DATA frames with something in them
}

func frame(c io.Writer, kind, flags byte, stream uint32, payload ...byte) {
	head := []byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[5:], stream)
	c.Write(append(head, payload...))
}

func (f *refuser) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		secured := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{f.certificate}, NextProtos: []string{"h2"}})
		in := bufio.NewReader(secured)
		// A pipe holds nothing: whoever reads may not be the one who writes.
		c := make(queued, 1000)
		written := make(chan struct{})
		defer func() { close(c); <-written }()
		go func() {
			defer close(written)
			for p := range c {
				secured.Write(p)
			}
		}()
		if _, err := io.CopyN(io.Discard, in, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
			return
		}
		frame(c, 4, 0, 0) // SETTINGS
		for {
			var head [9]byte
			if _, err := io.ReadFull(in, head[:]); err != nil {
				return
			}
			n := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
			io.CopyN(io.Discard, in, n)
			stream := binary.BigEndian.Uint32(head[5:])
			switch kind := head[3]; {
			case kind == 4 && head[4]&1 == 0:
				frame(c, 4, 1, 0) // SETTINGS acknowledged
			case kind == 6: // PING: ignored
			case kind == 0 && n > 0:
				f.mu.Lock()
				f.bodies++
				f.mu.Unlock()
			case kind == 1:
				f.mu.Lock()
				f.streams++
				f.mu.Unlock()
				if f.refuse == nil {
					frame(c, 1, 5, stream, 0x88) // :status 200, and the end
					reset(0)(c, stream)          // the rest of the request is not needed
					continue
				}
				f.refuse(c, stream)
				if f.ends {
					go io.Copy(io.Discard, in) // for what waits to be written before the end
					return
				}
			}
		}
	}()
	return ours, nil
}

// queued is a writer that never blocks.
type queued chan []byte

func (q queued) Write(p []byte) (int, error) {
	q <- p
	return len(p), nil
}

func reset(code byte) func(io.Writer, uint32) {
	return func(c io.Writer, stream uint32) { frame(c, 3, 0, stream, 0, 0, 0, code) }
}

func TestOneDeliveryIsOneRequestThoughHTTP2Refuses(t *testing.T) {
	cert, pool := certificate(t)
	type refusal struct {
		refuse  func(io.Writer, uint32)
		outcome message.Outcome
		reason  string
	}
	goAway := func(last, code byte) func(io.Writer, uint32) {
		return func(c io.Writer, _ uint32) { frame(c, 7, 0, 0, 0, 0, 0, last, 0, 0, 0, code) }
	}
	for refusal, test := range map[string]refusal{
		"refused stream":        {reset(7), message.Connection, "refused_stream"},
		"protocol error":        {reset(1), message.Unavailable, "reset"},
		"internal error":        {reset(2), message.Unavailable, "reset"},
		"going away":            {goAway(0, 0), message.Connection, "goaway"},
		"going away in trouble": {goAway(0, 2), message.Connection, "goaway"},
		"going away with it":    {goAway(1, 0), message.Unavailable, "reset"},
		"answered":              {nil, message.Delivered, "2xx"},
	} {
		for name, body := range bodies {
			t.Run(refusal+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					f := &refuser{certificate: cert, refuse: test.refuse, ends: refusal == "going away with it"}
					target := overTLS(t, f.dial, pool)
					got := target.Deliver(t.Context(), "orders", msg(body))
					status := 0
					if test.refuse == nil {
						status = 200
					}
					expect(t, got, test.outcome, status, test.reason)
					synctest.Wait()
					f.mu.Lock()
					defer f.mu.Unlock()
					if f.streams != 1 {
						t.Errorf("one delivery was %d requests", f.streams)
					}
				})
			})
		}
	}
}

func TestADeadHTTP2ConnectionIsFoundByItsSilence(t *testing.T) {
	cert, pool := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		f := &refuser{certificate: cert, refuse: func(io.Writer, uint32) {}} // takes all and says nothing
		target := overTLS(t, f.dial, pool)
		begun := time.Now()
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Unavailable, 0, "reset")
		if took := time.Since(begun); took != http2Silence+15*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestHTTP2IsSpokenWhereItIsOffered(t *testing.T) {
	cert, pool := certificate(t)
	var mu sync.Mutex
	var seen []*http.Request
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			mu.Lock()
			defer mu.Unlock()
			r.Header.Set("Test-Body", string(body))
			seen = append(seen, r)
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.ServeTLS(listener, "", "")
	}()
	defer func() {
		server.Close()
		<-done
	}()
	target := overTLS(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	}, pool)
	defer target.Close()
	for _, body := range []string{"", "hello"} {
		expect(t, target.Deliver(t.Context(), "orders", msg(body)), message.Delivered, 200, "2xx")
	}
	mu.Lock()
	defer mu.Unlock()
	for i, body := range []string{"", "hello"} {
		if r := seen[i]; r.ProtoMajor != 2 || r.Header.Get("Test-Body") != body || len(r.Header["Content-Length"]) > 1 {
			t.Errorf("%s with the body %q, %v", r.Proto, r.Header.Get("Test-Body"), r.Header)
		}
	}
}
