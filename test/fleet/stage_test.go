//go:build fleet

package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// poller is the binary's path, clock that of a library that sets a process's clock.
var poller, clock string

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
	poller, clock = filepath.Join(folder, "poller"), filepath.Join(folder, "clock.so")
	for _, build := range []*exec.Cmd{
		exec.Command("go", "build", "-o", poller, "github.com/sqs-poller/poller/cmd/poller"),
		exec.Command("cc", "-shared", "-fPIC", "-O1", "-o", clock, "testdata/clock.c"),
	} {
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

// budget is what the replicas of a stage share. burst is the default of the rate.
type budget struct {
	rate  float64
	burst int
	slots int // a replica with one slot lets tokens lapse while it is taken
	// backlog is how many messages are there at first.
	backlog int
}

// partner is the budget of most stages.
var partner = budget{rate: 28, burst: 3, slots: 16, backlog: 10_000}

// stage is a queue, a target that counts, a server, and replicas between them.
type stage struct {
	*target
	t        *testing.T
	budget   budget
	folder   string
	program  string // redis-server or valkey-server
	sqs      string // endpoint
	server   *server
	replicas []*replica
}

// replica is one process.
type replica struct {
	*exec.Cmd
	log   string // its file
	admin string // address
}

// newStage starts a queue with a backlog, the target and the server.
func newStage(t *testing.T, program string, b budget) *stage {
	t.Helper()
	s := &stage{t: t, target: newTarget(t), budget: b, folder: t.TempDir(), program: program}
	queue := free(t)
	s.sqs = "http://" + queue
	s.start(exec.Command(poller, "localsqs", "--listen", queue, "--queue", "orders", "--queue", "idle"))
	s.server = s.starts()
	s.eventually("the queue is there", func() bool {
		conn, err := net.Dial("tcp", queue)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	if b.backlog > 0 {
		s.sends(b.backlog)
	}
	return s
}

// sends puts messages into the queue.
func (s *stage) sends(n int, args ...string) {
	s.t.Helper()
	send := s.command(append([]string{"send", "--queue", "orders", "-"}, args...)...)
	send.Stdin = strings.NewReader(strings.Repeat("{}\n", n))
	if out, err := send.CombinedOutput(); err != nil {
		s.t.Fatalf("send: %v\n%.500s", err, out)
	}
}

// command is the binary with its queue's environment.
func (s *stage) command(args ...string) *exec.Cmd {
	c := exec.Command(poller, args...)
	c.Env = append(os.Environ(), "AWS_ENDPOINT_URL_SQS="+s.sqs, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=any",
		"AWS_SECRET_ACCESS_KEY=any", "AWS_EC2_METADATA_DISABLED=true", "POLLER_CONTROL_TOKEN=0123456789abcdef")
	return c
}

// start starts a process that is gone when the test ends.
func (s *stage) start(c *exec.Cmd) {
	s.t.Helper()
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGCONT)
		_ = c.Process.Kill()
		_ = c.Wait()
	})
}

// url is the server's.
func (s *stage) url() string { return "redis://" + s.server.address }

// join starts a replica with the budget of the stage, and further flags or other values of
// them: "--rate", "14/s".
func (s *stage) join(url string, flags ...string) *replica {
	s.t.Helper()
	r := &replica{admin: free(s.t), log: filepath.Join(s.folder, fmt.Sprintf("replica-%d.log", len(s.replicas)))}
	args := []string{
		"run", "--queue", "orders", "--target", s.http.URL, "--listen", r.admin, "--log-format", "json", "--timeout", "5s", "--drain-timeout", "7s",
		"--rate", fmt.Sprint(s.budget.rate, "/s"), "--concurrency", fmt.Sprint(s.budget.slots), "--fleet-name", "orders",
	}
	for flag := range slices.Chunk(flags, 2) {
		if i := slices.Index(args, flag[0]); i > 0 {
			args[i+1] = flag[1]
		} else {
			args = append(args, flag...)
		}
	}
	if url == "" && !slices.Contains(args, "--fleet-redis") {
		i := slices.Index(args, "--fleet-name")
		args = slices.Delete(args, i, i+2) // there is no coordinator
	}
	r.Cmd = s.command(args...)
	if url != "" {
		r.Env = append(r.Env, "POLLER_FLEET_REDIS="+url)
	}
	log, err := os.Create(r.log)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Stdout, r.Stderr = log, log
	s.start(r.Cmd)
	_ = log.Close()
	s.replicas = append(s.replicas, r)
	return r
}

