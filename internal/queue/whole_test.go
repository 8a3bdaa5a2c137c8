package queue

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

// served is a server on a real socket, and a client of it.
func served(t *testing.T, h http.Handler, start func(*httptest.Server)) *Client {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	start(server)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ENDPOINT_URL_SQS", server.URL)
	c, err := NewClient(t.Context(), Options{Logger: quiet(), Connections: 7})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAnAnswerThatBeginsBeforeTheRequestIsReadIsNotLost(t *testing.T) {
	settings(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan error, 1)
	go func() { served <- answerEarly(l) }()
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://"+l.Addr().String())
	c, err := NewClient(t.Context(), Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	q := &Queue{client: c, name: "orders", url: "http://x/0/orders", tally: c.metrics.of("orders")}
	errs := q.Send(t.Context(), []Draft{{Body: strings.Repeat("x", 8<<20)}})
	if errs != nil {
		t.Fatal(errs)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}

// answerEarly sends half of the response, reads the request to its end, and then sends the
// other half: a client that has dropped the request gets none of it.
func answerEarly(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	r, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return err
	}
	const answer = `{"Successful":[{"Id":"0","MessageId":"m"}]}`
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer[:20])
	if n, err := io.Copy(io.Discard, r.Body); err != nil {
		return fmt.Errorf("the request ended after %d of %d bytes: %w", n, r.ContentLength, err)
	}
	_, err = io.WriteString(conn, answer[20:])
	return err
}

func TestNoReceiveIsLostOnTheWay(t *testing.T) {
	settings(t)
	s := localsqs.New()
	defer s.Close()
	if _, err := s.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	q, err := served(t, s, (*httptest.Server).Start).Open(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	const all = 1000
	drafts := make([]Draft, all)
	for i := range drafts {
		drafts[i].Body = fmt.Sprint(i)
	}
	if errs := q.Send(t.Context(), drafts); errs != nil {
		t.Fatal(errs)
	}
	var mu sync.Mutex
	seen := make(map[string]bool)
	var receivers sync.WaitGroup
	for range 8 {
		receivers.Go(func() {
			for {
				messages, err := q.Receive(t.Context(), 1, time.Second, time.Hour, "")
				if err != nil {
					t.Error(err)
				}
				if len(messages) == 0 {
					return
				}
				mu.Lock()
				seen[messages[0].Body] = true
				mu.Unlock()
			}
		})
	}
	receivers.Wait()
	if len(seen) != all {
		t.Fatalf("%d of %d messages came", len(seen), all)
	}
}

func TestAnAuthorityOfOnesOwnIsTrustedByItsVariable(t *testing.T) {
	settings(t)
	s := localsqs.New()
	defer s.Close()
	if _, err := s.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	bundle := t.TempDir() + "/ca.pem"
	secure := func(server *httptest.Server) {
		server.Config.ErrorLog = nil
		server.StartTLS()
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		if err := os.WriteFile(bundle, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := served(t, s, secure)
	_, err := c.Open(t.Context(), "orders")
	wantFault(t, err, message.Network, "set AWS_CA_BUNDLE")

	t.Setenv("AWS_CA_BUNDLE", bundle)
	trusting, err := NewClient(t.Context(), Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer trusting.Close()
	if _, err := trusting.Open(t.Context(), "orders"); err != nil {
		t.Fatal(err)
	}
}

func TestAPortThatNobodyListensAtIsNamed(t *testing.T) {
	settings(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://"+l.Addr().String())
	c, err := NewClient(t.Context(), Options{Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Open(t.Context(), "orders")
	wantFault(t, err, message.Network, l.Addr().String(), "connection refused")
}

func TestAsManyConnectionsAreKeptAsWereAskedFor(t *testing.T) {
	settings(t)
	c := served(t, http.NotFoundHandler(), (*httptest.Server).Start)
	if n := c.wire.carrier.(connections).MaxIdleConnsPerHost; n != 7 {
		t.Fatalf("%d are kept", n)
	}
}
