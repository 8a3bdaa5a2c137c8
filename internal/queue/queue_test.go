package queue

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

func TestAMessageComesAsItWasSent(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders.fifo", map[string]string{"FifoQueue": "true"})
		sent := time.Now()
		draft := Draft{
			Body: "ein „Wort“ \t \n", GroupID: "tenant-1", DeduplicationID: "once",
			Attributes: map[string]message.Attribute{
				"Content-Type": {DataType: "String", StringValue: "text/plain"},
				"count":        {DataType: "Number.int", StringValue: "3"},
				"raw":          {DataType: "Binary", BinaryValue: []byte{0, 255}},
			},
		}
		if errs := b.Send(t.Context(), []Draft{draft}); errs != nil {
			t.Fatal(errs)
		}
		time.Sleep(time.Minute)
		for receives := 1; receives <= 2; receives++ {
			messages := b.receive(t, 10, time.Second)
			if len(messages) != 1 {
				t.Fatalf("%d messages", len(messages))
			}
			m := messages[0]
			if m.ID == "" || m.ReceiptHandle == "" || m.Body != draft.Body || m.GroupID != draft.GroupID ||
				m.DeduplicationID != draft.DeduplicationID || m.ReceiveCount != receives || !m.SentAt.Equal(sent) {
				t.Fatalf("got %+v", m)
			}
			if !maps.EqualFunc(m.Attributes, draft.Attributes, func(a, b message.Attribute) bool {
				return a.DataType == b.DataType && a.StringValue == b.StringValue && slices.Equal(a.BinaryValue, b.BinaryValue)
			}) {
				t.Fatalf("attributes %+v", m.Attributes)
			}
			time.Sleep(time.Minute)
		}
	})
}

func TestTheTraceHeaderComesAlong(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		const trace = "Root=1-67891233-abcdef012345678912345678"
		s := localsqs.New()
		t.Cleanup(s.Close)
		if _, err := s.CreateQueue("orders", nil); err != nil {
			t.Fatal(err)
		}
		c := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Set("X-Amzn-Trace-Id", trace)
			s.ServeHTTP(w, r)
		}), nil)
		q, err := c.Open(t.Context(), "orders")
		if err != nil {
			t.Fatal(err)
		}
		b := bench{Queue: q}
		b.send(t, "a")
		if m := b.receive(t, 1, 0); len(m) != 1 || m[0].TraceHeader != trace || m[0].Attributes != nil {
			t.Fatalf("got %+v", m)
		}
	})
}

func TestALongPollWaitsAsLongAsItSays(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", map[string]string{"ReceiveMessageWaitTimeSeconds": "1"})
		start := time.Now()
		if messages, err := b.Receive(t.Context(), 10, 20*time.Second, 0, ""); err != nil || len(messages) != 0 {
			t.Fatal(messages, err)
		}
		if took := time.Since(start); took != 20*time.Second {
			t.Fatalf("took %s", took)
		}
	})
}

func TestAReceiveThatIsNotAnsweredEndsTenSecondsAfterItsPoll(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), nil)
		q := &Queue{client: c, name: "orders", url: "http://127.0.0.1:9324/0/orders", tally: c.metrics.of("orders")}
		start := time.Now()
		_, err := q.Receive(t.Context(), 10, 20*time.Second, time.Minute, "")
		wantFault(t, err, message.Network, "no answer within 30s from http://127.0.0.1:9324")
		if took := time.Since(start); took != 30*time.Second {
			t.Fatalf("took %s", took)
		}
		start = time.Now()
		wantFault(t, q.Delete(t.Context(), []string{"a"})[0], message.Network, "within 10s")
		if took := time.Since(start); took != 10*time.Second {
			t.Fatalf("took %s", took)
		}
		// The engine bounds its calls too, to the same time.
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		wantFault(t, q.Delete(ctx, []string{"a"})[0], message.Network, "no answer within 10s from http://127.0.0.1:9324")
	})
}

func TestACancelledCallIsKnownAsSuch(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		_, err := b.Receive(ctx, 10, 20*time.Second, 0, "")
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("%v", err)
		}
		errs := b.Delete(ctx, []string{"a"})
		if !errors.Is(errs[0], context.Canceled) {
			t.Fatalf("%v", errs)
		}
	})
}

func TestEveryRefusedDraftIsNamedAndNoOther(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		drafts := make([]Draft, 25)
		for i := range drafts {
			drafts[i].Body = "fine"
		}
		drafts[3].Body = ""
		drafts[7].Body = strings.Repeat("x", 1<<20) // too long together with the others, but not alone
		drafts[12].Body = "a secret \x00"
		drafts[20].Body = strings.Repeat("x", 1<<20+1)
		errs := b.Send(t.Context(), drafts)
		for i, err := range errs {
			switch i {
			case 3, 12, 20:
				wantFault(t, err, message.Invalid, "SendMessageBatch on orders", "SQS says")
				if strings.Contains(err.Error(), "a secret") {
					t.Fatalf("%q shows the body", err)
				}
			default:
				if err != nil {
					t.Fatalf("draft %d: %v", i, err)
				}
			}
		}
		b.depth(t, message.Depth{Visible: 22})
	})
}

func TestPermissionsAreToldWithoutAReceive(t *testing.T) {
	settings(t)
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "orders", nil)
		b.send(t, "a")
		for _, p := range b.Permissions(t.Context()) {
			if p.Err != nil || p.Unknown {
				t.Fatalf("%+v", p)
			}
		}
		if m := b.receive(t, 1, 0); m[0].ReceiveCount != 1 {
			t.Fatalf("received %d times", m[0].ReceiveCount)
		}
	})
}

func TestTheUserAgentSaysPoller(t *testing.T) {
	settings(t)
	var agent string
	c := newTestClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		w.WriteHeader(500)
	}), nil)
	_, err := c.Open(t.Context(), "orders")
	wantFault(t, err, message.Network)
	if !strings.HasPrefix(agent, "aws-sdk-go-v2/") || !strings.HasSuffix(agent, " poller/test") {
		t.Fatalf("user agent %q", agent)
	}
}
