package localsqs

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// crowd is many clients of one queue over real connections. Some of them hang
// up in the middle of a receive.
type crowd struct {
	t       *testing.T
	s       *Server
	client  *http.Client
	address string
	queue   string

	mu   sync.Mutex
	got  map[string]int // how often each body was received
	last map[string]int // of each group, the latest number received

	sending atomic.Int64 // senders that are not done
}

func newCrowd(t *testing.T, queue string) *crowd {
	t.Helper()
	s := New()
	attributes := map[string]string{}
	if strings.HasSuffix(queue, ".fifo") {
		attributes["FifoQueue"] = "true"
	}
	_, err := s.CreateQueue(queue, attributes)
	wantNone(t, err)
	server := httptest.NewServer(s)
	c := &crowd{
		t: t, s: s, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		address: server.URL, queue: queue, got: map[string]int{}, last: map[string]int{},
	}
	t.Cleanup(func() { c.client.CloseIdleConnections(); server.Close(); s.Close() })
	return c
}

func (c *crowd) call(ctx context.Context, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", action, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

type entry struct {
	ID              string `json:"Id"`
	MessageBody     string `json:",omitempty"`
	MessageGroupID  string `json:"MessageGroupId,omitempty"`
	DeduplicationID string `json:"MessageDeduplicationId,omitempty"`
	ReceiptHandle   string `json:",omitempty"`
}

// send sends n messages of one sender, by ten, numbered in their order.
func (c *crowd) send(sender, n int) {
	defer c.sending.Add(-1)
	for i := 0; i < n; i += 10 {
		var entries []entry
		for j := i; j < i+10; j++ {
			e := entry{ID: strconv.Itoa(j), MessageBody: fmt.Sprintf("%d/%d", sender, j)}
			if strings.HasSuffix(c.queue, ".fifo") {
				e.MessageGroupID, e.DeduplicationID = strconv.Itoa(sender), strings.ReplaceAll(e.MessageBody, "/", "-")
			}
			entries = append(entries, e)
		}
		var out struct{ Successful []entry }
		err := c.call(c.t.Context(), "SendMessageBatch", map[string]any{"QueueUrl": c.queue, "Entries": entries}, &out)
		if err != nil || len(out.Successful) != 10 {
			c.t.Errorf("send: %v, %d sent", err, len(out.Successful))
		}
	}
}

// done reports whether everything was sent and nothing is left.
func (c *crowd) done() bool {
	if c.sending.Load() > 0 {
		return false
	}
	visible, inFlight, _, _ := c.s.Depth(c.queue)
	return visible+inFlight == 0
}

// receive takes and deletes until nothing is left. Each third receive is given
// up after at most a few milliseconds.
func (c *crowd) receive() {
	for i := 0; !c.done() && !c.t.Failed(); i++ {
		ctx, cancel := c.t.Context(), func() {}
		if i%3 == 0 {
			ctx, cancel = context.WithTimeout(ctx, rand.N(5*time.Millisecond))
		}
		var out struct {
			Messages []struct{ Body, ReceiptHandle string }
		}
		err := c.call(ctx, "ReceiveMessage", map[string]any{
			"QueueUrl": c.queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1, "VisibilityTimeout": 1,
		}, &out)
		cancel()
		if err != nil {
			continue
		}
		var entries []entry
		c.mu.Lock()
		for j, m := range out.Messages {
			c.got[m.Body]++
			group, number, _ := strings.Cut(m.Body, "/")
			n, _ := strconv.Atoi(number)
			if strings.HasSuffix(c.queue, ".fifo") && n > c.last[group]+1 {
				c.t.Errorf("group %s: %d came after %d", group, n, c.last[group])
			}
			c.last[group] = max(n, c.last[group])
			entries = append(entries, entry{ID: strconv.Itoa(j), ReceiptHandle: m.ReceiptHandle})
		}
		c.mu.Unlock()
		if len(entries) == 0 {
			continue
		}
		err = c.call(c.t.Context(), "DeleteMessageBatch", map[string]any{"QueueUrl": c.queue, "Entries": entries}, &struct{}{})
		if err != nil {
			c.t.Errorf("delete: %v", err)
		}
	}
}

func TestACrowdOfClientsGetsEveryMessage(t *testing.T) {
	for _, queue := range []string{"orders", "orders.fifo"} {
		t.Run(queue, func(t *testing.T) {
			const senders, each = 8, 200
			c := newCrowd(t, queue)
			c.sending.Store(senders)
			for i := range senders {
				c.last[strconv.Itoa(i)] = -1
			}
			var all sync.WaitGroup
			for i := range senders {
				all.Go(func() { c.send(i, each) })
			}
			for range 16 {
				all.Go(c.receive)
			}
			all.Wait()
			if len(c.got) != senders*each {
				t.Errorf("%d of %d messages came", len(c.got), senders*each)
			}
		})
	}
}

func TestAParkedLongPollStartsNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		urls := []string{b.queue(t, "orders"), b.queue(t, "orders.fifo")}
		const polls = 500
		before := runtime.NumGoroutine()
		var all sync.WaitGroup
		for i := range polls {
			all.Go(func() {
				_, err := b.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &urls[i%2], WaitTimeSeconds: 20})
				if err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		// The count is the process's, and a goroutine of an earlier test may end meanwhile. One more
		// for each poll would double it.
		if n := runtime.NumGoroutine() - before; n > polls+polls/10 {
			t.Errorf("%d goroutines for %d long polls", n, polls)
		}
		all.Wait()
	})
}
