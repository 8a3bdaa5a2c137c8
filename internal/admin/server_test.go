package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// port is a server whose status the test sets.
type port struct {
	status         Status
	ready, healthy []Problem
	log            bytes.Buffer
}

func (p *port) server(t *testing.T) *Server {
	t.Helper()
	reg := prometheus.NewRegistry()
	build := Build{Version: "v0.3.0", Commit: "1f0c9ab", GoVersion: "go1.26.8"}
	if err := Register(reg, build); err != nil {
		t.Fatal(err)
	}
	return New(Options{
		Gatherer: reg,
		Status:   func(time.Time) Status { return p.status },
		Ready:    func(time.Time) []Problem { return p.ready },
		Healthy:  func(time.Time) []Problem { return p.healthy },
		Build:    build,
		Logger:   slog.New(slog.NewTextHandler(&p.log, nil)),
	})
}

func (p *port) ask(t *testing.T, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.server(t).http.Handler.ServeHTTP(w, r)
	return w
}

var paths = []string{
	"/", "/metrics", "/-/healthy", "/-/ready", "/status.json", "/history.json",
	"/page.css", "/page.js", "/icon.svg", "/uplot.js", "/uplot.css",
}

func TestEverythingAnswersToGETAndHEADOnly(t *testing.T) {
	p := &port{status: behind()}
	for _, path := range paths {
		for _, method := range []string{"GET", "HEAD"} {
			if w := p.ask(t, method, path); w.Code != http.StatusOK {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			w := p.ask(t, method, path)
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow: %q", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestOtherPathsAreNotThere(t *testing.T) {
	p := &port{status: behind()}
	for _, path := range []string{"/index.html", "/page/page.html", "/page/uplot/LICENSE", "/status", "/-/reload", "/debug/pprof/", "/metrics/", "/favicon.ico"} {
		for _, method := range []string{"GET", "POST"} {
			if w := p.ask(t, method, path); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
}

func TestEveryAnswerHasTheSecurityHeaders(t *testing.T) {
	p := &port{status: behind(), ready: []Problem{{"draining", noon}}}
	for _, path := range append([]string{"/nowhere"}, paths...) {
		h := p.ask(t, "GET", path).Header()
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: types may be guessed", path)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy is %q", path, csp)
		}
		if cache := h.Get("Cache-Control"); cache != "no-store" && cache != "no-cache" {
			t.Errorf("%s: Cache-Control: %q", path, cache)
		}
	}
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/status.json": "application/json; charset=utf-8", "/-/ready": "text/plain; charset=utf-8",
		"/page.js": "text/javascript; charset=utf-8", "/page.css": "text/css; charset=utf-8", "/icon.svg": "image/svg+xml",
	} {
		if got := p.ask(t, "GET", path).Header().Get("Content-Type"); got != kind {
			t.Errorf("%s: Content-Type %q, not %q", path, got, kind)
		}
	}
	for _, path := range []string{"/", "/status.json", "/metrics", "/-/ready", "/-/healthy"} {
		if got := p.ask(t, "GET", path).Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s may be stored: %q", path, got)
		}
	}
}

func TestHealthAndReadinessSayWhyAndSinceWhen(t *testing.T) {
	p := &port{}
	for path, word := range map[string]string{"/-/healthy": "healthy\n", "/-/ready": "ready\n"} {
		if w := p.ask(t, "GET", path); w.Code != http.StatusOK || w.Body.String() != word {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
	synctest.Test(t, func(t *testing.T) { // so that "since" is exact
		since := time.Now().Add(-90 * time.Second)
		p.healthy = []Problem{{"the loop of queue orders has not turned", since}, {"two\nlines", since}}
		p.ready = []Problem{{"queue orders is draining", since}}
		w := p.ask(t, "GET", "/-/healthy")
		want := "not healthy: the loop of queue orders has not turned, since 1999-12-31T23:58:30Z (1 min 30 s)\n" +
			"not healthy: two lines, since 1999-12-31T23:58:30Z (1 min 30 s)\n"
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("healthy: %d %q", w.Code, w.Body)
		}
		w = p.ask(t, "GET", "/-/ready")
		want = "not ready: queue orders is draining, since 1999-12-31T23:58:30Z (1 min 30 s)\n"
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("ready: %d %q", w.Code, w.Body)
		}
	})
}

func TestMetricsAreTextAndOpenMetrics(t *testing.T) {
	p := &port{}
	text := p.ask(t, "GET", "/metrics")
	if !strings.HasPrefix(text.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("Content-Type: %s", text.Header().Get("Content-Type"))
	}
	open := p.ask(t, "GET", "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(open.Header().Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(open.Body.String(), "# EOF\n") {
		t.Errorf("Content-Type: %s", open.Header().Get("Content-Type"))
	}
	for _, want := range []string{
		`poller_build_info{commit="1f0c9ab",goversion="go1.26.8",version="v0.3.0"} 1`, "poller_start_time_seconds ", "go_goroutines ", "process_cpu_seconds_total ",
	} {
		if !strings.Contains(text.Body.String(), want) {
			t.Errorf("%s is not among the metrics", want)
		}
	}
}

func TestStatusJSONIsWhole(t *testing.T) {
	p := &port{status: behind(), ready: []Problem{{"SQS refuses", noon}}}
	p.status.Queues[0].Drain, p.status.Queues[0].DrainState = Number(math.Inf(1)), DrainGrowing
	p.status.Targets[0].Pace.Rate = Number(math.Inf(1))
	var got map[string]any
	if err := json.Unmarshal(p.ask(t, "GET", "/status.json").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got["ready"] != false || got["healthy"] != true {
		t.Errorf("ready: %v, healthy: %v", got["ready"], got["healthy"])
	}
	queue := got["queues"].([]any)[0].(map[string]any)
	if drain, there := queue["drain_seconds"]; !there || drain != nil || queue["drain_state"] != "growing" {
		t.Errorf("drain: %v %v", drain, queue["drain_state"])
	}
	if queue["lag_seconds"] != 130.0 || queue["verdict"] == nil || got["verdict"] == nil {
		t.Errorf("queue: %v", queue)
	}
	if _, there := got["draining_since"]; there {
		t.Error("draining_since is there while it is not draining")
	}
}

func TestThePageShowsAllWithoutJavaScript(t *testing.T) {
	p := &port{status: behind(), ready: []Problem{{"SQS refuses", noon}}}
	p.status.Failures = []Failure{{At: noon, Queue: "orders", MessageID: "m-1", Outcome: "failed", Status: 500, Reason: "5xx", Detail: "<script>alert(1)</script>"}}
	w := p.ask(t, "GET", "/")
	page := w.Body.String()
	for _, want := range []string{
		"Not ready: SQS refuses", "2 min 10 s", "1,240", "https://partner.example", "of 28/s", "m-1", "failed, 500",
		"&lt;script&gt;alert(1)&lt;/script&gt;", `<noscript><meta http-equiv="refresh"`, "v0.3.0",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	for _, never := range []string{"http://", "//cdn", " style=", "<script>", "ZgotmplZ", "%!"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}

func TestThePageShowsADaemonThatKnowsNothingYet(t *testing.T) {
	p := &port{status: Status{StartedAt: time.Now()}}
	if w := p.ask(t, "GET", "/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "No queue is open yet") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
	p.status = idle()
	p.status.Queues[0] = Queue{Name: "orders", Target: "nowhere", Lag: Unknown, Drain: Number(math.NaN()), DrainState: DrainUnknown}
	if w := p.ask(t, "GET", "/"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "no response from SQS yet") {
		t.Errorf("%d\n%s", w.Code, w.Body)
	}
}

func TestTheServerAnswersUntilItIsClosed(t *testing.T) {
	p := &port{status: behind()}
	s := p.server(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	answer, err := client.Get("http://" + l.Addr().String() + "/-/ready")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if string(body) != "ready\n" {
		t.Errorf("the answer is %q", body)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if answer, err := client.Get("http://" + l.Addr().String() + "/-/ready"); err == nil {
		_ = answer.Body.Close()
		t.Error("it answers after Close")
	}
}

func TestAServerThatWasClosedFirstDoesNotServe(t *testing.T) {
	s := (&port{}).server(t)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(l); err != nil {
		t.Error(err)
	}
}

func TestCloseCutsOffWhoDoesNotRead(t *testing.T) {
	p := &port{}
	entered, leave := make(chan struct{}), make(chan struct{})
	s := p.server(t)
	s.options.Ready = nil
	s.http.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { close(entered); <-leave })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Close(ctx); err == nil {
		t.Error("Close does not report that it cut off a response")
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	close(leave)
}

func TestTheServersOwnErrorsGoToTheLog(t *testing.T) {
	p := &port{}
	s := p.server(t)
	s.http.ErrorLog.Printf("http: TLS handshake error from %s", "10.0.0.1:1")
	if p.log.Len() != 0 {
		t.Errorf("a client's error is logged above debug: %s", p.log.String())
	}
	s.http.ErrorLog.Printf("http: panic serving %s: boom", "10.0.0.1:1")
	if !strings.Contains(p.log.String(), "level=WARN") || !strings.Contains(p.log.String(), "boom") {
		t.Errorf("a panic is not logged: %s", p.log.String())
	}
}
