//go:build fleet

package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// poller is the binary's path.
var poller string

func TestMain(m *testing.M) {
	os.Exit(prepareAndRun(m))
}

func prepareAndRun(m *testing.M) int {
	folder, err := os.MkdirTemp("", "poller-fleet-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	poller = filepath.Join(folder, "poller")
	if out, err := exec.Command("go", "build", "-o", poller, "github.com/sqs-poller/poller/cmd/poller").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// The budget of every stage.
const (
	rate  = 28.0
	burst = 3
	slots = 6
)

// stage is a queue, a target that counts, a server, and replicas between them.
type stage struct {
	t        *testing.T
	folder   string
	program  string // redis-server or valkey-server
	sqs      string // endpoint
	target   *httptest.Server
	server   *exec.Cmd
	address  string // of the server
	replicas []*exec.Cmd

	mu      sync.Mutex
	starts  []time.Time
	running int
	most    int
}

// newStage starts a queue with a backlog, the target and the server.
func newStage(t *testing.T, program string) *stage {
	t.Helper()
	s := &stage{t: t, folder: t.TempDir(), program: program, address: free(t)}
	s.target = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.starts = append(s.starts, time.Now())
		s.running++
		s.most = max(s.most, s.running)
		s.mu.Unlock()
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(60 * time.Millisecond)
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}))
	t.Cleanup(s.target.Close)
	queue := free(t)
	s.sqs = "http://" + queue
	s.start(exec.Command(poller, "localsqs", "--listen", queue, "--queue", "orders"))
	s.startServer()
	s.listens(queue)
	s.listens(s.address)
	bodies := strings.Repeat("{}\n", 10_000)
	send := s.command("send", "--queue", "orders", "-")
	send.Stdin = strings.NewReader(bodies)
	if out, err := send.CombinedOutput(); err != nil {
		t.Fatalf("send: %v\n%.500s", err, out)
	}
	return s
}

// listens waits until something listens on an address.
func (s *stage) listens(address string) {
	s.t.Helper()
	s.eventually("something listens on "+address, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// command is the binary with its queue's environment.
func (s *stage) command(args ...string) *exec.Cmd {
	c := exec.Command(poller, args...)
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL_SQS="+s.sqs, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any",
		"AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true")
	return c
}

// start starts a process that is gone when the test ends.
func (s *stage) start(c *exec.Cmd) *exec.Cmd {
	s.t.Helper()
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGCONT)
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	return c
}

// startServer starts Redis or Valkey, without persistence.
func (s *stage) startServer() {
	s.t.Helper()
	s.server = s.start(s.serverOn(s.address))
}

func (s *stage) serverOn(address string) *exec.Cmd {
	_, port, _ := net.SplitHostPort(address)
	c := exec.Command(s.program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", s.folder)
	c.Env = os.Environ()
	return c
}

// redis sends one command to the server at an address, and waits for the answer.
func (s *stage) redis(address string, words ...string) {
	s.t.Helper()
	conn, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " "))
	if _, err := conn.Read(make([]byte, 4096)); err != nil {
		s.t.Fatalf("%v: %v", words, err)
	}
}

// join starts a replica.
func (s *stage) join(url string) {
	s.t.Helper()
	c := s.command(
		"run", "--queue", "orders", "--target", s.target.URL, "--listen", "127.0.0.1:0", "--log-format", "json", "--timeout", "5s", "--drain-timeout", "7s",
		"--rate", fmt.Sprint(rate, "/s"), "--concurrency", fmt.Sprint(slots), "--fleet-redis", url, "--fleet-name", "orders",
	)
	log, err := os.Create(filepath.Join(s.folder, fmt.Sprintf("replica-%d.log", len(s.replicas))))
	if err != nil {
		s.t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	s.start(c)
	_ = log.Close()
	s.replicas = append(s.replicas, c)
}

// said reports whether some replica's log has a message.
func (s *stage) said(message string) bool {
	for i := range s.replicas {
		text, _ := os.ReadFile(filepath.Join(s.folder, fmt.Sprintf("replica-%d.log", i)))
		for line := range strings.Lines(string(text)) {
			var entry struct {
				Msg string `json:"msg"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && strings.HasPrefix(entry.Msg, message) {
				return true
			}
		}
	}
	return false
}

// show logs the lines that replicas' logs have of a message.
func (s *stage) show(message string) {
	s.t.Helper()
	for i := range s.replicas {
		text, _ := os.ReadFile(filepath.Join(s.folder, fmt.Sprintf("replica-%d.log", i)))
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, message) {
				s.t.Logf("replica %d: %s", i, line)
			}
		}
	}
}

func signal(c *exec.Cmd, which syscall.Signal) { _ = c.Process.Signal(which) }

// pass lets time pass: what is measured is what arrives meanwhile.
func pass(d time.Duration) { <-time.After(d) }

// eventually waits until a condition holds.
func (s *stage) eventually(what string, holds func() bool) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			s.t.Fatalf("not in two minutes: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// delivers waits until the target has counted n more.
func (s *stage) delivers(n int) {
	s.t.Helper()
	from := s.count()
	s.eventually(fmt.Sprintf("%d deliveries", n), func() bool { return s.count() >= from+n })
}

// reaches waits until the replicas have delivered a part of the rate for some seconds. On a
// machine that is busy with something else it may take several attempts: tokens lapse there.
func (s *stage) reaches(part float64, window time.Duration) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%g of the rate for %s", part, window), func() bool {
		before := s.count()
		pass(window)
		got := s.count() - before
		s.t.Logf("%d deliveries in %s: %.1f %% of the rate", got, window, 100*float64(got)/rate/window.Seconds())
		return float64(got) >= part*rate*window.Seconds()-1
	})
}

func (s *stage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.starts)
}

// over returns the most starts in any window less rate × its length, and where it ends.
func (s *stage) over() (most float64, at time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	least := math.Inf(1)
	for i, start := range s.starts {
		since := start.Sub(s.starts[0])
		made := rate * since.Seconds()
		least = min(least, float64(i)-made)
		if here := float64(i+1) - made - least; here > most {
			most, at = here, since
		}
	}
	return most, at
}

// judge checks the promises. alone is how many replicas may have gone on by themselves.
// A request's way to the target takes time, more for some: transit is what that may add.
func (s *stage) judge(alone int) {
	s.t.Helper()
	const transit = 2
	over, at := s.over()
	s.t.Logf("%s: %d starts, most %.1f over rate × window (burst %d, %d alone), %d of %d slots", s.program, s.count(), over, burst, alone, s.most, slots)
	if allowed := float64(burst + alone + transit); over > allowed {
		s.t.Errorf("%.1f over rate × window after %v, %.0f allowed", over, at.Round(time.Millisecond), allowed)
	}
	if s.most > slots {
		s.t.Errorf("%d deliveries at once, %d slots", s.most, slots)
	}
}

// programs are the servers that are here.
func programs(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range []string{"redis-server", "valkey-server"} {
		if _, err := exec.LookPath(name); !errors.Is(err, exec.ErrNotFound) {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		t.Fatal("neither redis-server nor valkey-server is here: test/fleet/run.sh installs one")
	}
	return all
}
