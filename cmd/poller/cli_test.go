package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/flags"
)

// spoken is what a process has written, while it may still write.
type spoken struct {
	mu    sync.Mutex
	text  bytes.Buffer
	wrote chan struct{} // closed at the next write
}

func newSpoken() *spoken { return &spoken{wrote: make(chan struct{})} }

func (s *spoken) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.wrote)
	s.wrote = make(chan struct{})
	return s.text.Write(b)
}

// soFar is what was written, and a channel that is closed when there is more.
func (s *spoken) soFar() (text string, more <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.wrote
}

func (s *spoken) String() string {
	text, _ := s.soFar()
	return text
}

// inProcess is poller, run in the test's process.
type inProcess struct {
	*process
	out, err    *spoken
	drain, now  func()
	hangupInput chan<- os.Signal
}

func newCommand(t *testing.T) *inProcess {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "POLLER_") {
			t.Setenv(name, "")
		}
	}
	draining, drain := context.WithCancel(t.Context())
	ending, now := context.WithCancel(t.Context())
	hangup := make(chan os.Signal, 1)
	c := &inProcess{out: newSpoken(), err: newSpoken(), drain: drain, now: now, hangupInput: hangup}
	c.process = &process{stdin: strings.NewReader(""), stdout: c.out, stderr: c.err, drain: draining, now: ending, hangup: hangup}
	return c
}

// run returns what poller prints and its exit code.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := newCommand(t)
	code = command(c.process, args)
	return c.out.String(), c.err.String(), code
}

func TestAWrongCommandLineGetsOneSentenceAndExitCode1(t *testing.T) {
	for args, want := range map[string]string{
		"rnu":                                   `unexpected argument rnu, did you mean "run"?`,
		"deliver":                               `unexpected argument deliver: see poller --help`,
		"--verbose":                             `unknown flag --verbose: see poller --help`,
		"run":                                   `no queue given: set --queue or POLLER_QUEUE to its URL, ARN or name, or name a file with --config`,
		"run --rat 1":                           `unknown flag --rat, did you mean "--rate"?`,
		"run --rate":                            `--rate needs a value: use --rate=VALUE`,
		"run --header":                          `--header needs a value: use --header=VALUE`,
		"--":                                    `no command given: try poller run, or see poller --help`,
		"--queue a run":                         `unknown flag --queue: see poller --help`,
		"--version run":                         `unknown flag --version: see poller --help`,
		"s":                                     `unexpected argument s, did you mean one of "send", "sink"?`,
		"run --queue a --queue b":               `--queue: given twice: remove one`,
		"send":                                  `--queue=QUEUE is missing: see poller send -h`,
		"run --rate 28/x":                       `--rate: invalid rate "28/x": use 28/s, 1000/m or 50000/h`,
		"run --burst few":                       `--burst: invalid number "few": use a whole number, such as 10`,
		"run --timeout 5":                       `--timeout: duration 5 has no unit: use 5s for seconds`,
		"run --rate --burst 2":                  `--rate needs a value: use --rate=VALUE`,
		"check orders":                          `poller check takes no arguments: did you mean --queue orders?`,
		"peek work-dlq":                         `poller peek takes no arguments: did you mean --queue work-dlq?`,
		"peek --max 3 work-dlq":                 `poller peek takes no such argument: use --queue=QUEUE, and quote values that contain spaces`,
		"redrive work-dlq":                      `poller redrive takes no arguments: did you mean --from work-dlq?`,
		"redrive --queue work-dlq":              `unknown flag --queue, did you mean "--from"?`,
		"run orders --target http://localhost/": `poller run takes no arguments: did you mean --queue orders?`,
		"run --queue a --target http://localhost/ --concurrency 10001":                    `--concurrency: 10001 is not between 1 and 10,000: use the number of concurrent deliveries, such as 10`,
		"run --queue a --target localhost:8080":                                           `--target: the URL does not begin with http:// or https://`,
		"run --queue a --target http://me:hunter2@localhost/":                             `--target: user and password are secrets, and other users can read the command line: set POLLER_TARGET to the URL, or write it in a --config file`,
		"run --queue a --target http://localhost/ --header X-Api-Key:hunter2":             `--header: the value of X-Api-Key is a secret, and other users can read the command line: write 'X-Api-Key: @FILE', or set POLLER_HEADER, or write it in a --config file`,
		"run --queue a --target http://localhost/ --header Content-Length:5":              `--header: the header Content-Length cannot be set: it is the connection's own`,
		"run --queue a --target http://localhost/ --header Authorization: Bearer hunter2": `poller run takes no such argument: quote values that contain spaces`,
		"health --listen 9500": `--listen: invalid address "9500": use HOST:PORT or :PORT, such as :9500`,
	} {
		t.Run(args, func(t *testing.T) {
			c := newCommand(t)
			c.interactive = true
			code := command(c.process, strings.Fields(args))
			stdout, stderr := c.out.String(), c.err.String()
			if want := "poller: error: " + want + "\n"; stderr != want || stdout != "" || code != 1 {
				t.Errorf("code %d\n got %s%swant %s", code, stdout, stderr, want)
			}
		})
	}
}

