package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/sqs-poller/poller/internal/demo"
)

// screen is a stdout that a test may read while a verb writes.
type screen struct {
	mu      sync.Mutex
	text    bytes.Buffer
	written chan struct{}
}

func newScreen() *screen { return &screen{written: make(chan struct{}, 1)} }

func (s *screen) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.written <- struct{}{}:
	default:
	}
	return s.text.Write(text)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// waitFor returns the first group of the pattern, once the screen shows it.
func (s *screen) waitFor(t *testing.T, pattern string) string {
	t.Helper()
	sought := regexp.MustCompile(pattern)
	for {
		if found := sought.FindStringSubmatch(s.String()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-s.written:
		case <-t.Context().Done():
			t.Fatalf("no %q in %q", pattern, s)
		}
	}
}

// aVerb is what a struct is that has a verb's flags.
type aVerb[C any] interface {
	*C
	verb
}

// parsed reads a verb's flags as the command line does.
func parsed[C any, V aVerb[C]](t *testing.T, arguments ...string) (*C, error) {
	t.Helper()
	c := new(C)
	_, err := parse("verb", V(c), arguments)
	return c, err
}

// started runs a verb until stop, which returns its error.
func started(t *testing.T, v verb) (out *screen, stop func() error) {
	t.Helper()
	out = newScreen()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- v.Run(&process{stdout: out, stderr: io.Discard, drain: ctx, now: t.Context()}) }()
	return out, func() error { cancel(); return <-ended }
}

// refused runs a verb that must not start, and returns the sentence.
func refused[C any, V aVerb[C]](t *testing.T, arguments ...string) string {
	t.Helper()
	c, err := parsed[C, V](t, arguments...)
	if err == nil {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // if it starts after all, it ends
		err = V(c).Run(&process{stdout: io.Discard, stderr: io.Discard, drain: ctx, now: ctx})
	}
	if err == nil {
		t.Errorf("%q is taken", arguments)
		return ""
	}
	return err.Error()
}

func TestLocalSQSServesAnUnmodifiedClient(t *testing.T) {
	t.Setenv("POLLER_LISTEN", "0.0.0.0:1")
	t.Setenv("POLLER_QUEUE", "of-the-daemon")
	c, err := parsed[localsqsCmd](t, "--listen", "127.0.0.1:0", "--queue", "orders", "--queue", "lines.fifo",
		"--max-receive-count", "3", "--visibility-timeout", "45s")
	if err != nil {
		t.Fatal(err)
	}
	out, stop := started(t, c)
	for _, name := range []string{"AWS_ENDPOINT_URL_SQS", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, out.waitFor(t, `  export `+name+`=(\S+)\n`))
	}
	queue := out.waitFor(t, `  (http://127.0.0.1:\d+/000000000000/orders)\n`)

	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(cfg)
	if _, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue, MessageBody: new("hello")}); err != nil {
		t.Error(err)
	}
	queues, err := client.ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, url := range queues.QueueUrls {
		names = append(names, url[strings.LastIndexByte(url, '/')+1:])
	}
	if got := strings.Join(names, " "); got != "lines-dlq.fifo lines.fifo orders orders-dlq" {
		t.Errorf("queues %s", got)
	}
	dead, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: new(queue + "-dlq"), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameMessageRetentionPeriod},
	})
	if err != nil || dead.Attributes["MessageRetentionPeriod"] != "1209600" {
		t.Errorf("the dead-letter queue keeps messages for %v s (%v), not 14 days", dead, err)
	}
	if err := stop(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestWhatLocalSQSRefusesSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	taken := listening(t)
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"--listen", "0.0.0.0:0"}, "127.0.0.1:9324"},
		{[]string{"--listen", ":9324"}, "127.0.0.1:9324"},
		{[]string{"--listen", "9324"}, "127.0.0.1:9324"},
		{[]string{"--listen", "192.0.2.1:0"}, "127.0.0.1:9324"},
		{[]string{"--listen", taken}, "--listen " + taken + ": the port is taken"},
		{[]string{"--listen", "127.0.0.1:0", "--queue", "a b"}, `--queue "a b"`},
		{[]string{"--listen", "127.0.0.1:0", "--visibility-timeout", "1500ms"}, "--visibility-timeout"},
		{[]string{"--listen", "127.0.0.1:0", "--max-receive-count", "1001"}, "--max-receive-count"},
	} {
		if got := refused[localsqsCmd](t, c.arguments...); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%q: %s", c.arguments, got)
		}
	}
}

// listening is the address of a port that is taken.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// postsTwice posts the same twice, and wants that status both times.
func postsTwice(t *testing.T, address string, status int) {
	t.Helper()
	for range 2 {
		answer, err := http.Post(address, "text/plain", strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("answer %d", answer.StatusCode)
		}
	}
}

