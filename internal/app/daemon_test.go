package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/localsqs"
)

// daemon is an App in a bubble, with its queue and its target.
type daemon struct {
	*App
	sqs     *direct
	admin   *inMemory
	taken   atomic.Int64  // deliveries to the target
	latency time.Duration // of its answers
	answer  atomic.Int64  // the target's status
	logs    *strings.Builder
	stop    context.CancelFunc
	ended   chan error
	sum     consumer.Summary
}

func environment(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9324", "AWS_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_PROFILE": "",
	} {
		t.Setenv(name, value)
	}
}

func settings() config.Config {
	return config.Config{
		Queues: []config.Queue{{Queue: "orders", Target: "default", Gather: config.Duration(20 * time.Millisecond), Weight: 1}},
		Targets: map[string]config.Target{"default": {
			URL: "http://orders.test/hook", Concurrency: 10, Burst: 1, Timeout: config.Duration(30 * time.Second),
			Backoff: config.Duration(time.Second), BackoffMax: config.Duration(15 * time.Minute), Format: "raw", OnRejected: "retry", FollowLimits: true,
		}},
		DrainTimeout: config.Duration(25 * time.Second),
		Listen:       ":9500",
	}
}

// settingsWith returns settings with a changed target.
func settingsWith(change func(*config.Target)) config.Config {
	c := settings()
	target := c.Targets["default"]
	change(&target)
	c.Targets["default"] = target
	return c
}

// begin starts a daemon. Its queue exists unless queue is empty.
func begin(t *testing.T, queue string, c config.Config, away func(string) error) *daemon {
	t.Helper()
	d := prepare(t, queue, c, away)
	d.run(t)
	return d
}

// run starts it.
func (d *daemon) run(t *testing.T) {
	t.Helper()
	drain, stop := context.WithCancel(t.Context())
	d.stop = stop
	go func() {
		var err error
		d.sum, err = d.Run(drain, context.WithoutCancel(t.Context()))
		d.ended <- err
	}()
}

// prepare returns a daemon that is not running yet.
func prepare(t *testing.T, queue string, c config.Config, away func(string) error) *daemon {
	t.Helper()
	return prepareIn(t, nil, queue, c, away)
}

// prepareIn is prepare for one replica of a fleet, whose coordinator dial connects to.
func prepareIn(t *testing.T, dial func(context.Context, string, string) (net.Conn, error), queue string, c config.Config, away func(string) error) *daemon {
	t.Helper()
	d := &daemon{
		sqs: &direct{server: localsqs.New(localsqs.WithSeed(1)), away: away}, admin: newInMemory(),
		logs: &strings.Builder{}, ended: make(chan error, 1),
	}
	d.answer.Store(http.StatusNoContent)
	t.Cleanup(d.sqs.server.Close)
	if queue != "" {
		if _, err := d.sqs.server.CreateQueue(queue, nil); err != nil {
			t.Fatal(err)
		}
	}
	downstream := newInMemory()
	target := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		d.taken.Add(1)
		<-time.After(d.latency)
		w.WriteHeader(int(d.answer.Load()))
	})}
	go func() { _ = target.Serve(downstream) }()
	t.Cleanup(func() { _ = target.Close() })

	level := new(slog.LevelVar)
	a, err := New(t.Context(), c, Options{
		Logger: slog.New(slog.NewTextHandler(d.logs, &slog.HandlerOptions{Level: level})), Level: level,
		Build: admin.Build{Version: "test"}, Listener: d.admin, HTTPClient: d.sqs, DialTarget: downstream.dial, DialFleet: dial, Seed: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	d.App = a
	return d
}

func (d *daemon) send(t *testing.T, n int) {
	t.Helper()
	for range n {
		d.sendDelayed(t, 0)
	}
}

func (d *daemon) sendDelayed(t *testing.T, seconds int) {
	t.Helper()
	d.call(t, "SendMessage", fmt.Sprintf(
		`{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","MessageBody":"{}","DelaySeconds":%d}`, seconds))
}

// call calls an action of the embedded server.
func (d *daemon) call(t *testing.T, action, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "AmazonSQS."+action)
	w := httptest.NewRecorder()
	d.sqs.server.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", action, w.Code, w.Body)
	}
}

// get sends a GET to the admin port.
func (d *daemon) get(t *testing.T, path string) (int, string) {
	t.Helper()
	transport := &http.Transport{DialContext: d.admin.dial, DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://admin"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
