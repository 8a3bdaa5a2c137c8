package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
)

// waitForOut waits until stdout has text.
func (c *inProcess) waitForOut(t *testing.T, text string) {
	t.Helper()
	for {
		said, more := c.out.soFar()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-time.After(time.Minute):
			t.Fatalf("no %q in\n%s", text, said)
		case <-more:
		}
	}
}

func TestRunOnATerminalSaysWhereThePageIsAndHowItGoes(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	c.terminal, c.interactive = true, true
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", ":0")
	c.waitFor(t, "the admin port is open to the network and asks for no password")
	c.waitForOut(t, "Status page: http://127.0.0.1:")
	c.waitForOut(t, "queue 0  in hand 0  delivered 0")
	c.drain()
	c.waitFor(t, "press Ctrl-C again to stop immediately")
	c.now()
	<-code
}

func TestRunOffATerminalPrintsNothing(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0")
	c.waitFor(t, "poller starts")
	c.now()
	<-code
	if c.out.String() != "" || strings.Contains(c.err.String(), "no password") {
		t.Errorf("said %s%s", c.out, c.err)
	}
}

func TestAStopSaysWhatItWaitsFor(t *testing.T) {
	for _, tt := range []struct {
		inHand, parked int
		want           string
	}{
		{0, 0, "stopping"},
		{1, 0, "stopping: finishing or releasing 1 message in hand, up to 1m30s (--drain-timeout)"},
		{0, 1, "stopping: waiting for the open long poll, up to 4s, to release what may still arrive"},
		{3, 2, "stopping: finishing or releasing 3 messages in hand, up to 1m30s (--drain-timeout), and waiting for the open long polls, up to 4s, to release what may still arrive"},
	} {
		s := app.Status{Queues: []app.QueueStatus{{InHand: map[string]int{"delivering": tt.inHand}, Parked: tt.parked, ReceivesEndWithin: 3.4e9}}}
		if got := waitsFor(s, config.Duration(90*time.Second)); got != tt.want {
			t.Errorf("%d in hand, %d parked: %q", tt.inHand, tt.parked, got)
		}
	}
}

func TestALongPollEndsInTimeForADrain(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	asked := make(chan string, 1)
	front := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".ReceiveMessage") {
			select {
			case asked <- string(body):
			default:
			}
		}
		w.sqs.ServeHTTP(rw, r)
	}))
	defer front.Close()
	t.Setenv("AWS_ENDPOINT_URL_SQS", front.URL)
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0", "--drain-timeout", "10s")
	if body := <-asked; !strings.Contains(body, `"WaitTimeSeconds":5`) {
		t.Errorf("SQS was asked %s", body)
	}
	c.now()
	<-code
}
