package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func TestTheBodyArrivesByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		target := over(t, w)
		bodies := []string{"", " ", "\r\n\r\n", "0\r\n\r\nPOST / HTTP/1.1\r\n\r\n", "\xff\xfe\x00", `{"a":"é"}`, strings.Repeat("x", 1<<20)}
		for _, body := range bodies {
			expect(t, target.Deliver(t.Context(), "orders", msg(body)), message.Delivered, 200, "2xx")
		}
		requests, got, dials := w.seen()
		if len(got) != len(bodies) || dials != 1 {
			t.Fatalf("%d requests on %d connections, want %d on one", len(got), dials, len(bodies))
		}
		for i, body := range bodies {
			if got[i] != body {
				t.Errorf("body %d came as %d bytes, want %d", i, len(got[i]), len(body))
			}
			r := requests[i]
			if r.ContentLength != int64(len(body)) || r.TransferEncoding != nil || len(r.Header["Content-Length"]) > 1 {
				t.Errorf("body %d has the length %d and the encoding %v", i, r.ContentLength, r.TransferEncoding)
			}
			if r.Method != "POST" || r.RequestURI != "/hook?x=1" || r.Host != "orders.test" {
				t.Errorf("body %d was sent as %s %s to %s", i, r.Method, r.RequestURI, r.Host)
			}
			if r.Header.Get("Accept-Encoding") != "" {
				t.Error("compression was asked for")
			}
		}
	})
}

func TestAnEmptyBodySaysThatItsLengthIsZero(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		head := make(chan string, 1)
		go func() {
			defer theirs.Close()
			buffer := make([]byte, 4096)
			n, _ := theirs.Read(buffer)
			head <- strings.ToLower(string(buffer[:n]))
			io.WriteString(theirs, ok200)
		}()
		target := over(t, &wire{}, func(o *Options) {
			o.DialContext = func(context.Context, string, string) (net.Conn, error) { return ours, nil }
		})
		expect(t, target.Deliver(t.Context(), "orders", msg("")), message.Delivered, 200, "2xx")
		if got := <-head; strings.Count(got, "content-length: 0\r\n") != 1 || strings.Contains(got, "transfer-encoding") {
			t.Errorf("the request was\n%s", got)
		}
	})
}

// failing is a connection that fails with err once everything received has been read.
type failing struct {
	net.Conn
	err error
}

func (f failing) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = f.err
	}
	return n, err
}

func TestAConnectionThatIsResetIsUnavailable(t *testing.T) {
	for answer, reason := range map[string]string{
		"": "reset",
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc": "broken_answer",
	} {
		for _, errno := range []syscall.Errno{syscall.ECONNRESET, syscall.ETIMEDOUT} {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
					io.WriteString(c, answer)
					return false
				}}
				target := over(t, w, func(o *Options) {
					o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
						c, err := w.dial(ctx, network, address)
						return failing{c, &net.OpError{Op: "read", Err: errno}}, err
					}
				})
				status := 0
				if answer != "" {
					status = 200
				}
				expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Unavailable, status, reason)
			})
		}
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answer: always(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: http://orders.test/\r\nContent-Length: 0\r\n\r\n", status))}
			expect(t, over(t, w).Deliver(t.Context(), "orders", msg("x")), message.Failed, status, "3xx")
			if requests, _, _ := w.seen(); len(requests) != 1 {
				t.Errorf("%d requests", len(requests))
			}
		})
	}
}

