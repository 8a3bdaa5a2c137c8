package target

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// slowly makes every dial take a second.
func slowly(dials *int, dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	var mu sync.Mutex
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		mu.Lock()
		*dials++
		mu.Unlock()
		select {
		case <-time.After(time.Second):
			return dial(ctx, network, address)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// together makes ten simultaneous deliveries and returns how long they all took.
func together(t *testing.T, target *HTTP, outcome message.Outcome) time.Duration {
	t.Helper()
	begun := time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if got := target.Deliver(t.Context(), "orders", msg("x")); got.Outcome != outcome {
				t.Errorf("one came to %s, %s (%v)", got.Outcome, got.Reason, got.Err)
			}
		})
	}
	all.Wait()
	return time.Since(begun)
}

func TestOneConnectionOfHTTP2ServesAllWhoWaitForIt(t *testing.T) {
	cert, pool := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		f := &refuser{certificate: cert}
		took := together(t, overTLS(t, slowly(&dials, f.dial), pool), message.Delivered)
		if dials != 1 || took != time.Second {
			t.Errorf("%d dials in %s", dials, took)
		}
	})
}

func TestHTTP1OverTLSConnectsForAllOnceItIsKnown(t *testing.T) {
	cert, pool := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		w := &wire{
			answer: func(_ int, _ *http.Request, c net.Conn) bool {
				<-time.After(10 * time.Second)
				_, err := io.WriteString(c, ok200)
				return err == nil
			},
			wrap: func(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}}) },
		}
		took := together(t, overTLS(t, slowly(&dials, w.dial), pool), message.Delivered)
		if dials != 10 || took != 12*time.Second {
			t.Errorf("%d dials in %s", dials, took)
		}
	})
}

func TestAllWhoWaitForADialShareItsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		target := overTLS(t, slowly(&dials, func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("no")
		}), nil)
		if took := together(t, target, message.Connection); dials != 1 || took != time.Second {
			t.Errorf("%d dials in %s", dials, took)
		}
	})
}

func TestADialThatIsCutOffFailsNobodyElse(t *testing.T) {
	cert, pool := certificate(t)
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		f := &refuser{certificate: cert}
		target := overTLS(t, slowly(&dials, f.dial), pool)
		ctx, cut := context.WithTimeout(t.Context(), time.Millisecond)
		defer cut()
		var all sync.WaitGroup
		all.Go(func() { expect(t, target.Deliver(ctx, "orders", msg("x")), message.Failed, 0, "canceled") })
		synctest.Wait()
		all.Go(func() {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		})
		all.Wait()
	})
}

func TestAnErrorLeavesNothingOfItsContextBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		target := over(t, &wire{answer: func(int, *http.Request, net.Conn) bool { return false }})
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Unavailable, 0, "reset")
		if n := len(target.limits.idle); n != 0 {
			t.Errorf("%d contexts are kept", n)
		}
	})
}

func TestAnAnswerBeforeTheRequestIsNotBelieved(t *testing.T) {
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(os.Stderr) })
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		var server net.Conn
		w.wrap = func(c net.Conn) net.Conn { server = c; return c }
		target := over(t, w)
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")

		c, kept, err := target.pool.take(t.Context())
		if err != nil || !kept {
			t.Fatal(kept, err)
		}
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{WroteHeaders: func() { // to a buffer
			io.WriteString(server, ok200)
			<-time.After(time.Millisecond)
		}})
		answer, err := c.send(target.request(ctx, source{queue: "orders"}, parcel{first: msg("x")}).request)
		if err == nil {
			answer.Body.Close()
		}
		target.pool.drop(c)
		<-time.After(time.Second) // the writer finds that it may not write
		if _, unsent := errors.AsType[*unsentError](err); !unsent {
			t.Errorf("it came to %v", err)
		}
		if requests, _, _ := w.seen(); len(requests) != 1 {
			t.Errorf("the target saw %d requests", len(requests))
		}
	})
}

func TestADeliveryAfterCloseConnectsToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		target := over(t, w)
		target.Close()
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Connection, 0, "connect")
		if _, _, dials := w.seen(); dials != 0 {
			t.Errorf("%d dials", dials)
		}
	})
}

func TestWhereToConnectTo(t *testing.T) {
	for raw, want := range map[string]string{
		"http://orders.test":           "orders.test:80",
		"https://orders.test/x":        "orders.test:443",
		"https://orders.test:8443":     "orders.test:8443",
		"http://[::1]:8080":            "[::1]:8080",
		"http://[fe80::1%25eth0]/":     "[fe80::1%eth0]:80",
		"https://bücher.example:8443/": "xn--bcher-kva.example:8443",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := addressOf(u); got != want {
			t.Errorf("%s is %s, want %s", raw, got, want)
		}
	}
}
