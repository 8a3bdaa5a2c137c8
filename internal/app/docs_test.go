package app

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/localsqs"
)

// documented is one line of a table in docs/metrics.md.
type documented struct {
	kind   string
	labels map[string][]string // with their values, if the docs list them
}

var (
	metricLine = regexp.MustCompile("^\\| `(poller_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\|")
	labelInDoc = regexp.MustCompile("`([a-z_]+)`(?:: ((?:`[a-z_]+`(?:, )?)+))?")
	tick       = regexp.MustCompile("`([a-z_]+)`")
	descName   = regexp.MustCompile(`fqName: "([^"]+)"`)
	common     = map[string][]string{ // labels that a section's first line gives to all its metrics
		"The queue": {"queue", "target"}, "Messages": {"queue", "target"}, "The target": {"queue", "target"}, "The fleet": {"target"},
		"SQS": {"queue"}, "The process": {},
	}
)

func documentedMetrics(t *testing.T) map[string]documented {
	t.Helper()
	docs, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]documented)
	var shared []string
	for line := range strings.Lines(string(docs)) {
		if section, is := strings.CutPrefix(strings.TrimSpace(line), "## "); is {
			shared = common[section]
		}
		m := metricLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if _, twice := all[m[1]]; twice {
			t.Errorf("docs/metrics.md lists %s twice", m[1])
		}
		d := documented{kind: m[2], labels: make(map[string][]string)}
		for _, name := range shared {
			d.labels[name] = nil
		}
		if m[1] == "poller_pace_limit" || m[1] == "poller_override" || m[1] == "poller_envelopes_total" || strings.HasPrefix(m[1], "poller_adaptive_") || strings.HasPrefix(m[1], "poller_quota_") || strings.HasPrefix(m[1], "poller_target_") || m[1] == "poller_strikes_total" || strings.HasPrefix(m[1], "poller_gate_") { // these have the target label only
			delete(d.labels, "queue")
		}
		// Match a label together with its values, so that these are not taken for labels.
		for _, label := range labelInDoc.FindAllStringSubmatch(m[3], -1) {
			var values []string
			for _, v := range tick.FindAllStringSubmatch(label[2], -1) {
				values = append(values, v[1])
			}
			if values == nil {
				d.labels[label[1]] = nil
				continue
			}
			d.labels[label[1]] = values
		}
		all[m[1]] = d
	}
	return all
}

func TestTheDocsListEveryMetricOnceAsItIs(t *testing.T) {
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "none")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "none")
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://localsqs")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	docs := documentedMetrics(t)
	synctest.Test(t, func(t *testing.T) {
		families, described := metricsOfADaemon(t)
		for name := range described {
			if _, known := docs[name]; !known {
				t.Errorf("docs/metrics.md does not list %s", name)
			}
		}
		for name, d := range docs {
			family := families[name]
			if family == nil {
				t.Errorf("docs/metrics.md lists %s, which a running daemon does not have", name)
				continue
			}
			if kind := strings.ToLower(family.GetType().String()); kind != d.kind {
				t.Errorf("%s is a %s, the docs say %s", name, kind, d.kind)
			}
			compareLabels(t, name, d, family)
		}
	})
}

// madeWhenNeeded are metrics whose series are there once there is something to count: of
// their labels not all values need have been seen.
var madeWhenNeeded = map[string]bool{
	"poller_sqs_requests_total": true, "poller_sqs_billed_requests_total": true, "poller_sqs_request_duration_seconds": true,
	"poller_pace_wait_seconds": true, "poller_delivery_duration_seconds": true,
}

