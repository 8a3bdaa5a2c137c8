package play

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var update = flag.Bool("update", false, "write the data of docs/hold.html")

const (
	page     = "../../docs/hold.html"
	begin    = "<script type=\"application/json\" id=\"runs\">\n"
	end      = "\n</script>"
	messages = 20
	steps    = 120
	step     = 500 * time.Millisecond
	poison   = 3 // the message that nobody can deliver
)

// run is one combination, as the page plays it: at each step a letter for each message, and
// the gate's state.
//
//	.  not sent yet      q  in the queue      w  in hand, waiting    d  being delivered
//	h  held              o  delivered         x  in the dead-letter queue
type run struct {
	Outage   bool     `json:"outage"`
	Poison   bool     `json:"poison"`
	Crowd    bool     `json:"crowd"`
	Messages []string `json:"messages"`
	Receives []string `json:"receives"`
	Gate     []string `json:"gate"`
}

// world is the queue and the target, and what they saw of each message.
type world struct {
	run

	begun  time.Time
	server *localsqs.Server
	gate   *gate.Gate
	*queue.Queue

	mu         sync.Mutex // guards what follows
	number     map[string]int
	handles    map[string]int
	inHand     [messages]bool
	delivering [messages]bool
	delivered  [messages]bool
	receives   [messages]int
	tries      [messages]int
	sent       int
}

// Do is the SQS client's transport: no network.
func (w *world) Do(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	w.server.ServeHTTP(answer, r)
	return answer.Result(), r.Context().Err()
}

func (w *world) ReceiveWithin(
	ctx context.Context, most int, wait, visibility time.Duration, attempt string, admit func(context.Context, int),
) ([]*message.Message, error) {
	got, err := w.Queue.ReceiveWithin(ctx, most, wait, visibility, attempt, admit)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range got {
		var n int
		_, _ = fmt.Sscan(m.Body, &n)
		w.number[m.ID], w.handles[m.ReceiptHandle] = n, n
		w.inHand[n], w.receives[n] = true, m.ReceiveCount
	}
	return got, err
}

func (w *world) ChangeVisibility(ctx context.Context, changes []message.VisibilityChange) []error {
	w.mu.Lock()
	for _, c := range changes {
		if c.Seconds < 20 { // a release: extensions ask for more
			w.inHand[w.handles[c.ReceiptHandle]] = false
		}
	}
	w.mu.Unlock()
	return w.Queue.ChangeVisibility(ctx, changes)
}

// Deliver is the target: 0.8 s a message, and the trouble that was chosen. No two messages take
// the same time, and whom the crowd refuses is told by the message and its try: what begins at
// one moment begins in an order of the scheduler's, and the runs must not depend on it.
func (w *world) Deliver(ctx context.Context, _ string, m *message.Message) message.Result {
	w.mu.Lock()
	n := w.number[m.ID]
	w.delivering[n] = true
	w.tries[n]++
	even := (n+w.tries[n])%2 == 0
	w.mu.Unlock()
	select {
	case <-time.After(800*time.Millisecond + time.Duration(n)*1371*time.Microsecond):
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delivering[n] = false
	at := time.Since(w.begun)
	switch {
	case w.Outage && at >= 5*time.Second && at < 25*time.Second:
		return message.Result{Outcome: message.Unavailable, Status: 503, Reason: "5xx"}
	case w.Crowd && at >= 8*time.Second && at < 16*time.Second && even:
		return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}
	case w.Poison && n == poison:
		return message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}
	}
	w.delivered[n] = true
	return message.Result{Outcome: message.Delivered, Status: 204, Reason: "2xx"}
}

// look is what each message is at this moment.
func (w *world) look(held []consumer.HeldMessage) (states, receives string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var isHeld [messages]bool
	for _, h := range held {
		isHeld[w.number[h.MessageID]] = true
	}
	for n := range messages {
		state := "q"
		switch {
		case w.delivered[n]:
			state = "o"
		case n >= w.sent:
			state = "."
		case w.delivering[n]:
			state = "d"
		case isHeld[n]:
			state = "h"
		case w.inHand[n]:
			state = "w"
		case w.receives[n] == 3:
			state = "x"
		}
		states += state
		receives += fmt.Sprint(w.receives[n])
	}
	return states, receives
}

