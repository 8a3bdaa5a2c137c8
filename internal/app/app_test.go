package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/localsqs"
)

// direct connects an SQS client to the embedded server without a network. away, if set,
// returns the error to fail with; denied is an action that SQS denies.
type direct struct {
	server *localsqs.Server
	away   func(action string) error
	denied string
}

func (d *direct) Do(r *http.Request) (*http.Response, error) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if d.away != nil {
		if err := d.away(action); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	if action == d.denied {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","Message":"no"}`)
		return w.Result(), nil
	}
	d.server.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// inMemory is a listener whose connections are inMemory.
type inMemory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newInMemory() *inMemory { return &inMemory{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *inMemory) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *inMemory) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *inMemory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9500} }

func (p *inMemory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, errors.New("connection refused: no listener")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

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

func TestWhatIsSentIsDeliveredAndTheLastLineSaysHowMany(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", settings(), nil)
		d.send(t, 100)
		pass(30 * time.Second)
		if code, body := d.get(t, "/-/ready"); code != http.StatusOK {
			t.Errorf("ready says %d %s", code, body)
		}
		if _, metrics := d.get(t, "/metrics"); !strings.Contains(metrics, `poller_messages_settled_total{outcome="delivered",queue="orders",target="default"} 100`) {
			t.Errorf("the metrics do not show 100 delivered messages")
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Fatal(err)
		}
		if d.sum.Delivered != 100 || d.taken.Load() != 100 {
			t.Errorf("summary %+v, %d taken", d.sum, d.taken.Load())
		}
		lines := strings.Split(strings.TrimSpace(d.logs.String()), "\n")
		if first, last := lines[0], lines[len(lines)-1]; !strings.Contains(first, "poller starts") || !strings.Contains(last, "delivered=100") {
			t.Errorf("the log:\n%s", d.logs)
		}
	})
}

func TestAQueueThatDoesNotExistEndsTheStartWithOneSentence(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "", settings(), nil)
		err := <-d.ended
		if err == nil || !strings.Contains(err.Error(), "orders") || strings.Contains(err.Error(), "\n") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestAnEndpointThatIsAwayAtTheStartIsTriedAgain(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		d := begin(t, "orders", settings(), func(string) error {
			if time.Since(begun) < 10*time.Minute {
				return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
			}
			return nil
		})
		d.send(t, 1)
		pass(5 * time.Minute)
		if code, body := d.get(t, "/-/ready"); code != http.StatusServiceUnavailable || !strings.Contains(body, "127.0.0.1:9324") {
			t.Errorf("ready says %d %s", code, body)
		}
		if code, _ := d.get(t, "/-/healthy"); code != http.StatusOK {
			t.Errorf("healthy says %d", code)
		}
		pass(6 * time.Minute)
		if n := d.taken.Load(); n != 1 {
			t.Errorf("%d delivered", n)
		}
		if n := strings.Count(d.logs.String(), "cannot be reached"); n > 11 {
			t.Errorf("%d lines in ten minutes:\n%s", n, d.logs)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAFIFOQueueIsOneThoughItsAttributesMayNotBeRead(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		for name, fifo := range map[string]bool{"orders": false, "orders.fifo": true} {
			c := settings()
			c.Queues[0].Queue = name
			d := prepare(t, "", c, nil)
			d.sqs.denied = "GetQueueAttributes"
			attributes := map[string]string{}
			if fifo {
				attributes["FifoQueue"] = "true"
			}
			if _, err := d.sqs.server.CreateQueue(name, attributes); err != nil {
				t.Fatal(err)
			}
			_, got, err := d.queues[0].tryOpen(t.Context())
			if err != nil || got.FIFO != fifo || got.VisibilityTimeout != 30*time.Second {
				t.Errorf("%s is opened with %+v (%v)", name, got, err)
			}
			d.close(t.Context())
		}
	})
}

