//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// newDeadLetters creates a queue and its dead-letter queue with n messages in it, "1" to n.
// Every second has the attribute tenant=7; on a FIFO queue they are of three groups.
func newDeadLetters(t *testing.T, s server, n int, fifo bool) (q, dead *queue) {
	t.Helper()
	settings := []string{"VisibilityTimeout", "5"} // of take
	if fifo {
		settings = append(settings, "FifoQueue", "true")
	}
	dead = newQueue(t, s, settings...)
	q = newQueue(t, s, append(settings, "RedrivePolicy",
		fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, dead.attributes(t)["QueueArn"]))...)
	var entries []types.SendMessageBatchRequestEntry
	for i := 1; i <= n; i++ {
		e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(strconv.Itoa(i))}
		if i%2 == 0 {
			e.MessageAttributes = map[string]types.MessageAttributeValue{"tenant": {DataType: aws.String("String"), StringValue: aws.String("7")}}
		}
		if fifo {
			e.MessageGroupId, e.MessageDeduplicationId = aws.String(strconv.Itoa(i%3)), e.Id
		}
		entries = append(entries, e)
	}
	for ten := range slices.Chunk(entries, 10) {
		sent, err := q.sqs.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &dead.url, Entries: ten})
		if err != nil || len(sent.Failed) > 0 {
			t.Fatal(err, sent)
		}
	}
	return q, dead
}

// take receives and deletes everything, and returns the bodies in their order. It is not
// done at the first empty receive: the SDK sometimes loses an answer.
func (q *queue) take(t *testing.T) (bodies []string) {
	t.Helper()
	eventually(t, "everything is received", func() bool {
		batch := q.receive(t)
		if len(batch) == 0 {
			visible, hidden := q.count(t)
			return visible+hidden == 0
		}
		var entries []types.DeleteMessageBatchRequestEntry
		for i, m := range batch {
			bodies = append(bodies, *m.Body)
			entries = append(entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
		if _, err := q.sqs.DeleteMessageBatch(t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries}); err != nil {
			t.Fatal(err)
		}
		return false
	})
	return bodies
}

// redrive runs `poller redrive` to its end.
func redrive(t *testing.T, s server, args ...string) (stdout string) {
	t.Helper()
	out, err := command(s, append([]string{"redrive"}, args...)...).CombinedOutput()
	if err != nil {
		t.Errorf("redrive %s: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestARedriveMovesWhatMatchesNoFasterThanItsRate(t *testing.T) {
	const rate, sent = 20, 60
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, dead := newDeadLetters(t, s, sent, false)
			began := time.Now()
			out := redrive(t, s, "--from", dead.name, "--filter", "attr:tenant=7", "--rate", fmt.Sprintf("%d/s", rate))
			if took := time.Since(began).Seconds() * rate; took < sent/2-rate/10 {
				t.Errorf("it was done in the time of %.1f messages", took)
			}
			if !strings.Contains(out, "30 messages moved to "+q.name+"\n30 did not match, and are left\n") {
				t.Errorf("it says\n%s", out)
			}
			moved, left := q.take(t), dead.take(t)
			if len(moved) != sent/2 || len(left) != sent/2 {
				t.Errorf("moved %v, left %v", moved, left)
			}
			for _, body := range moved {
				if i, err := strconv.Atoi(body); err != nil || i%2 != 0 || slices.Contains(left, body) {
					t.Errorf("%s was moved", body)
				}
			}
		})
	}
}

func TestARedriveKeepsTheOrderOfEachGroup(t *testing.T) {
	const sent = 45
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, dead := newDeadLetters(t, s, sent, true)
			redrive(t, s, "--from", dead.name, "--filter", "body~.")
			mustBeInOrder(t, q.take(t), sent)
		})
	}
}

// mustBeInOrder fails unless the bodies are "1" to n, each once, and those of a group, a
// third of them, in order.
func mustBeInOrder(t *testing.T, bodies []string, n int) {
	t.Helper()
	next := []int{3, 1, 2}
	for _, body := range bodies {
		i, err := strconv.Atoi(body)
		if err != nil || i != next[i%3] {
			t.Fatalf("%s came, not one of %v", body, next)
		}
		next[i%3] += 3
	}
	if len(bodies) != n {
		t.Errorf("%d of %d came", len(bodies), n)
	}
}

