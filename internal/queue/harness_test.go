package queue

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/message"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// direct is an HTTP client that calls the handler without a network.
type direct struct{ http.Handler }

func (d direct) Do(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	d.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// canned gives every request the same response.
func canned(status int, header map[string]string, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// settings sets up the environment for an emulator and nothing else. Call it before the
// bubble begins.
func settings(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_ACCESS_KEY", "AWS_SECRET_KEY",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI",
		"HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy",
	} {
		t.Setenv(name, "")
	}
	none := t.TempDir()
	t.Setenv("AWS_CONFIG_FILE", none+"/config")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none+"/credentials")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "local")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "local-secret")
	t.Setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9324")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func newTestClient(t *testing.T, h http.Handler, reg prometheus.Registerer) *Client {
	t.Helper()
	c, err := NewClient(t.Context(), Options{Logger: quiet(), HTTPClient: direct{h}, Registerer: reg, UserAgent: "poller/test"})
	if err != nil {
		t.Fatalf("new client: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// bench is a server, a client of it, and a queue.
type bench struct {
	*Queue
	server *localsqs.Server
	client *Client
}

func newBench(t *testing.T, name string, attributes map[string]string) bench {
	t.Helper()
	s := localsqs.New(localsqs.WithSeed(1))
	t.Cleanup(s.Close)
	if _, err := s.CreateQueue(name, attributes); err != nil {
		t.Fatal(err)
	}
	c := newTestClient(t, s, nil)
	q, err := c.Open(t.Context(), name)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return bench{Queue: q, server: s, client: c}
}

func (b bench) send(t *testing.T, bodies ...string) {
	t.Helper()
	drafts := make([]Draft, len(bodies))
	for i, body := range bodies {
		drafts[i].Body = body
	}
	if errs := b.Send(t.Context(), drafts); errs != nil {
		t.Fatalf("send: %v", errs)
	}
}

func (b bench) receive(t *testing.T, maximum int, visibility time.Duration) []*message.Message {
	t.Helper()
	messages, err := b.Receive(t.Context(), maximum, time.Second, visibility, "")
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return messages
}

func (b bench) depth(t *testing.T, want message.Depth) {
	t.Helper()
	got, err := b.Look(t.Context())
	if err != nil || got.Depth != want {
		t.Fatalf("depth %+v (%v), want %+v", got.Depth, err, want)
	}
}

// wantFault checks the fault of err, and that its message contains the parts.
func wantFault(t *testing.T, err error, want message.Fault, parts ...string) {
	t.Helper()
	if got := message.FaultOf(err); got != want {
		t.Fatalf("%v is classified as %s, want %s", err, got, want)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Fatalf("%q does not say %q", err.Error(), part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Fatalf("%q is more than one line", err.Error())
	}
}