// played runs one combination.
func played(t *testing.T, r run) run {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{run: r, begun: time.Now(), server: localsqs.New(localsqs.WithSeed(1)), gate: gate.New(1), number: make(map[string]int), handles: make(map[string]int)}
		defer w.server.Close()
		if _, err := w.server.CreateQueue("dead", nil); err != nil {
			t.Fatal(err)
		}
		if _, err := w.server.CreateQueue("orders", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":3}`}); err != nil {
			t.Fatal(err)
		}
		client, err := queue.NewClient(t.Context(), queue.Options{HTTPClient: w})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if w.Queue, err = client.Open(t.Context(), "orders"); err != nil {
			t.Fatal(err)
		}
		c, err := consumer.New(consumer.Options{
			Queue: "orders", Target: "partner", Source: w, Deliver: w, Gate: w.gate,
			Pace: ratelimit.New(ratelimit.Limits{Concurrency: 3}), Weight: 1,
			Attributes: message.QueueAttributes{VisibilityTimeout: 30 * time.Second, MaxReceiveCount: 3},
			Timeout:    10 * time.Second, Backoff: time.Second, BackoffMax: 15 * time.Minute,
			DrainTimeout: 25 * time.Second, Seed: 1, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		drain, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); c.Run(drain, context.WithoutCancel(t.Context())) }()
		r = w.play(t, c, r)
		stop()
		<-ended
	})
	return r
}

// play sends a message a second, and writes down each step.
func (w *world) play(t *testing.T, c *consumer.Consumer, r run) run {
	t.Helper()
	for at := range steps {
		if at%2 == 0 && w.sent < messages {
			w.Send(t.Context(), []queue.Draft{{Body: fmt.Sprint(w.sent)}})
			w.mu.Lock()
			w.sent++
			w.mu.Unlock()
		}
		<-time.After(step)
		synctest.Wait()
		states, receives := w.look(c.Held(messages))
		r.Messages, r.Receives = append(r.Messages, states), append(r.Receives, receives)
		r.Gate = append(r.Gate, w.gate.State().String())
	}
	return r
}

func TestThePageHasWhatTheEngineDoes(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9324", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any",
		"AWS_SECRET_ACCESS_KEY": "any", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
	var runs []run
	for i := range 8 {
		r := played(t, run{Outage: i&1 != 0, Poison: i&2 != 0, Crowd: i&4 != 0})
		last, receives := r.Messages[steps-1], r.Receives[steps-1]
		for n := range messages {
			bad := r.Poison && n == poison
			if want := map[bool]byte{false: 'o', true: 'x'}[bad]; last[n] != want || !bad && receives[n] != '1' {
				t.Errorf("%d: message %d ends as %c after %c receives", i, n, last[n], receives[n])
			}
		}
		if closed := slices.Contains(r.Gate, "closed"); closed != r.Outage {
			t.Errorf("%d: the gate closed: %t", i, closed)
		}
		runs = append(runs, r)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, _ := strings.Cut(string(text), begin)
	was, after, found := strings.Cut(rest, end)
	if !found {
		t.Fatalf("%s has no place for the runs", page)
	}
	is, err := json.Marshal(runs)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, []byte(before+begin+string(is)+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	var has []run
	if err := json.Unmarshal([]byte(was), &has); err != nil || len(has) != len(runs) {
		t.Fatalf("%s has %d runs of %d, %v: go test ./internal/play -update", page, len(has), len(runs), err)
	}
	for i, r := range runs {
		if others := differ(has[i], r); others > messages*steps/50 {
			t.Errorf("%s has another run %d than the engine, by %d letters: go test ./internal/play -update", page, i, others)
		}
	}
}

// differ is how many letters and states of two runs differ. Which of two goroutines goes first
// at one moment is the scheduler's to choose: the runs of one engine differ by 7 of 2,400
// letters at most (seen in 320), those of an engine with another rule by more.
func differ(a, b run) (n int) {
	if a.Outage != b.Outage || a.Poison != b.Poison || a.Crowd != b.Crowd || len(a.Gate) != steps || len(a.Messages) != steps || len(a.Receives) != steps {
		return messages * steps
	}
	for at := range steps {
		if a.Gate[at] != b.Gate[at] {
			n++
		}
		for m := range messages {
			if a.Messages[at][m] != b.Messages[at][m] || a.Receives[at][m] != b.Receives[at][m] {
				n++
			}
		}
	}
	return n
}
