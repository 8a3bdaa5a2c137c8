package target

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// talker is a server on loopback that gives every request this answer in one write, and
// records which requests it saw.
type talker struct {
	net.Listener
	answer string
	secure *tls.Config // nil: plain

	mu   sync.Mutex
	seen map[string]bool // by message id
}

func talk(t *testing.T, answer string, secure *tls.Config) *talker {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &talker{Listener: listener, answer: answer, secure: secure, seen: make(map[string]bool)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		all.Wait()
	})
	return s
}

func (s *talker) serve(c net.Conn) {
	if s.secure != nil {
		c = tls.Server(c, s.secure)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		s.mu.Lock()
		s.seen[r.Header.Get("X-Poller-Message-Id")] = true
		s.mu.Unlock()
		if _, err := io.WriteString(c, s.answer); err != nil {
			return
		}
	}
}

func (s *talker) saw(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[id]
}

func TestASecondAnswerIsNeverTakenForThatOfTheNextDelivery(t *testing.T) {
	log.SetOutput(io.Discard) // net/http says what it finds
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	cert, pool := certificate(t)
	const empty = "HTTP/1.1 204 No Content\r\n\r\n"
	for name, test := range map[string]struct {
		answer   string
		secure   bool
		messages int
	}{
		"two answers":                {ok200 + ok200, false, 3000},
		"two without a body":         {empty + empty, false, 3000},
		"a 204 with a body":          {empty + "hello", false, 1000},
		"a second that is not whole": {ok200 + "HTTP/1.1 200 OK\r\nContent", false, 1000},
		"two over TLS":               {ok200 + ok200, true, 500},
	} {
		t.Run(name, func(t *testing.T) {
			var server *talker
			o := Options{Timeout: 30 * time.Second, Slots: 10}
			s := security{roots: pool, proxy: func(*http.Request) (*url.URL, error) { return nil, nil }}
			if test.secure {
				server = talk(t, test.answer, &tls.Config{Certificates: []tls.Certificate{cert}})
				o.URL = "https://" + server.Addr().String()
			} else {
				server = talk(t, test.answer, nil)
				o.URL = "http://" + server.Addr().String()
			}
			target, err := build(o, s)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(target.Close)
			var next, lost, failed atomic.Int64
			var all sync.WaitGroup
			for range o.Slots {
				all.Go(func() {
					for i := next.Add(1); i <= int64(test.messages); i = next.Add(1) {
						m := msg("x")
						m.ID = fmt.Sprint(i)
						got := target.Deliver(t.Context(), "orders", m)
						if got.Outcome != message.Delivered {
							failed.Add(1)
						} else if !server.saw(m.ID) {
							lost.Add(1)
						}
					}
				})
			}
			all.Wait()
			if lost.Load() != 0 || failed.Load() != 0 {
				t.Errorf("of %d messages %d count as delivered that the target never saw, and %d came to nothing", test.messages, lost.Load(), failed.Load())
			}
		})
	}
}

func TestASecondAnswerThatComesLaterIsNotThatOfTheNextDelivery(t *testing.T) {
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
			io.WriteString(c, ok200)
			<-time.After(time.Millisecond)
			_, err := io.WriteString(c, "HTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n")
			return err == nil
		}}
		target := over(t, w)
		for range 20 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			<-time.After(10 * time.Millisecond)
		}
		if requests, _, dials := w.seen(); len(requests) != 20 || dials != 20 {
			t.Errorf("%d requests on %d connections", len(requests), dials)
		}
	})
}

// tcp is a pair of connected sockets.
func tcp(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if ours, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

func TestWhatTheKernelHoldsIsSeenBeforeARequestIsWritten(t *testing.T) {
	for name, act := range map[string]func(net.Conn){
		"bytes":   func(c net.Conn) { io.WriteString(c, "x") },
		"the end": func(c net.Conn) { c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := tcp(t)
			s := newSocket(ours)
			s.reading = true // a reader that has not been woken yet
			if !s.next() {
				t.Fatal("it can take no request")
			}
			if hasUnread(ours) {
				t.Fatal("it has unread bytes though nothing was sent")
			}
			act(theirs)
			for !hasUnread(ours) { // loopback takes a moment
			}
			if n, err := s.Write([]byte("POST")); n != 0 || !errors.Is(err, errUnread) {
				t.Errorf("wrote %d bytes, %v", n, err)
			}
			if !s.forestalled() || !s.unsent() {
				t.Errorf("forestalled %v, unsent %v", s.forestalled(), s.unsent())
			}
		})
	}
}

func TestWhatComesBeforeTheRequestIsWrittenIsNoAnswerToIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		s := newSocket(ours)
		defer s.Close()
		go s.Read(make([]byte, 10))
		if !s.next() {
			t.Fatal("it can take no request")
		}
		io.WriteString(theirs, "HTTP/1.1 2")
		go s.Read(make([]byte, 10)) // net/http waits for the rest of it
		synctest.Wait()
		if n, err := s.Write([]byte("POST")); n != 0 || !errors.Is(err, errUnread) {
			t.Errorf("wrote %d bytes, %v", n, err)
		}
		if !s.forestalled() {
			t.Error("it counts as the answer")
		}
	})
}

func TestANextRequestWaitsUntilAllThatCameIsUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, act := range map[string]func(*socket){
			"asks for more": func(s *socket) { go s.Read(make([]byte, 1)) },
			"is closed":     func(s *socket) { s.Close() },
		} {
			ours, theirs := net.Pipe()
			s := newSocket(ours)
			can := make(chan bool)
			go func() { can <- s.next() }()
			synctest.Wait()
			select {
			case <-can:
				t.Fatal("it did not wait")
			default:
			}
			act(s)
			if got := <-can; got != (what == "asks for more") {
				t.Errorf("it %s, and next is %v", what, got)
			}
			s.Close()
			theirs.Close()
			synctest.Wait()
		}
	})
}

// cutter closes every connection at the first write of its second request, before a byte of
// it is sent.
type cutter struct {
	net.Conn
	requests int
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.requests++; c.requests > 1 {
		c.Close()
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(p)
}

func TestWhatWasNotSentGoesToAnotherConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		target := over(t, w, func(o *Options) {
			o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				c, err := w.dial(ctx, network, address)
				return &cutter{Conn: c}, err
			}
		})
		for range 10 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		}
		if requests, _, dials := w.seen(); len(requests) != 10 || dials != 10 {
			t.Errorf("%d requests on %d connections", len(requests), dials)
		}
	})
}

func TestAConnectionThatEndsBeforeItsFirstRequestIsNotTheMessagesFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := over(t, &wire{}, func(o *Options) {
			o.DialContext = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe()
				theirs.Close()
				return ours, nil
			}
		})
		got := target.Deliver(t.Context(), "orders", msg("x"))
		expect(t, got, message.Connection, 0, "unsent")
		if got.Err == nil || got.Err.Error() != "http://orders.test did not process the request: the connection ended before it was sent" {
			t.Errorf("got error %v", got.Err)
		}
	})
}
