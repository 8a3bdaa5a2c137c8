package redrive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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

func TestEverythingIsMovedAsItWas(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 25)
		got, err := Run(t.Context(), t.Context(), r.options())
		if err != nil || got != (Result{Moved: 25}) {
			t.Errorf("%+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 0 {
			t.Errorf("left: %v", left)
		}
		bodies, all := r.in(t, r.to)
		slices.Sort(bodies)
		if len(slices.Compact(bodies)) != 25 {
			t.Errorf("moved: %v", bodies)
		}
		for _, m := range all {
			var i int
			_, _ = fmt.Sscanf(m.Body, "body %d", &i)
			_, noted := m.Attributes["PollerRejected"]
			if tenant := m.Attributes["tenant"].StringValue; noted || (tenant == "7") != (i%3 == 0) || m.ReceiveCount != 1 {
				t.Errorf("%s has attributes %v and %d receives", m.Body, m.Attributes, m.ReceiveCount)
			}
		}
	})
}

func TestOnlyWhatMatchesIsMovedOfTenThousand(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 10_000)
		tenant, err := ParseFilter("attr:tenant=7")
		if err != nil {
			t.Fatal(err)
		}
		body, err := ParseFilter("body~[05]$")
		if err != nil {
			t.Fatal(err)
		}
		o := r.options()
		o.Match = All(tenant, body, Reason("422"), OlderThan(30*time.Second))
		o.Rate = 5 // so long that what is skipped has to be kept hidden
		got, err := Run(t.Context(), t.Context(), o)
		if want := 10_000/15 + 1; err != nil || got != (Result{Moved: want, Skipped: 10_000 - want}) {
			t.Errorf("%+v, %v", got, err)
		}
		if moved, _ := r.in(t, r.to); len(moved) != got.Moved {
			t.Errorf("%d are in the queue", len(moved))
		}
		_, left := r.in(t, r.from)
		if len(left) != got.Skipped {
			t.Errorf("%d are left", len(left))
		}
		for _, m := range left {
			if m.ReceiveCount != 2 {
				t.Fatalf("%s has %d receives: it was not kept hidden", m.Body, m.ReceiveCount)
			}
		}
	})
}

func TestTheRateIsKeptAndTheRampRisesToIt(t *testing.T) {
	environment(t)
	for name, test := range map[string]struct {
		rate    float64
		ramp    time.Duration
		longest time.Duration
	}{
		"10/s":                  {rate: 10, longest: 21 * time.Second},
		"90/m":                  {rate: 1.5, longest: 136 * time.Second},
		"100/s in batches":      {rate: 100, longest: 4 * time.Second},
		"10/s, reached in 20 s": {rate: 10, ramp: 20 * time.Second, longest: 32 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, "")
				r.fill(t, 200)
				o := r.options()
				o.Rate, o.Ramp = test.rate, test.ramp
				begun := time.Now()
				if got, err := Run(t.Context(), t.Context(), o); err != nil || got.Moved != 200 {
					t.Fatalf("%+v, %v", got, err)
				}
				// What was received first and sent at once is a tenth of a second's.
				for i := range r.sent {
					for j := i; j < len(r.sent); j++ {
						window := r.sent[j].Sub(r.sent[i]).Seconds()
						if n := float64(j - i + 1); n > test.rate*window+max(test.rate/10, 1)+1e-6 {
							t.Fatalf("%g in %g s", n, window)
						}
					}
				}
				if test.ramp > 0 {
					early := 0
					for _, at := range r.sent {
						if at.Sub(begun) < test.ramp/4 {
							early++
						}
					}
					if most := test.rate * test.ramp.Seconds() / 16; float64(early) > most {
						t.Errorf("%d in the first quarter of the ramp, not %g", early, most)
					}
				}
				if took := r.sent[len(r.sent)-1].Sub(begun); took > test.longest {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

func TestAGroupStaysInOrderAndWaitsBehindWhatCannotBeSent(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, ".fifo")
		r.fill(t, 60)
		o := r.options()
		o.To = refusing{r.to, "body 31"} // of group 1
		var noted []string
		o.Note = func(m *message.Message, err error) {
			if err != nil {
				noted = append(noted, m.Body)
			}
		}
		got, err := Run(t.Context(), t.Context(), o)
		if err != nil || got.Moved+got.Failed+got.Behind > 60 || got.Failed != 1 || got.Moved < 50 {
			t.Errorf("%+v, %v", got, err)
		}
		if len(noted) != 1 || noted[0] != "body 31" {
			t.Errorf("noted %v", noted)
		}
		next := []int{0, 1, 2}
		moved, _ := r.in(t, r.to)
		for _, body := range moved {
			var i int
			_, _ = fmt.Sscanf(body, "body %d", &i)
			if i != next[i%3] {
				t.Fatalf("%d came, not %d", i, next[i%3])
			}
			next[i%3] += 3
		}
		if next[1] != 31 || next[0] != 60 || next[2] != 62 {
			t.Errorf("moved up to %v", next)
		}
		if left, _ := r.in(t, r.from); len(left) != 10 || left[0] != "body 31" {
			t.Errorf("left: %v", left)
		}
	})
}

// refusing refuses to send one body.
type refusing struct {
	destination
	body string
}

func (r refusing) Send(ctx context.Context, drafts []queue.Draft) []error {
	if drafts[0].Body == r.body {
		return []error{&message.SQSError{Fault: message.Invalid, Err: errors.New("refused")}}
	}
	return r.destination.Send(ctx, drafts)
}