func TestTheTimeoutCoversTheWholeExchange(t *testing.T) {
	hang := func(answer string) func(int, *http.Request, net.Conn) bool {
		return func(_ int, _ *http.Request, c net.Conn) bool {
			io.WriteString(c, answer)
			io.Copy(io.Discard, c) // until it is closed
			return false
		}
	}
	drip := func(_ int, _ *http.Request, c net.Conn) bool {
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
		for {
			if _, err := io.WriteString(c, "x"); err != nil {
				return false
			}
			<-time.After(time.Second)
		}
	}
	for name, test := range map[string]struct {
		answer  func(int, *http.Request, net.Conn) bool
		outcome message.Outcome
		status  int
		reason  string
	}{
		"nothing":           {hang(""), message.Failed, 0, "timeout"},
		"half a head":       {hang("HTTP/1.1 200 OK\r\nContent"), message.Failed, 0, "timeout"},
		"1xx only":          {hang("HTTP/1.1 102 Processing\r\n\r\n"), message.Failed, 0, "timeout"},
		"half a body":       {hang("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"), message.Failed, 200, "timeout"},
		"no end of a body":  {hang("HTTP/1.1 200 OK\r\n\r\nabc"), message.Failed, 200, "timeout"},
		"a dripping body":   {drip, message.Failed, 200, "timeout"},
		"a refusal's body":  {hang("HTTP/1.1 400 Bad Request\r\nContent-Length: 10\r\n\r\nabc"), message.Rejected, 400, "4xx"},
		"a throttle's body": {hang("HTTP/1.1 429 Slow\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\nabc"), message.Throttled, 429, "4xx"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				got := over(t, &wire{answer: test.answer}).Deliver(t.Context(), "orders", msg("x"))
				expect(t, got, test.outcome, test.status, test.reason)
				if took := time.Since(begun); took != 30*time.Second {
					t.Errorf("took %s", took)
				}
				<-time.After(2 * time.Second) // the target sees the end, too
				if test.status == 429 && got.RetryAfter != 7*time.Second {
					t.Errorf("Retry-After is %s", got.RetryAfter)
				}
			})
		})
	}
}

func TestABodyThatIsNotReadAlsoEndsWithTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := over(t, &wire{}, func(o *Options) {
			o.DialContext = func(context.Context, string, string) (net.Conn, error) {
				ours, theirs := net.Pipe() // nobody reads
				t.Cleanup(func() { theirs.Close() })
				return ours, nil
			}
		})
		expect(t, target.Deliver(t.Context(), "orders", msg(strings.Repeat("x", 1<<20))), message.Failed, 0, "timeout")
	})
}

func TestAnEndlessBodyIsReadTo64KiBAndTheStatusCounts(t *testing.T) {
	for _, status := range []int{200, 503} {
		synctest.Test(t, func(t *testing.T) {
			sent := make(chan int, 1)
			w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
				fmt.Fprintf(c, "HTTP/1.1 %d X\r\n\r\n", status)
				n := 0
				for {
					m, err := c.Write(make([]byte, 1000))
					n += m
					if err != nil {
						sent <- n
						return false
					}
				}
			}}
			v, _ := verdictOf(status, exceptions)
			expect(t, over(t, w).Deliver(t.Context(), "orders", msg("x")), v.outcome, status, v.reason)
			if n := <-sent; n < 64<<10 || n > 72<<10 {
				t.Errorf("%d bytes were read", n)
			}
		})
	}
}

func TestABodyOf64KiBKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + strings.Repeat("x", 64<<10) + "\r\n0\r\n\r\n")}
		target := over(t, w)
		for range 3 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		}
		if _, _, dials := w.seen(); dials != 1 {
			t.Errorf("%d connections", dials)
		}
	})
}

