//go:build fleet

package fleet

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// servers are the programs that have to be here: test/fleet/run.sh sees to it.
var servers = []string{"redis-server", "valkey-server"}

// onEach runs a test on a stage of each server, or in the short form on one of them: every
// test on the same one each time, and half of them on either.
func onEach(t *testing.T, b budget, test func(s *stage)) {
	t.Helper()
	t.Parallel()
	programs := servers
	if testing.Short() {
		h := fnv.New32a()
		_, _ = h.Write([]byte(t.Name()))
		programs = programs[h.Sum32()%2:][:1]
	}
	for _, program := range programs {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			test(newStage(t, program, b))
		})
	}
}

// server is one Redis or Valkey.
type server struct {
	s       *stage
	address string
	folder  string
	command *exec.Cmd
	args    []string
}

// starts starts a server with further arguments, on an address of its own.
func (s *stage) starts(args ...string) *server {
	s.t.Helper()
	v := &server{s: s, address: free(s.t), folder: s.t.TempDir(), args: args}
	v.steps(0)
	v.start()
	return v
}

func (v *server) port() string {
	_, port, _ := net.SplitHostPort(v.address)
	return port
}

// start starts it, or starts it again with what its folder has.
func (v *server) start() {
	v.s.t.Helper()
	args := append([]string{}, v.args...)
	args = append(args, "--port", v.port(), "--bind", "127.0.0.1", "--dir", v.folder)
	if !strings.Contains(strings.Join(v.args, " "), "--sentinel") {
		args = append(args, "--save", "")
	}
	v.command = exec.Command(v.s.program, args...)
	v.command.Env = append(os.Environ(), "LD_PRELOAD="+clock, "CLOCK_STEP="+v.clockFile())
	v.s.start(v.command)
	v.s.eventually(v.s.program+" listens on "+v.address, func() bool {
		conn, err := net.Dial("tcp", v.address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// kills ends it with what it remembers.
func (v *server) kills() {
	signal(v.command, syscall.SIGKILL)
	_ = v.command.Wait()
}

func (v *server) clockFile() string { return filepath.Join(v.folder, "clock") }

// steps sets its clock that much off.
func (v *server) steps(by time.Duration) {
	v.s.t.Helper()
	file, err := os.OpenFile(v.clockFile(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		v.s.t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteAt(binary.NativeEndian.AppendUint64(nil, uint64(by.Microseconds())), 0); err != nil {
		v.s.t.Fatal(err)
	}
}

// asks sends one command and returns the answer as it is on the wire.
func (v *server) asks(words ...string) string {
	v.s.t.Helper()
	conn, err := net.DialTimeout("tcp", v.address, 2*time.Second)
	if err != nil {
		v.s.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = fmt.Fprintf(conn, "%s\r\n", strings.Join(words, " "))
	answer := make([]byte, 64<<10)
	n, err := conn.Read(answer)
	if err != nil {
		v.s.t.Fatalf("%v: %v", words, err)
	}
	return string(answer[:n])
}

// tells sends a command that has to succeed.
func (v *server) tells(words ...string) string {
	v.s.t.Helper()
	answer := v.asks(words...)
	if strings.HasPrefix(answer, "-") {
		v.s.t.Fatalf("%v: %s", words, answer)
	}
	return answer
}

// lastPort is the last that free has given out: below those that the system gives to
// connections, so that nobody takes one before its process listens.
var lastPort atomic.Int64

func init() { lastPort.Store(20_000 + rand.Int64N(8_000)) }

// free returns an address that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.FormatInt(lastPort.Add(1), 10))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