func TestTheSinkServesAndEndsAtTheFirstSignal(t *testing.T) {
	t.Setenv("POLLER_RATE", "1/h")
	t.Setenv("POLLER_LISTEN", "0.0.0.0:1")
	c, err := parsed[sinkCmd](t, "--listen", "127.0.0.1:0", "--capacity", "8", "--latency", "1ms-2ms", "--status", "202",
		"--outage", "1h-2h=refuse", "--outage", "3h-4h")
	if err != nil {
		t.Fatal(err)
	}
	out, stop := started(t, c)
	address := out.waitFor(t, `is at (http://127\S+)`)
	postsTwice(t, address, http.StatusAccepted)
	answer, err := http.Get(out.waitFor(t, `(http://\S+/stats)`))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if !strings.Contains(string(text), `"accepted": 2`) {
		t.Errorf("stats %s", text)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Errorf("after Ctrl-C: %v", err)
	}
}

func TestWhatTheSinkRefusesSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	taken := listening(t)
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"--listen", taken}, "--listen " + taken + ": the port is taken"},
		{[]string{"--listen", "nowhere"}, "--listen nowhere"},
		{[]string{"--rate", "28/x"}, "28/s, 1000/m or 50000/h"},
		{[]string{"--quota", "0/m"}, "omit the quota for no limit"},
		{[]string{"--quota", "100"}, `invalid quota "100": use a whole number and a unit, such as 1000/m`},
		{[]string{"--quota", "9/m", "--ratelimit", "rfc"}, "use ietf (RateLimit)"},
		{[]string{"--ratelimit", "x"}, "add --quota 100/m"},
		{[]string{"--capacity=-1"}, "omit it for no limit"},
		{[]string{"--latency", "fast"}, "100ms-200ms"},
		{[]string{"--status", "99"}, "--status 99"},
		{[]string{"--overload-status", "600"}, "--overload-status 600"},
		{[]string{"--retry-after=-1s"}, "such as 2s"},
		{[]string{"--format", "xml"}, "use cloudevents, lambda, raw, sqsd or webhook"},
		{[]string{"--fail", "3"}, "such as 3%"},
		{[]string{"--verify", "bearer=hunter2"}, "use bearer=@FILE"},
		{[]string{"--verify", "webhook=@/nowhere"}, "--verify webhook=@/nowhere: open"},
		{[]string{"--outage", "30s"}, "30s-60s=500"},
		{[]string{"--outage-every=-1m"}, "such as 2m"},
		{[]string{"--outage-every", "1m"}, "--outage 30s-60s"},
		{[]string{"--outage", "30s-60s", "--outage-every", "45s"}, "--outage-every"},
	} {
		if got := refused[sinkCmd](t, c.arguments...); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%q: %s", c.arguments, got)
		}
	}
}

func TestTheSinkSaysOnceWhatIsWrongAndEndsWithIt(t *testing.T) {
	c, err := parsed[sinkCmd](t, "--listen", "127.0.0.1:0", "--format", "sqsd")
	if err != nil {
		t.Fatal(err)
	}
	out, stop := started(t, c)
	address := out.waitFor(t, `is at (http://127\S+)`)
	postsTwice(t, address, http.StatusBadRequest)
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err == nil || err.Error() != "2 of 2 requests had something wrong with them" {
		t.Errorf("after Ctrl-C: %v", err)
	}
	if n := strings.Count(out.String(), "refused: the User-Agent header does not begin with aws-sqsd/\n"); n != 1 {
		t.Errorf("said %d times:\n%s", n, out)
	}
}

func TestAProblemIsSaidOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProblems(&out)
		for range 130 {
			p.say("one")
			time.Sleep(time.Second)
		}
		p.say("two")
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 4 || !strings.HasSuffix(lines[1], "one (and 59 more since it was last said)") || !strings.HasSuffix(lines[3], "refused: two") {
			t.Errorf("said %q", lines)
		}
	})
}

func TestTheLiveLineGivesWayToLogs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := newLiveLine(&out)
	log := line.above(&out)
	_, _ = io.WriteString(log, "before\n")
	line.set("one")
	_, _ = io.WriteString(log, "a log line\n")
	line.set("two")
	line.end()
	if want := "before\n\r\x1b[Kone\r\x1b[Ka log line\none\r\x1b[Ktwo\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

func TestTheSinkSaysInOneLineHowItIs(t *testing.T) {
	t.Parallel()
	got := sinkLine(demo.Stats{
		Received: 12, Accepted: 9, Refused: map[string]int64{"rate": 1, "outage": 2},
		AtOnce: 2, AtOnceMax: 8, PerSecond: 5, Outage: "30s-1m0s=503",
	})
	if want := "received 12 (5/s)  accepted 9  refused 3  at once 2 (most 8)  outage 30s-1m0s=503"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