func TestBrokenAnswers(t *testing.T) {
	const closing = "Connection: close\r\n"
	for name, test := range map[string]struct {
		answer  string
		outcome message.Outcome
		status  int
		reason  string
	}{
		"garbage":                  {"\x16\x03\x01\x00\x02\r\n\r\n" + closing, message.Unavailable, 0, "broken_answer"},
		"another protocol":         {"SSH-2.0-OpenSSH\r\n" + closing, message.Unavailable, 0, "broken_answer"},
		"a status of no number":    {"HTTP/1.1 2x0 OK\r\n" + closing + "\r\n", message.Unavailable, 0, "broken_answer"},
		"half a head":              {"HTTP/1.1 200 OK\r\n" + closing, message.Unavailable, 0, "broken_answer"},
		"a bad header":             {"HTTP/1.1 200 OK\r\nno colon secret\r\n" + closing + "\r\n", message.Unavailable, 0, "broken_answer"},
		"two lengths":              {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + closing + "\r\nab", message.Unavailable, 0, "broken_answer"},
		"headers without end":      {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100) + closing + "\r\n", message.Unavailable, 0, "broken_answer"},
		"informational for ever":   {strings.Repeat("HTTP/1.1 102 Processing\r\nX: "+strings.Repeat("x", 1000)+"\r\n\r\n", 100) + closing, message.Unavailable, 0, "broken_answer"},
		"switching protocols":      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nxx" + closing, message.Unavailable, 101, "broken_answer"},
		"a status that is none":    {"HTTP/1.1 999 What\r\nContent-Length: 0\r\n" + closing + "\r\n", message.Unavailable, 999, "broken_answer"},
		"a body that breaks off":   {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n" + closing + "\r\nabc", message.Unavailable, 200, "broken_answer"},
		"a chunk that is none":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + closing + "\r\nzz\r\n", message.Unavailable, 200, "broken_answer"},
		"a refusal's broken body":  {"HTTP/1.1 422 No\r\nContent-Length: 10\r\n" + closing + "\r\nabc", message.Rejected, 422, "4xx"},
		"closed without an answer": {"", message.Unavailable, 0, "reset"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
					io.WriteString(c, test.answer)
					return false
				}}
				got := over(t, w).Deliver(t.Context(), "orders", msg("x"))
				expect(t, got, test.outcome, test.status, test.reason)
				if got.Err != nil && (strings.Contains(got.Err.Error(), "secret") || strings.Contains(got.Err.Error(), "SSH")) {
					t.Errorf("the error repeats the answer: %v", got.Err)
				}
			})
		})
	}
}

func TestInformationalAnswersAreWaitedThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := deliver(t, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"+ok200)
		expect(t, got, message.Delivered, 200, "2xx")
	})
}

func TestACutDeliveryIsCanceledWithTheCause(t *testing.T) {
	lost := errors.New("ownership was lost")
	for name, answer := range map[string]string{"before the answer": "", "in the body": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
					io.WriteString(c, answer)
					io.Copy(io.Discard, c)
					return false
				}}
				target := over(t, w)
				ctx, cut := context.WithCancelCause(t.Context())
				time.AfterFunc(3*time.Second, func() { cut(lost) })
				begun := time.Now()
				got := target.Deliver(ctx, "orders", msg("x"))
				expect(t, got, message.Failed, 0, "canceled")
				if !errors.Is(got.Err, lost) || time.Since(begun) != 3*time.Second {
					t.Errorf("%v after %s", got.Err, time.Since(begun))
				}
				again := target.Deliver(ctx, "orders", msg("x"))
				expect(t, again, message.Failed, 0, "canceled")
				if requests, _, _ := w.seen(); len(requests) != 1 {
					t.Errorf("%d requests: a context that has ended sends nothing", len(requests))
				}
			})
		})
	}
}

func TestAsManyConnectionsAreKeptAsThereAreSlots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: func(_ int, _ *http.Request, c net.Conn) bool {
			<-time.After(time.Second)
			io.WriteString(c, ok200)
			return true
		}}
		target := over(t, w, func(o *Options) { o.Slots = 40 })
		for range 3 {
			done := make(chan struct{}, 40)
			for range 40 {
				go func() {
					target.Deliver(t.Context(), "orders", msg("x"))
					done <- struct{}{}
				}()
			}
			for range 40 {
				<-done
			}
		}
		if _, _, dials := w.seen(); dials != 40 {
			t.Errorf("%d connections for 40 slots", dials)
		}
	})
}