// TestAProcessThatIsKilledAtAnyMomentLosesNothing kills it at its first 20 requests and at
// 20 random ones, before SQS carries the request out, and after.
func TestAProcessThatIsKilledAtAnyMomentLosesNothing(t *testing.T) {
	environment(t)
	random := rand.New(rand.NewPCG(1, 2))
	for _, suffix := range []string{"", ".fifo"} {
		for _, carried := range []bool{false, true} {
			for moment := range 40 {
				dies := moment + 1
				if moment >= 20 {
					dies = 1 + random.IntN(60)
				}
				t.Run(fmt.Sprintf("%s carried %t, request %d", suffix, carried, dies), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						killed(t, suffix, dies, carried)
					})
				})
			}
		}
	}
}

func killed(t *testing.T, suffix string, dies int, carried bool) {
	t.Helper()
	r := newRig(t, suffix)
	r.fill(t, 30)
	kill, end := context.WithCancel(t.Context())
	defer end()
	r.dies, r.carried, r.kill = r.requests+dies, carried, end
	first, _ := Run(kill, kill, r.options())
	r.dies = 0
	<-time.After(hide + time.Second)
	second, err := Run(t.Context(), t.Context(), r.options())
	if err != nil {
		t.Fatal(err)
	}
	if left, _ := r.in(t, r.from); len(left) != 0 {
		t.Errorf("left after the second run: %v", left)
	}
	moved, _ := r.in(t, r.to)
	copies := len(moved) - 30
	slices.Sort(moved)
	if got := len(slices.Compact(moved)); got != 30 {
		t.Errorf("%d of 30 are there; the runs say %+v, %+v", got, first, second)
	}
	if copies > queue.MaxBatch || suffix != "" && copies > 0 {
		t.Errorf("%d copies", copies)
	}
}

func TestWhatComesBackDuringTheRunIsLeft(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 30)
		o := r.options()
		o.Rate = 10
		o.Note = func(m *message.Message, _ error) { // it fails again at once
			r.from.Send(t.Context(), []queue.Draft{{Body: "again " + m.Body}})
		}
		got, err := Run(t.Context(), t.Context(), o)
		if err != nil || got.Moved != 30 || got.Newer == 0 || got.Left() != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 30 {
			t.Errorf("%d are left", len(left))
		}
	})
}

func TestAStopFinishesTheBatchAndMakesTheRestVisible(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		stop, end := context.WithCancel(t.Context())
		o := r.options()
		o.Rate = 2
		time.AfterFunc(5*time.Second, end)
		got, err := Run(stop, t.Context(), o)
		if err != nil || got.Moved != 10 && got.Moved != 11 || got.Hidden != 0 {
			t.Errorf("%+v, %v", got, err)
		}
		now, err := r.from.Look(t.Context())
		if err != nil || now.Depth.Visible != 50-got.Moved || now.Depth.InFlight != 0 {
			t.Errorf("%+v, %v", now.Depth, err)
		}
	})
}

func TestADryRunMovesNothingAndMaxIsTheMost(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		o := r.options()
		o.DryRun, o.Rate = true, 0.001
		if got, err := Run(t.Context(), t.Context(), o); err != nil || got != (Result{Moved: 50}) {
			t.Errorf("a dry run: %+v, %v", got, err)
		}
		o.DryRun, o.Rate, o.Max = false, 0, 17
		if got, err := Run(t.Context(), t.Context(), o); err != nil || got != (Result{Moved: 17}) {
			t.Errorf("at most 17: %+v, %v", got, err)
		}
		if left, _ := r.in(t, r.from); len(left) != 33 {
			t.Errorf("%d are left", len(left))
		}
		if moved, _ := r.in(t, r.to); len(moved) != 17 {
			t.Errorf("%d are moved", len(moved))
		}
	})
}

func TestWithoutPermissionToDeleteItEndsAfterTheFirstBatch(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 50)
		r.denied = "DeleteMessageBatch"
		got, err := Run(t.Context(), t.Context(), r.options())
		if message.FaultOf(err) != message.Refused || got.Copied != 10 || got.Moved != 0 || got.Left() != 10 {
			t.Errorf("%+v, %v", got, err)
		}
		r.denied = "SendMessageBatch"
		if got, err = Run(t.Context(), t.Context(), r.options()); message.FaultOf(err) != message.Refused || got.Failed != 10 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestAPeekPutsEverythingBack(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, "")
		r.fill(t, 33)
		for _, most := range []int{7, 20, 1000} {
			found, hidden, err := Peek(t.Context(), t.Context(), r.from, most)
			if err != nil || hidden != 0 || len(found) != min(most, 33) {
				t.Errorf("at most %d: %d found, %d hidden, %v", most, len(found), hidden, err)
			}
			now, err := r.from.Look(t.Context())
			if err != nil || now.Depth.Visible != 33 || now.Depth.InFlight != 0 {
				t.Errorf("%+v, %v", now.Depth, err)
			}
		}
	})
}

func TestFiltersThatAreNoneSayWhatToWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"tenant=7":  "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"attr:=7":   "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"body~[a":   "invalid regular expression: error parsing regexp: missing closing ]: `[a`: see https://golang.org/s/re2syntax",
		"":          "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
		"body=text": "invalid filter: use attr:NAME=VALUE, attr:NAME or body~REGEXP",
	} {
		if _, err := ParseFilter(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
	has, err := ParseFilter("attr:tenant")
	with := &message.Message{Attributes: map[string]message.Attribute{"tenant": {StringValue: "9"}}}
	if err != nil || !has(with, 0) || has(&message.Message{}, 0) {
		t.Errorf("attr:tenant: %v", err)
	}
}
