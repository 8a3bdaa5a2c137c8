package target

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sqs-poller/poller/internal/message"
)

// leaving is an HTTP/2 server on loopback that sends GOAWAY with every 100th answer on a
// connection.
func leaving(t *testing.T, handle func(*http.Request)) *HTTP {
	t.Helper()
	cert, pool := certificate(t)
	type served struct{}
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor != 2 {
				t.Errorf("it came by %s", r.Proto)
			}
			io.Copy(io.Discard, r.Body)
			handle(r)
			if n := r.Context().Value(served{}).(*atomic.Int64).Add(1); n%100 == 0 {
				w.Header().Set("Connection", "close") // how net/http sends GOAWAY
			}
		}),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}},
		ErrorLog:  log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
			return context.WithValue(ctx, served{}, new(atomic.Int64))
		},
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
	target := overTLS(t, func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listener.Addr().String())
	}, pool)
	t.Cleanup(func() {
		target.Close()
		server.Close()
		<-done
	})
	return target
}

func TestWhatWasNotProcessedHasNoOtherOutcomeThanConnection(t *testing.T) {
	const messages, slots = 3000, 20
	var mu sync.Mutex
	tries, seen := make(map[string]bool), make(map[string]int) // by try and number
	target := leaving(t, func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Header.Get("X-Poller-Message-Id")]++
	})

	var next, unseen, connection atomic.Int64
	var all sync.WaitGroup
	for range slots {
		all.Go(func() {
			for {
				i := next.Add(1)
				if i > messages {
					return
				}
				for try := 1; ; try++ {
					m := msg("{}")
					m.ID = fmt.Sprintf("m%d-%d", i, try)
					got := target.Deliver(t.Context(), "orders", m)
					mu.Lock()
					tries[m.ID] = true
					n := seen[m.ID]
					mu.Unlock()
					if n > 1 {
						t.Errorf("one delivery was %d requests", n)
					}
					if n == 0 {
						unseen.Add(1)
						if got.Outcome != message.Connection {
							t.Errorf("a try that the target never saw came to %s, %s (%v)", got.Outcome, got.Reason, got.Err)
						}
					}
					if got.Outcome == message.Connection {
						connection.Add(1)
					}
					if got.Outcome == message.Delivered {
						break
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d messages took %d tries; the target never saw %d", messages, len(tries), unseen.Load())
	if connection.Load() != unseen.Load() {
		t.Errorf("%d tries came to connection, the target never saw %d", connection.Load(), unseen.Load())
	}
}