func TestSQSMovesEverythingByItself(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, dead := newDeadLetters(t, s, 25, false)
			if out := redrive(t, s, "--from", dead.name); !strings.Contains(out, "by SQS itself (StartMessageMoveTask)") || !strings.Contains(out, "25 messages moved") {
				t.Errorf("it says\n%s", out)
			}
			if moved, left := q.take(t), dead.take(t); len(moved) != 25 || len(left) != 0 {
				t.Errorf("moved %v, left %v", moved, left)
			}
		})
	}
}

// TestARedriveThatIsKilled20TimesLosesNothing kills the process while one of its first 25
// requests is under way, 20 times, and then lets one finish what is left.
func TestARedriveThatIsKilled20TimesLosesNothing(t *testing.T) {
	const kills, requests = 20, 25
	t.Parallel()
	for _, s := range servers {
		for _, fifo := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s fifo %t", s.name, fifo), func(t *testing.T) {
				t.Parallel()
				sent := 1000 // in batches of ten, more than 20 times 25 requests move
				if fifo {
					sent = 260
				}
				q, dead := newDeadLetters(t, s, sent, fifo)
				through := newInterceptor(t, s)
				args := []string{"redrive", "--from", dead.name, "--filter", "body~.", "--rate", "1000/s"}
				for range kills {
					process := command(server{name: s.name, endpoint: through.url}, args...)
					through.kill(t, process, rand.IntN(requests))
					through.release(t, dead)
				}
				redrive(t, server{name: s.name, endpoint: through.url}, args[1:]...)
				if left := dead.take(t); len(left) != 0 {
					t.Errorf("left after the last: %v", left)
				}
				moved := q.take(t)
				if fifo { // deduplication ids keep copies away
					mustBeInOrder(t, moved, sent)
					return
				}
				copies := len(moved) - sent
				slices.Sort(moved)
				if got := len(slices.Compact(moved)); got != sent || copies > 10*kills {
					t.Errorf("%d of %d are there, and %d copies", got, sent, copies)
				}
				t.Logf("%d copies", copies)
			})
		}
	}
}

// interceptor stands between a process and its SQS server. It kills the process at one of
// its requests, and knows what the process has received.
type interceptor struct {
	url   string
	under sync.RWMutex // held by each request while it is under way

	mu       sync.Mutex // guards what follows
	requests int        // that the process may still make
	process  *exec.Cmd
	handles  map[string]string // by message id, the newest
}

func newInterceptor(t *testing.T, s server) *interceptor {
	t.Helper()
	to, err := url.Parse(s.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	i := &interceptor{handles: map[string]string{}}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			// The process may be gone before the server is: what it asked for is done.
			r.Out = r.Out.WithContext(context.WithoutCancel(r.Out.Context()))
			i.count()
		},
		ModifyResponse: i.hear,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.under.RLock()
		defer i.under.RUnlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	i.url = front.URL
	return i
}

// kill runs the process, and kills it when it has made n requests and begun one more.
func (i *interceptor) kill(t *testing.T, process *exec.Cmd, n int) {
	t.Helper()
	i.mu.Lock()
	i.requests, i.process = n, process
	err := process.Start()
	i.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err == nil {
		t.Errorf("the process was done before its request %d", n)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.process = nil
}

func (i *interceptor) count() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.requests == 0 && i.process != nil {
		go func(p *exec.Cmd) { _ = p.Process.Kill() }(i.process) // while the request is under way
	}
	i.requests--
}

// hear notes the receipt handles in an answer.
func (i *interceptor) hear(answer *http.Response) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	var got struct {
		Messages []struct {
			MessageID     string `json:"MessageId"`
			ReceiptHandle string
		}
	}
	if json.Unmarshal(body, &got) != nil {
		return nil
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, m := range got.Messages {
		i.handles[m.MessageID] = m.ReceiptHandle
	}
	return nil
}

// release makes visible what the process has left hidden, which would otherwise take two
// minutes.
func (i *interceptor) release(t *testing.T, q *queue) {
	t.Helper()
	i.under.Lock() // waits for what the process has begun
	defer i.under.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, handle := range i.handles {
		// What was deleted cannot be made visible.
		_, _ = q.sqs.ChangeMessageVisibility(t.Context(), &sqs.ChangeMessageVisibilityInput{QueueUrl: &q.url, ReceiptHandle: &handle})
	}
	clear(i.handles)
}
