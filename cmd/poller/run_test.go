package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
)

// world is an SQS server with the queue orders, and a target that tells of each
// body and answers when it may.
type world struct {
	sqs    *localsqs.Server
	target string
	bodies chan string
	answer chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{sqs: localsqs.New(), bodies: make(chan string, 10), answer: make(chan struct{})}
	if _, err := w.sqs.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(w.sqs)
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.bodies <- string(body)
		select {
		case <-w.answer:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { target.Close(); w.sqs.Close(); server.Close() })
	w.target = target.URL
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": server.URL, "AWS_REGION": "eu-central-1", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none",
	} {
		t.Setenv(name, value)
	}
	return w
}

func (w *world) send(t *testing.T, body string) {
	t.Helper()
	request, _ := http.NewRequest(http.MethodPost, os.Getenv("AWS_ENDPOINT_URL_SQS"),
		strings.NewReader(`{"QueueUrl":"`+os.Getenv("AWS_ENDPOINT_URL_SQS")+`/000000000000/orders","MessageBody":"`+body+`"}`))
	request.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
}

// begin starts poller; the channel receives its exit code.
func (c *inProcess) begin(args ...string) <-chan int {
	code := make(chan int, 1)
	go func() { code <- command(c.process, args) }()
	return code
}

// waitFor waits until the log has text.
func (c *inProcess) waitFor(t *testing.T, text string) {
	t.Helper()
	for {
		said, more := c.err.soFar()
		if strings.Contains(said, text) {
			return
		}
		select {
		case <-time.After(time.Minute):
			t.Fatalf("no %q in\n%s", text, said)
		case <-more:
		}
	}
}

func TestRunDeliversReadsItsFileAgainAndDrains(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	close(w.answer)
	file := filepath.Join(t.TempDir(), "poller.yaml")
	write := func(rest string) {
		text := "queues:\n- queue: orders\ntargets:\n  shop:\n    url: " + w.target + "\nlisten: 127.0.0.1:0\ndrain_timeout: 6s\n" + rest
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	c.interactive = true
	code := c.begin("run", "--config", file, "--log-format", "json")
	w.send(t, "hello")
	if got := <-w.bodies; got != "hello" {
		t.Errorf("delivered %q", got)
	}

	write("log: {level: debug}\n")
	c.hangupInput <- syscall.SIGHUP
	c.waitFor(t, `"changed":"log.level: debug, was info"`)
	write("log: {level: loud}\n")
	c.hangupInput <- syscall.SIGHUP
	c.waitFor(t, `log.level at line 8 of `+file+`: invalid log level \"loud\": use debug, info, warn or error`)

	c.drain()
	c.waitFor(t, "press Ctrl-C again to stop immediately")
	if got := <-code; got != 0 {
		t.Errorf("exit code %d\n%s", got, c.err)
	}
	if log := c.err.String(); !strings.Contains(log, `"msg":"poller stopped","delivered":1`) {
		t.Errorf("the log\n%s", log)
	}
}

func TestASecondSignalEndsRunWithCode130(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0")
	w.send(t, "hello")
	<-w.bodies
	c.drain()
	c.now()
	if got := <-code; got != 130 {
		t.Errorf("exit code %d\n%s", got, c.err)
	}
}

func TestADeliveryThatIsCutOffAtTheDrainsEndIsCode3(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	code := c.begin("run", "--queue", "orders", "--target", w.target, "--listen", "127.0.0.1:0", "--drain-timeout", "1s")
	w.send(t, "hello")
	<-w.bodies
	c.drain()
	if got := <-code; got != 3 {
		t.Errorf("exit code %d\n%s", got, c.err)
	}
}

func TestAQueueThatIsNotThereEndsRunWithCode1(t *testing.T) {
	w, c := newWorld(t), newCommand(t)
	code := c.begin("run", "--queue", "order", "--target", w.target, "--listen", "127.0.0.1:0", "--log-level", "error")
	if got := <-code; got != 1 {
		t.Errorf("exit code %d", got)
	}
	if text := c.err.String(); !strings.HasPrefix(text, `{"time":`) || !strings.Contains(text, `"msg":"poller cannot run"`) || strings.Count(text, "\n") != 1 {
		t.Errorf("said\n%s", text)
	}
}