// joins starts several.
func (s *stage) joins(n int, url string) {
	s.t.Helper()
	for range n {
		s.join(url)
	}
}

// grows waits until every replica has a share, which it has after a minute.
func (s *stage) grows() {
	s.t.Helper()
	s.eventually("every replica has a share", func() bool {
		for _, r := range s.replicas {
			if share := r.metric("poller_fleet_share"); share < s.budget.rate/float64(len(s.replicas))-0.1 {
				return false
			}
		}
		return true
	})
}

// metric returns what a replica exports, all values of a name added up.
func (r *replica) metric(name string) float64 {
	text, err := r.get("/metrics")
	if err != nil {
		return 0
	}
	sum := 0.0
	for line := range strings.Lines(text) {
		if rest, is := strings.CutPrefix(line, name); is && strings.ContainsAny(rest[:1], "{ ") {
			var value float64
			_, _ = fmt.Sscan(rest[strings.LastIndex(rest, " ")+1:], &value)
			sum += value
		}
	}
	return sum
}

// get returns a page of a replica's admin port.
func (r *replica) get(path string) (string, error) {
	answer, err := http.Get("http://" + r.admin + path)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// last returns the last lines of a replica's log.
func (r *replica) last(n int) string {
	text, _ := os.ReadFile(r.log)
	lines := strings.SplitAfter(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "")
}

// said counts the lines of a replica's log that begin with a message.
func (r *replica) said(message string) int {
	n := 0
	text, _ := os.ReadFile(r.log)
	for line := range strings.Lines(string(text)) {
		var entry struct {
			Msg string `json:"msg"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && strings.HasPrefix(entry.Msg, message) {
			n++
		}
	}
	return n
}

// said counts the replicas whose log has a message.
func (s *stage) said(message string) int {
	n := 0
	for _, r := range s.replicas {
		n += min(r.said(message), 1)
	}
	return n
}

// says waits until so many replicas' logs have a message.
func (s *stage) says(n int, message string) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("%d replicas say %q", n, message), func() bool { return s.said(message) >= n })
}

func signal(c *exec.Cmd, which syscall.Signal) { _ = c.Process.Signal(which) }

// signals sends a signal to replicas.
func (s *stage) signals(which syscall.Signal, numbers ...int) {
	for _, i := range numbers {
		signal(s.replicas[i].Cmd, which)
	}
}

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
			for _, r := range s.replicas {
				s.t.Logf("the last that a replica said:\n%s", r.last(12))
			}
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
		s.t.Logf("%s: %d deliveries in %s: %.1f %% of the rate", s.program, got, window, 100*float64(got)/s.budget.rate/window.Seconds())
		return float64(got) >= part*s.budget.rate*window.Seconds()-1
	})
}

// judge checks the promises. alone is how many replicas may have gone on by themselves,
// more what this test allows in addition.
func (s *stage) judge(alone int, more float64) {
	s.t.Helper()
	// A request's way to the target takes time, more for some, and what arrives while this
	// process gets no processor is counted when it gets one again.
	const transit = 2
	over, at := s.over(s.budget.rate)
	stood := s.stood()
	s.t.Logf("%s: %d starts, most %.1f over rate × window (burst %d, %d alone), %d of %d slots, this process stood still for %v at most",
		s.program, s.count(), over, s.budget.burst, alone, s.most, s.budget.slots, stood.Round(time.Millisecond))
	if allowed := float64(s.budget.burst+alone+transit) + s.budget.rate*stood.Seconds() + more; over > allowed {
		s.t.Errorf("%.1f over rate × window after %v, %.1f allowed", over, at.Round(time.Millisecond), allowed)
	}
	if s.most > s.budget.slots {
		s.t.Errorf("%d deliveries at once, %d slots", s.most, s.budget.slots)
	}
}