func TestVariablesThatAreWrongAreNamed(t *testing.T) {
	c := newCommand(t)
	c.interactive = true
	t.Setenv("POLLER_HEADER", "X-A: 1\r\nX-B: \x01")
	t.Setenv("POLLER_QEUE", "orders")
	code := command(c.process, []string{"run", "--queue", "a", "--target", "http://localhost/"})
	want := "poller: warning: POLLER_QEUE is not a setting and has no effect: did you mean POLLER_QUEUE?\n" +
		"poller: error: POLLER_HEADER: the header X-B has control characters in its value\n"
	if got := c.err.String(); got != want || code != 1 {
		t.Errorf("code %d\n got %swant %s", code, got, want)
	}
}

func TestErrorsOfTheStartAreJSONWhereTheLogIs(t *testing.T) {
	t.Setenv("POLLER_QEUE", "orders")
	for args, want := range map[string]string{
		"run --queue a":     "no target given: set --target",
		"drain --queue a":   "no target given: set --target",
		"run --quue a":      "unknown flag --quue",
		"drain --rate 28/x": "invalid rate",
		"run --queue a --target http://a/ --log-format jsn": "jsn",
		"run --queue a --queue b":                           "--queue: given twice",
		"drain --queue a --target http://a/ --idle 0s":      "--idle: 0s is not over 0s",
	} {
		c := newCommand(t)
		code := command(c.process, strings.Fields(args))
		lines := strings.Split(strings.TrimSpace(c.err.String()), "\n")
		for _, line := range lines {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: said %s", args, line)
			}
		}
		last := lines[len(lines)-1]
		if code != 1 || !strings.Contains(last, `"level":"ERROR"`) || !strings.Contains(last, want) {
			t.Errorf("%s: ended with %d: %s", args, code, last)
		}
	}
	for args, want := range map[string]string{
		"run --queue a --log-format text": "poller: error: no target given",
		"run --quue a --log-format=text":  "poller: error: unknown flag --quue",
		"check --quue a":                  "poller: error: unknown flag --quue",
	} {
		c := newCommand(t)
		if command(c.process, strings.Fields(args)); !strings.HasPrefix(c.err.String(), want) {
			t.Errorf("%s: as text: %s", args, c.err)
		}
	}
}

func TestAnErrorOfTheEndIsJSONWhereTheLogIs(t *testing.T) {
	c := newCommand(t)
	err := new(settings).logged(c.process, exit{code: codeTimeRanOut, err: errors.New("3 messages are left on the queue")})
	wantExit(t, err, codeTimeRanOut)
	if said := c.err.String(); !json.Valid([]byte(said)) || !strings.Contains(said, `"error":"3 messages are left on the queue"`) {
		t.Errorf("said %s", said)
	}
	c = newCommand(t)
	wantExit(t, new(settings).logged(c.process, exit{code: codeLeft}), codeLeft)
	if said := c.err.String(); said != "" {
		t.Errorf("said %s where the log has said all", said)
	}
}

func TestErrorsAreColouredOnATerminalOnly(t *testing.T) {
	c := newCommand(t)
	c.color = true
	command(c.process, []string{"rnu"})
	if got := c.err.String(); !strings.HasPrefix(got, "poller: \x1b[1;31merror\x1b[0m: ") {
		t.Errorf("%q", got)
	}
}

func TestWithoutAVerbThereIsTheListOfThem(t *testing.T) {
	stdout, stderr, code := run(t)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "  run ") || !strings.Contains(stderr, "  demo ") {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	for _, flag := range []string{"-h", "--help"} {
		if help, nothing, code := run(t, flag); code != 0 || help != stderr || nothing != "" {
			t.Errorf("poller %s: code %d\n%s%s", flag, code, help, nothing)
		}
	}
}

func TestTheHelpOfEachVerbBeginsWithAnExample(t *testing.T) {
	for _, e := range verbs() {
		for _, args := range [][]string{{e.name, "-h"}, {e.name, "--help"}, {"-h", e.name}} {
			stdout, stderr, code := run(t, args...)
			if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "Example:\n  poller "+e.name) {
				t.Errorf("poller %q: code %d\n%s%s", args, code, stdout, stderr)
			}
		}
		if e.summary == "" {
			t.Errorf("%s has no line in the list of verbs", e.name)
		}
	}
}

