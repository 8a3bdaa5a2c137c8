package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is another process of this program, and where it listens.
type server struct {
	cmd     *exec.Cmd
	address string
}

func start(ctx context.Context, role string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, role) //nolint:gosec // this program itself
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("%s did not start: %w", role, err)
	}
	return &server{cmd: cmd, address: "http://" + strings.TrimSpace(line)}, nil
}

func (s *server) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// ask gets what a server has noted.
func (s *server) ask(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	return json.NewDecoder(answer.Body).Decode(into)
}

// worker is a floor or a poller that runs.
type worker struct {
	cmd     *exec.Cmd
	started time.Time
	ended   bool
}

func startWorker(cmd *exec.Cmd, environment []string) (*worker, error) {
	cmd.Env = environment
	cmd.Stderr = os.Stderr
	w := &worker{cmd: cmd, started: time.Now()}
	return w, cmd.Start()
}

// usage is what a worker has taken.
type usage struct {
	cpu  time.Duration
	peak float64 // resident, MiB
	exit time.Duration
	code int
}

// end stops the worker as a container's runtime does, and waits for it.
func (w *worker) end() (usage, error) { return w.signal(syscall.SIGTERM) }

func (w *worker) signal(s os.Signal) (usage, error) {
	u := usage{peak: w.memory("VmHWM")}
	sent := time.Now()
	if err := w.cmd.Process.Signal(s); err != nil {
		return u, err
	}
	_ = w.cmd.Wait()
	w.ended = true
	state := w.cmd.ProcessState
	u.exit = time.Since(sent)
	u.cpu = state.UserTime() + state.SystemTime()
	u.code = state.ExitCode()
	if u.peak == 0 {
		u.peak = peak(state)
	}
	return u, nil
}

// abandon ends a worker that an error left behind.
func (w *worker) abandon() {
	if !w.ended {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
	}
}

// memory is one of Linux's figures of the process, in MiB; 0 elsewhere. getrusage
// is useless for the peak there: a process inherits that of the one it was forked
// from.
func (w *worker) memory(name string) float64 {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(w.cmd.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(value), " kB"))
			return float64(kib) / 1024
		}
	}
	return 0
}

// cpu is the time that the process has used so far, on Linux.
func (w *worker) cpu() time.Duration {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(w.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0
	}
	// After the name, which may contain spaces: utime and stime, in hundredths of a second.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	ticks := 0
	for _, field := range fields[11:13] {
		n, _ := strconv.Atoi(field)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func peak(state *os.ProcessState) float64 {
	u, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(u.Maxrss) / (1 << 20)
	}
	return float64(u.Maxrss) / 1024
}
