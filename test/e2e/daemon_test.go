//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// daemon is `poller run` or `poller drain` in a process of its own.
type daemon struct {
	admin   string // host:port
	process *exec.Cmd
	ended   chan struct{} // closed when the process is gone and its log is read

	mu   sync.Mutex // guards what follows
	log  []map[string]any
	said []string // lines for a person: why it ends with a code that is not 0
	odd  []string // other lines that are no JSON
}

// newDaemon starts the daemon between a queue and a target. A drain lasts as long
// as the long poll that is out, which the drain timeout bounds: a short one saves
// the tests time.
func newDaemon(t *testing.T, s server, q *queue, g *target, flags ...string) *daemon {
	t.Helper()
	args := []string{"run", "--queue", q.name, "--target", g.URL, "--listen", "127.0.0.1:0"}
	if !slices.Contains(flags, "--drain-timeout") {
		args = append(args, "--drain-timeout", "7s")
	}
	return startDaemon(t, s, append(args, flags...)...)
}

// startDaemon starts the daemon and waits until its admin port is known.
func startDaemon(t *testing.T, s server, args ...string) *daemon {
	t.Helper()
	d := &daemon{process: command(s, args...), ended: make(chan struct{})}
	stderr, err := d.process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.ended)
		d.read(stderr)
		_ = d.process.Wait() // the code is asked for by those who want it
	}()
	t.Cleanup(func() {
		_ = d.process.Process.Kill() // it may be gone
		<-d.ended
		if t.Failed() {
			d.show(t)
		}
	})
	eventually(t, "the daemon says where it listens", func() bool {
		if d.isEnded() {
			t.Fatalf("the daemon ended at its start with %d", d.code())
		}
		start := d.line("poller starts")
		d.admin, _ = start["listen"].(string)
		return d.admin != ""
	})
	return d
}

// command is the binary with a clean environment that sends it to the server.
func command(s server, args ...string) *exec.Cmd {
	c := exec.CommandContext(context.Background(), poller, args...)
	c.Env = append(s.variables(), "HOME="+os.TempDir(), "PATH="+os.Getenv("PATH"))
	return c
}

func (d *daemon) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line map[string]any
		err := json.Unmarshal(lines.Bytes(), &line)
		d.mu.Lock()
		switch text := lines.Text(); {
		case err == nil:
			d.log = append(d.log, line)
		case strings.HasPrefix(text, "poller: error: "):
			d.said = append(d.said, text)
		default:
			d.odd = append(d.odd, text)
		}
		d.mu.Unlock()
	}
}

// line is the last line of the log with that message, nil if there is none.
func (d *daemon) line(message string) map[string]any {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range slices.Backward(d.log) {
		if line["msg"] == message {
			return line
		}
	}
	return nil
}

func (d *daemon) show(t *testing.T) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, line := range d.log {
		t.Log(line)
	}
	for _, line := range slices.Concat(d.said, d.odd) {
		t.Log(line)
	}
}

func (d *daemon) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.process.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (d *daemon) isEnded() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

func (d *daemon) code() int { return d.process.ProcessState.ExitCode() }

// mustEnd waits for the process to end, and fails unless it has this code and a log of JSON
// lines alone.
func (d *daemon) mustEnd(t *testing.T, code int) {
	t.Helper()
	eventually(t, "the daemon ends", d.isEnded)
	if d.code() != code {
		t.Errorf("exit code %d, want %d", d.code(), code)
	}
	for _, odd := range d.odd {
		t.Errorf("a line of the log is no JSON: %s", odd)
	}
}

// mustDrain stops the daemon as a platform does, and fails unless it drains completely.
func (d *daemon) mustDrain(t *testing.T) {
	t.Helper()
	d.signal(t, syscall.SIGTERM)
	d.mustEnd(t, 0)
}

// mustCount fails unless the log ends with these numbers, after which only an error may follow: what
// a drain that has ended early left.
func (d *daemon) mustCount(t *testing.T, want map[string]float64) {
	t.Helper()
	stopped, last := d.line("poller stopped"), d.log[len(d.log)-1]
	if stopped == nil || last["msg"] != "poller stopped" && last["level"] != "ERROR" {
		t.Fatalf("the last line is %v", last)
	}
	for key, n := range want {
		if stopped[key] != n {
			t.Errorf("the last line says %s=%v, want %v: %v", key, stopped[key], n, stopped)
		}
	}
}

// isReady asks the daemon whether it has reached its queue.
func (d *daemon) isReady() bool {
	_, err := get("http://" + d.admin + "/-/ready")
	return err == nil
}

// mustPark waits until a receive is out that SQS keeps open.
func mustPark(t *testing.T, d *daemon) {
	t.Helper()
	eventually(t, "a long poll is parked", func() bool {
		text, err := get("http://" + d.admin + "/status.json")
		if err != nil {
			t.Fatal(err)
		}
		var status struct {
			Queues []struct {
				Parked int `json:"parked"`
			} `json:"queues"`
		}
		if err := json.Unmarshal([]byte(text), &status); err != nil {
			t.Fatal(err)
		}
		return status.Queues[0].Parked == 1
	})
}

// metric is the sum of a metric's series that have these labels, written as in the
// text format: `state="waiting"`.
func (d *daemon) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	text, err := get("http://" + d.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest, ok := strings.CutPrefix(series, name)
		if !ok || rest != "" && rest[0] != '{' {
			continue
		}
		for _, label := range labels {
			ok = ok && strings.Contains(rest, label)
		}
		if !ok {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("metric %s: %v", name, err)
		}
		sum += number
	}
	return sum
}

func get(url string) (string, error) {
	answer, err := http.Get(url)
	if err != nil {
		return "", err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", url, answer.Status, body)
	}
	return string(body), nil
}