func TestTheHelpOfRunHasEachSettingWithItsVariableAndDefault(t *testing.T) {
	stdout, _, _ := run(t, "run", "-h")
	text := strings.Join(strings.Fields(stdout), " ")
	for _, s := range config.Settings() {
		if s.Flag == "" {
			continue
		}
		more := s.Variable + ")"
		if s.Default != "" {
			more = "(default " + s.Default + ", " + more
		}
		if !strings.Contains(text, "--"+s.Flag+"=") && !strings.Contains(text, "--"+s.Flag+" ") || !strings.Contains(text, more) {
			t.Errorf("--%s and %q are not there", s.Flag, more)
		}
	}
}

func TestOnlyTheDaemonsFlagsReadVariables(t *testing.T) {
	t.Setenv("POLLER_RATE", "no rate")
	t.Setenv("POLLER_LISTEN", "nowhere")
	var settings []string
	for _, s := range config.Settings() {
		settings = append(settings, s.Flag)
	}
	for _, e := range verbs() {
		v := e.new()
		taken := flags.New("poller "+e.name, v)
		if err := taken.Parse([]string{"--help"}); !errors.Is(err, flags.ErrHelp) {
			t.Errorf("%s: %v", e.name, err)
		}
		var read []string
		switch v.(type) {
		case interface {
			load() (config.Config, []string, error)
		}:
			read = settings
		case interface{ load() (config.Admin, error) }:
			read = []string{"config", "listen", "control-token"}
		}
		for _, f := range taken.Flags() {
			says := strings.HasSuffix(described(f), config.Variable(f.Name)+")")
			if reads := slices.Contains(read, f.Name); says != reads {
				t.Errorf("%s --%s reads a variable: %t, says so: %t", e.name, f.Name, reads, says)
			}
		}
	}
}

func TestTheVersionNamesCommitAndGo(t *testing.T) {
	stdout, stderr, code := run(t, "version", "--verbose")
	if code != 0 || stderr != "" || !strings.HasPrefix(stdout, "poller ") || !strings.Contains(stdout, "\ncommit ") || !strings.Contains(stdout, "\ngo1.") {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	if short, _, _ := run(t, "--version"); !strings.HasPrefix(stdout, short) {
		t.Errorf("--version\n%s", short)
	}
}

func TestHealthAsksTheDaemon(t *testing.T) {
	healthy := true
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/-/healthy":
			w.WriteHeader(http.StatusNotFound)
		case !healthy:
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("not healthy: receive of orders has not turned, since 10:00\nnot healthy: depth neither, since 10:00\n"))
		default:
			_, _ = w.Write([]byte("healthy\n"))
		}
	}))
	defer daemon.Close()
	address := strings.TrimPrefix(daemon.URL, "http://")
	_, port, _ := strings.Cut(address, ":")

	if stdout, stderr, code := run(t, "health", "--listen", ":"+port); stdout != "healthy\n" || code != 0 {
		t.Errorf("code %d\n%s%s", code, stdout, stderr)
	}
	c := newCommand(t)
	t.Setenv("POLLER_LISTEN", "0.0.0.0:"+port)
	if code := command(c.process, []string{"health"}); code != 0 {
		t.Errorf("by the variable: code %d\n%s", code, c.err)
	}
	healthy = false
	_, stderr, code := run(t, "health", "--listen", address)
	want := "poller: error: " + address + " answered 503: not healthy: receive of orders has not turned, since 10:00; not healthy: depth neither, since 10:00\n"
	if stderr != want || code != 1 {
		t.Errorf("code %d\n got %swant %s", code, stderr, want)
	}
	daemon.Close()
	_, stderr, code = run(t, "health", "--listen", address)
	want = "poller: error: " + address + " cannot be reached (connect: connection refused): is the daemon running, and is this its --listen?\n"
	if stderr != want || code != 1 {
		t.Errorf("code %d\n got %swant %s", code, stderr, want)
	}
}

func TestDurationsInLogsAreSecondsInJSONAndReadableInText(t *testing.T) {
	c := newCommand(t)
	line := func(format string) string {
		var out bytes.Buffer
		newLogger(&out, format, c.process, new(slog.LevelVar)).Info("delivered", slog.Duration("duration", 1234567*time.Nanosecond))
		return out.String()
	}
	if got := line("json"); !strings.Contains(got, `"duration":0.001235`) {
		t.Error(got)
	}
	if got := line("auto"); !strings.HasPrefix(got, "{") {
		t.Errorf("auto off a terminal: %s", got)
	}
	if got := line("text"); !strings.Contains(got, "duration=1.23ms") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
	c.interactive, c.color = true, true
	if got := line("auto"); !strings.Contains(got, "1.23ms") || !strings.Contains(got, "\x1b") {
		t.Errorf("auto on a terminal: %q", got)
	}
}
