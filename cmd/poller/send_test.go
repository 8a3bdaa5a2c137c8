package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
	"github.com/sqs-poller/poller/internal/queue"
)

// emulator is an SQS server with queues, and the variables that send clients to it.
func emulator(t *testing.T, names ...string) {
	t.Helper()
	s := localsqs.New()
	t.Cleanup(s.Close)
	for _, name := range names {
		var attributes map[string]string
		if strings.HasSuffix(name, ".fifo") {
			attributes = map[string]string{"FifoQueue": "true"}
		}
		if _, err := s.CreateQueue(name, attributes); err != nil {
			t.Fatal(err)
		}
	}
	emulate(t, s)
}

// emulate serves h as SQS, and sets the variables that send clients to it.
func emulate(t *testing.T, h http.Handler) {
	t.Helper()
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	none := t.TempDir()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_SQS": web.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local",
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_CA_BUNDLE": "", "HTTP_PROXY": "", "HTTPS_PROXY": "",
		"AWS_CONFIG_FILE": none + "/config", "AWS_SHARED_CREDENTIALS_FILE": none + "/credentials",
	} {
		t.Setenv(name, value)
	}
}

// ran runs a verb to its end, and returns what it wrote and its error.
func ran[C any, V aVerb[C]](t *testing.T, stdin string, arguments ...string) (stdout, stderr string, err error) {
	t.Helper()
	c, err := parsed[C, V](t, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	out, errs := newScreen(), newScreen()
	err = V(c).Run(&process{
		stdin: strings.NewReader(stdin), stdout: out, stderr: errs, drain: t.Context(), now: t.Context(),
	})
	return out.String(), errs.String(), err
}

// received takes all messages of a queue.
func received(t *testing.T, name string) (bodies []string, messages int) {
	t.Helper()
	client, err := queue.NewClient(t.Context(), queue.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	q, err := client.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for {
		batch, err := q.Receive(t.Context(), 10, time.Second, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(batch) == 0 {
			return bodies, len(bodies)
		}
		for _, m := range batch {
			body := m.Body
			if m.GroupID != "" {
				body += " group=" + m.GroupID + " dedup=" + m.DeduplicationID
			}
			for attribute, a := range m.Attributes {
				body += " " + attribute + ":" + a.DataType + "=" + a.StringValue
			}
			bodies = append(bodies, body)
		}
	}
}

func TestSendTakesArgumentsLinesAndFiles(t *testing.T) {
	emulator(t, "orders")
	path := t.TempDir() + "/body.json"
	if err := os.WriteFile(path, []byte("{\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := ran[sendCmd](t, "\ufeffline one\r\n\r\n\nline, two\nthe last", "--queue", "orders",
		"--file", path, "--attr", "tenant=a,b=c", "a, b", "-", `{"id":1}`)
	if err != nil || errs != "" || out != "sent 6 messages to orders, skipped 2 empty lines\n" {
		t.Fatalf("%q %q %v", out, errs, err)
	}
	bodies, _ := received(t, "orders")
	want := "a, b|line one|line, two|the last|{\"id\":1}|{\n}\n"
	got := strings.ReplaceAll(strings.Join(bodies, "|"), " tenant:String=a,b=c", "")
	if got != want {
		t.Fatalf("received %q", got)
	}
}

func TestSendSaysThatAFileCannotBeRead(t *testing.T) {
	emulator(t, "orders")
	out, errs, err := ran[sendCmd](t, "", "--queue", "orders", "--file", "/nowhere")
	if out != "sent 0 messages to orders\n" || errs != "poller: file /nowhere cannot be read: no such file or directory\n" ||
		err == nil || err.Error() != "1 of 1 bodies could not be read" {
		t.Errorf("%q %q %v", out, errs, err)
	}
}

func TestSendNamesEachBodyThatIsRefused(t *testing.T) {
	emulator(t, "orders")
	path := t.TempDir() + "/big"
	if err := os.WriteFile(path, []byte(strings.Repeat("x", maxBody+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errs, err := ran[sendCmd](t, "fine\n\nsecret \x00\nsecret \xff\n"+strings.Repeat("y", 2*maxBody)+"\nfine", "--queue", "orders",
		"--file", path, "--file", t.TempDir(), "--file", "/nowhere", "fine", "", "-")
	if out != "sent 3 messages to orders, skipped 1 empty line\n" || err == nil || err.Error() != "5 of 10 bodies were refused, and 2 could not be read" {
		t.Fatalf("%q %v", out, err)
	}
	lines := strings.Split(strings.TrimSpace(errs), "\n")
	for i, part := range []string{
		"argument 2: it is empty, and SQS takes no empty message", "line 3: SendMessageBatch on orders", "line 4: it is not UTF-8", "line 5: it is longer than the 1048576",
		"file " + path + ": it is longer", " cannot be read: ", "poller: file /nowhere cannot be read: no such file",
	} {
		found := false
		for _, line := range lines {
			found = found || strings.Contains(line, part)
		}
		if !found || len(lines) != 7 {
			t.Errorf("%d: no %q in %q", i, part, lines)
		}
	}
	if strings.Contains(errs, "secret") {
		t.Errorf("%q shows a body", errs)
	}
	if _, n := received(t, "orders"); n != 3 {
		t.Errorf("%d messages arrived", n)
	}
}

func TestSendToAFIFOQueue(t *testing.T) {
	emulator(t, "jobs.fifo")
	_, _, err := ran[sendCmd](t, "", "--queue", "jobs.fifo", "a")
	if err == nil || !strings.Contains(err.Error(), "--group: jobs.fifo is a FIFO queue") {
		t.Fatal(err)
	}
	_, missing, err := ran[sendCmd](t, "", "--queue", "jobs.fifo", "--group", "g", "a", "b")
	if err == nil || !strings.Contains(err.Error(), "--dedup: jobs.fifo is without ContentBasedDeduplication") || missing != "" {
		t.Fatalf("without a deduplication id: %v, and %q", err, missing)
	}
	_, errs, err := ran[sendCmd](t, "", "--queue", "jobs.fifo", "--group", "g", "--dedup", "once", "a", "b")
	if err == nil || !strings.Contains(errs, "argument 2: --dedup names one message") {
		t.Fatal(errs, err)
	}
	out, errs, err := ran[sendCmd](t, "c\nd\n", "--queue", "jobs.fifo", "--group", "g{n}", "--dedup", "d-{n}", "-")
	if err != nil {
		t.Fatal(out, errs, err)
	}
	bodies, _ := received(t, "jobs.fifo")
	if got := strings.Join(bodies, "|"); got != "a group=g dedup=once|c group=g1 dedup=d-1|d group=g2 dedup=d-2" {
		t.Fatalf("received %q", got)
	}
}

func TestWhatSendRefusesSaysWhatToWrite(t *testing.T) {
	emulator(t, "orders", "jobs.fifo")
	for _, tt := range []struct {
		want      string
		arguments []string
	}{
		{"--queue", []string{"a"}},
		{"nothing to send", []string{"--queue", "orders"}},
		{"--queue: GetQueueUrl on nothing: no such queue in region us-east-1", []string{"--queue", "nothing", "a"}},
		{"--rate 0", []string{"--queue", "orders", "--rate", "0", "a"}},
		{"--rate", []string{"--queue", "orders", "--rate", "28/x", "a"}},
		{"--delay", []string{"--queue", "orders", "--delay", "16m", "a"}},
		{"--delay", []string{"--queue", "orders", "--delay", "1500ms", "a"}},
		{"--delay: jobs.fifo", []string{"--queue", "jobs.fifo", "--group", "g", "--delay", "5s", "a"}},
		{"--dedup: orders", []string{"--queue", "orders", "--dedup", "d", "a"}},
		{"--attr", []string{"--queue", "orders", "--attr", "noequals", "a"}},
		{"--attr n", []string{"--queue", "orders", "--attr", "n:Binary=1", "a"}},
		{"--attr n", []string{"--queue", "orders", "--attr", "n=1", "--attr", "n:Number=2", "a"}},
	} {
		c, err := parsed[sendCmd](t, tt.arguments...)
		if err == nil {
			err = c.Run(&process{stdout: io.Discard, stderr: io.Discard, drain: t.Context(), now: t.Context()})
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v", tt.arguments, err)
		}
	}
}

func TestSendStopsAtTheFirstSignalAndSaysHowManyWereSent(t *testing.T) {
	emulator(t, "orders")
	c, err := parsed[sendCmd](t, "--queue", "orders", "-")
	if err != nil {
		t.Fatal(err)
	}
	in, write := io.Pipe()
	defer write.Close()
	ctx, cancel := context.WithCancel(t.Context())
	out, ended := newScreen(), make(chan error, 1)
	go func() {
		ended <- c.Run(&process{stdin: in, stdout: out, stderr: io.Discard, drain: ctx, now: t.Context()})
	}()
	_, _ = io.WriteString(write, "a\nb\n")
	for n := 0; n < 2; { // available bodies are sent, though more may come
		_, more := received(t, "orders")
		n += more
	}
	cancel()
	err = <-ended
	if e, ok := errors.AsType[exit](err); !ok || e.code != 130 || out.String() != "sent 2 messages to orders\n" {
		t.Fatalf("%q %v", out, err)
	}
}

func TestSendTriesAgainWhatSQSWasNotThereFor(t *testing.T) {
	s := localsqs.New()
	t.Cleanup(s.Close)
	if _, err := s.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	sends := 0
	emulate(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessageBatch") {
			if sends++; sends == 1 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		s.ServeHTTP(w, r)
	}))
	out, errs, err := ran[sendCmd](t, "", "--queue", "orders", "a", "b")
	if err != nil || out != "sent 2 messages to orders\n" || errs != "" {
		t.Fatalf("%q %q %v", out, errs, err)
	}
}

func TestSendEndsAtOnceWhenItMayNotSend(t *testing.T) {
	s := localsqs.New()
	t.Cleanup(s.Close)
	if _, err := s.CreateQueue("orders", nil); err != nil {
		t.Fatal(err)
	}
	emulate(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "SendMessageBatch") {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}`)
			return
		}
		s.ServeHTTP(w, r)
	}))
	out, _, err := ran[sendCmd](t, "", "--queue", "orders", "a", "b")
	if err == nil || !strings.Contains(err.Error(), "allow sqs:SendMessage") || out != "sent 0 messages to orders\n" {
		t.Fatalf("%q %v", out, err)
	}
}

func TestSendKeepsItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sendRun{p: &process{drain: t.Context(), now: t.Context(), stdout: io.Discard}, batch: 2, each: 50 * time.Millisecond}
		var at []time.Duration
		start := time.Now()
		for range 3 {
			s.pace(2)
			at = append(at, time.Since(start))
		}
		time.Sleep(time.Hour) // what was not used is not made up for
		start = time.Now()
		for range 2 {
			s.pace(1)
			at = append(at, time.Since(start))
		}
		want := []time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond, 0, 50 * time.Millisecond}
		if !slices.Equal(at, want) {
			t.Fatalf("sent at %v, want %v", at, want)
		}
	})
}