func TestDeadLettersToAQueueThatIsNotToldAreRefusedAtTheStart(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.OnRejected = "dead-letter" })
		d := prepare(t, "orders", c, nil)
		d.sqs.denied = "GetQueueAttributes"
		_, err := d.Run(t.Context(), t.Context())
		if err == nil || !strings.Contains(err.Error(), "--on-rejected") || !strings.Contains(err.Error(), "sqs:GetQueueAttributes") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestAStopBeforeTheQueueWasReachedEndsTheProcess(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := begin(t, "orders", settings(), func(string) error { return io.ErrUnexpectedEOF })
		pass(time.Minute)
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestReloadChangesThePaceAndNamesWhatNeedsARestart(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 0} })
		d := begin(t, "orders", c, nil)
		d.send(t, 20)
		pass(time.Minute)
		if n := d.taken.Load(); n != 0 {
			t.Errorf("%d delivered at a rate of 0", n)
		}
		next := settingsWith(func(target *config.Target) {
			target.Rate = config.Rate{Limited: true, PerSecond: 5}
			target.Timeout = config.Duration(time.Second)
		})
		next.Log.Level = config.Level(slog.LevelDebug)
		next.Listen = ":1"
		changed, restart := d.Reload(next)
		if got := strings.Join(changed, "; "); !strings.Contains(got, "rate 5/s") || !strings.Contains(got, "log.level: debug") {
			t.Errorf("changed: %s", got)
		}
		if got := strings.Join(restart, "; "); got != "targets.default.timeout; listen" {
			t.Errorf("needs a restart: %s", got)
		}
		pass(10 * time.Second)
		if n := d.taken.Load(); n != 20 {
			t.Errorf("%d delivered", n)
		}
		if changed, _ := d.Reload(next); len(changed) != 0 {
			t.Errorf("changed again: %v", changed)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAQuotaKeepsWhatWasUsedOfItThroughAReload(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		quota := func(n int, unit string) config.Config {
			return settingsWith(func(target *config.Target) { target.Quotas = []config.Quota{{N: n, Unit: unit}} })
		}
		d := begin(t, "orders", quota(30, "h"), nil)
		d.send(t, 100)
		pass(time.Minute)
		if n := d.taken.Load(); n != 30 {
			t.Errorf("%d delivered of a quota of 30", n)
		}
		changed, restart := d.Reload(quota(40, "h"))
		want := "targets.default: no rate, quota 40/h, concurrency 10, was no rate, quota 30/h, concurrency 10"
		if got := strings.Join(changed, "; "); got != want || len(restart) != 0 {
			t.Errorf("changed: %s; needs a restart: %v", got, restart)
		}
		pass(time.Minute)
		if n := d.taken.Load(); n != 40 {
			t.Errorf("%d delivered after a change from 30 to 40", n)
		}
		status := d.Status(time.Now())
		free := d.started.Add(time.Hour).UTC()
		q := status.Targets[0].Pace.Quotas
		if len(q) != 1 || q[0].Limit != 40 || q[0].Used != 40 || q[0].Left != 0 || q[0].FreeAt.Sub(free).Abs() > 10*time.Second {
			t.Errorf("%+v", q)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
		if !strings.Contains(d.logs.String(), " quotas=30/h ") {
			t.Errorf("the first line does not say it: %s", d.logs.String())
		}
	})
}

func TestAReplicaKeepsToItsShareOfTheFleetsBudget(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 4} })
		c.Fleet.Replicas = 4
		d := begin(t, "orders", c, nil)
		d.send(t, 200)
		pass(60 * time.Second)
		if n := d.taken.Load(); n < 58 || n > 61 {
			t.Errorf("%d delivered in 60 s at a quarter of 4/s", n)
		}
		first, _, _ := strings.Cut(d.logs.String(), "\n")
		for _, want := range []string{" concurrency=2 ", " rate=1/s ", " burst=1 ", " fleet_replicas=4 "} {
			if !strings.Contains(first, want) {
				t.Errorf("no %q in the first line: %s", want, first)
			}
		}
		d.mustBeInForce(t, "1", "2", `"rate_per_second":1,"burst":1,"concurrency":2,"quotas":[],"told":null,"fleet_replicas":4`)

		c.Fleet.Replicas = 2
		changed, restart := d.Reload(c)
		want := "targets.default: rate 2/s, burst 1, concurrency 5, was rate 1/s, burst 1, concurrency 2; fleet.replicas: 2, was 4"
		if got := strings.Join(changed, "; "); got != want || len(restart) != 0 {
			t.Errorf("changed: %s; needs a restart: %v", got, restart)
		}
		d.mustBeInForce(t, "2", "5", `"rate_per_second":2,"burst":1,"concurrency":5,"quotas":[],"told":null,"fleet_replicas":2`)

		c = settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 40} })
		c.Fleet.Replicas = 4
		if changed, _ := d.Reload(c); !strings.Contains(strings.Join(changed, "; "), "rate 10/s, burst 1, concurrency 2, was rate 2/s") {
			t.Errorf("changed: %v", changed)
		}
		d.mustBeInForce(t, "10", "2", `"rate_per_second":10,`)
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

// mustBeInForce checks that the metrics, /status.json and the page show this pace.
func (d *daemon) mustBeInForce(t *testing.T, rate, concurrency, status string) {
	t.Helper()
	_, metrics := d.get(t, "/metrics")
	for kind, value := range map[string]string{"rate": rate, "concurrency": concurrency} {
		if line := fmt.Sprintf("poller_pace_limit{kind=%q,target=\"default\"} %s\n", kind, value); !strings.Contains(metrics, line) {
			t.Errorf("the metrics have no line %s", line)
		}
	}
	_, text := d.get(t, "/status.json")
	if compact := strings.Join(strings.Fields(text), ""); !strings.Contains(compact, status) {
		t.Errorf("/status.json has no %s:\n%s", status, text)
	}
	if _, page := d.get(t, "/"); !strings.Contains(page, "of "+rate+"/s") && !strings.Contains(page, "of "+rate+".0/s") || !strings.Contains(page, "the share of one of ") {
		t.Errorf("the page does not show %s/s as a share", rate)
	}
}
