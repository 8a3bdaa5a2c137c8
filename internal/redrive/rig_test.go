package redrive

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an SQS server with a queue and its dead-letter queue.
type rig struct {
	server   *localsqs.Server
	client   *queue.Client
	from, to *queue.Queue
	fifo     bool

	// dies is the number of the request at which the process dies; 0: it lives. answered is
	// whether SQS still carries that request out.
	dies     int
	carried  bool
	requests int
	kill     context.CancelFunc
	sent     []time.Time // when messages were sent to the queue
	denied   string      // an action that fails
}

func (r *rig) Do(request *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	r.requests++
	dead := r.dies > 0 && r.requests >= r.dies
	if dead && (!r.carried || r.requests > r.dies) {
		r.kill()
		return nil, context.Canceled
	}
	w := httptest.NewRecorder()
	if action == r.denied {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}`)
		return w.Result(), nil
	}
	if action == "SendMessageBatch" {
		body, _ := io.ReadAll(request.Body)
		request.Body = io.NopCloser(strings.NewReader(string(body)))
		for range strings.Count(string(body), `"MessageBody"`) {
			r.sent = append(r.sent, time.Now())
		}
	}
	r.server.ServeHTTP(w, request)
	if dead {
		r.kill()
		return nil, context.Canceled // SQS did it, and nobody was there to hear it
	}
	return w.Result(), nil
}

func newRig(t *testing.T, suffix string) *rig {
	t.Helper()
	r := &rig{server: localsqs.New(localsqs.WithSeed(1)), fifo: suffix != ""}
	t.Cleanup(r.server.Close)
	attributes := func() map[string]string {
		if r.fifo {
			return map[string]string{"FifoQueue": "true"}
		}
		return map[string]string{}
	}
	if _, err := r.server.CreateQueue("dead"+suffix, attributes()); err != nil {
		t.Fatal(err)
	}
	policy := attributes()
	policy["RedrivePolicy"] = `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead` + suffix + `","maxReceiveCount":3}`
	if _, err := r.server.CreateQueue("orders"+suffix, policy); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.client, err = queue.NewClient(t.Context(), queue.Options{HTTPClient: r}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.client.Close)
	if r.from, err = r.client.Open(t.Context(), "dead"+suffix); err != nil {
		t.Fatal(err)
	}
	if r.to, err = r.client.Open(t.Context(), "orders"+suffix); err != nil {
		t.Fatal(err)
	}
	return r
}

func environment(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9324", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "any",
		"AWS_SECRET_ACCESS_KEY": "any", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
}

// fill puts messages 0 to n-1 into the dead-letter queue: every third has the attribute
// tenant=7, every fifth was rejected with 422.
func (r *rig) fill(t *testing.T, n int) {
	t.Helper()
	drafts := make([]queue.Draft, n)
	for i := range drafts {
		d := queue.Draft{Body: fmt.Sprintf("body %d", i), Attributes: map[string]message.Attribute{}}
		if r.fifo {
			d.GroupID, d.DeduplicationID = fmt.Sprintf("g%d", i%3), fmt.Sprint(i)
		}
		if i%3 == 0 {
			d.Attributes["tenant"] = message.Attribute{DataType: "String", StringValue: "7"}
		}
		if i%5 == 0 {
			d.Attributes["PollerRejected"] = message.Attribute{DataType: "String", StringValue: "status=422 reason=4xx message_id=m sent_at=then"}
		}
		drafts[i] = d
	}
	for _, err := range r.from.Send(t.Context(), drafts) {
		if err != nil {
			t.Fatal(err)
		}
	}
	r.sent = nil
	<-time.After(time.Minute) // it was all there before the redrive begins
}

// options are those of a run that moves everything.
func (r *rig) options() Options {
	return Options{From: r.from, To: r.to, FIFO: r.fifo, Match: All()}
}

// in returns the bodies of all messages of a queue, in the order in which they come. It
// waits until all are visible.
func (r *rig) in(t *testing.T, q *queue.Queue) (bodies []string, all []*message.Message) {
	t.Helper()
	<-time.After(hide + time.Second)
	for {
		batch, err := q.Receive(t.Context(), 10, time.Second, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 {
			return bodies, all
		}
		var handles []string
		for _, m := range batch {
			bodies = append(bodies, m.Body)
			all = append(all, m)
			handles = append(handles, m.ReceiptHandle)
		}
		q.Delete(t.Context(), handles)
	}
}