func compareLabels(t *testing.T, name string, d documented, family *dto.MetricFamily) {
	t.Helper()
	seen := make(map[string]map[string]bool)
	for _, m := range family.GetMetric() {
		for _, l := range m.GetLabel() {
			if seen[l.GetName()] == nil {
				seen[l.GetName()] = make(map[string]bool)
			}
			seen[l.GetName()][l.GetValue()] = true
		}
	}
	if got, want := slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(d.labels)); !slices.Equal(got, want) {
		t.Errorf("%s has the labels %v, the docs say %v", name, got, want)
	}
	for label, values := range d.labels {
		got := slices.Sorted(maps.Keys(seen[label]))
		if madeWhenNeeded[name] {
			got = slices.Compact(slices.Sorted(slices.Values(slices.Concat(got, values))))
		}
		if values != nil && !slices.Equal(got, slices.Sorted(slices.Values(values))) {
			t.Errorf("%s{%s} has the values %v, the docs say %v", name, label, got, values)
		}
	}
}

// downAtFirst answers 503 to the first requests, and 204 to the others.
func downAtFirst(n int64) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("RateLimit", `"default";r=50;t=60`)
		if requests.Add(1) <= n {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// metricsOfADaemon runs a daemon until it has delivered and has seen the depth twice. It
// returns the gathered metrics and the names of all registered ones.
func metricsOfADaemon(t *testing.T) (families map[string]*dto.MetricFamily, described map[string]bool) {
	t.Helper()
	server := localsqs.New(localsqs.WithSeed(1))
	defer server.Close()
	if _, err := server.CreateQueue("orders-dlq", nil); err != nil {
		t.Fatal(err)
	}
	policy := map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:orders-dlq","maxReceiveCount":5}`}
	if _, err := server.CreateQueue("orders", policy); err != nil {
		t.Fatal(err)
	}
	sqs := inProcess{server}
	downstream := newInMemory()
	target := &http.Server{Handler: downAtFirst(5), ReadHeaderTimeout: time.Minute}
	go func() { _ = target.Serve(downstream) }()
	defer target.Close()

	a, err := New(t.Context(), config.Config{
		Queues: []config.Queue{{Queue: "orders", Target: "default"}},
		Targets: map[string]config.Target{"default": {
			URL: "http://target/", Concurrency: 10, Burst: 1, Quotas: []config.Quota{{N: 1000, Unit: "m"}}, FollowLimits: true, Adaptive: true, Timeout: config.Duration(30 * time.Second), Format: "cloudevents", Batch: 10, OnRejected: "retry",
			Backoff: config.Duration(time.Second), BackoffMax: config.Duration(time.Minute),
		}},
		Fleet:        config.Fleet{Redis: "redis://fleet:6379", Name: "budget", Replicas: 2},
		DrainTimeout: config.Duration(25 * time.Second),
	}, Options{
		Logger:     slog.New(slog.DiscardHandler),
		Build:      admin.Build{Version: "v0", Commit: "c", GoVersion: "go"},
		Listener:   newInMemory(),
		HTTPClient: sqs,
		DialTarget: downstream.dial,
		DialFleet:  coordinator(t),
		Seed:       1,
	})
	if err != nil {
		t.Fatal(err)
	}
	drain, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := a.Run(drain, t.Context())
		ended <- err
	}()
	for i := range 40 {
		sqs.send(t, fmt.Sprintf("message %d", i))
		time.Sleep(time.Second)
	}

	gathered, err := a.metrics.Gather()
	if err != nil {
		t.Error(err)
	}
	families = make(map[string]*dto.MetricFamily)
	for _, f := range gathered {
		families[f.GetName()] = f
	}
	described = make(map[string]bool)
	descs := make(chan *prometheus.Desc)
	go func() { a.metrics.Describe(descs); close(descs) }()
	for d := range descs {
		if m := descName.FindStringSubmatch(d.String()); m != nil && strings.HasPrefix(m[1], "poller_") {
			described[m[1]] = true
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	return families, described
}

// inProcess calls the SQS server without a network.
type inProcess struct{ http.Handler }

func (p inProcess) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), r.Context().Err()
}

func (p inProcess) send(t *testing.T, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://localsqs/", strings.NewReader(
		fmt.Sprintf(`{"QueueUrl":"http://localsqs/000000000000/orders","MessageBody":%q}`, body)))
	r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	answer, err := p.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("send: %s", answer.Status)
	}
}
