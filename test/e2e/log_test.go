//go:build e2e

package e2e

import (
	"bufio"
	"io"
	"os/exec"
	"syscall"
	"testing"
)

// logTo starts the daemon with a line a message, and gives the end of the pipe that its
// log comes out of.
func logTo(t *testing.T, s server, q *queue, g *target) (*exec.Cmd, io.ReadCloser) {
	t.Helper()
	c := command(s, "run", "--queue", q.name, "--target", g.URL, "--listen", "127.0.0.1:0",
		"--drain-timeout", "7s", "--log-level", "debug", "--log-format", "json")
	log, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c, log
}

func TestALogWhoseReaderIsGoneEndsNothing(t *testing.T) {
	t.Parallel()
	s := servers[0]
	q, g := newQueue(t, s), newTarget(t, nil)
	c, log := logTo(t, s, q, g)
	if _, err := bufio.NewReader(log).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	log.Close()
	mustDeliverAndStop(t, c, g, q.send(t, numbered(64)...))
}

func TestALogThatNobodyReadsStopsNoDelivery(t *testing.T) {
	t.Parallel()
	s := servers[0]
	q, g := newQueue(t, s), newTarget(t, nil)
	c, log := logTo(t, s, q, g)
	defer log.Close()
	mustDeliverAndStop(t, c, g, q.send(t, numbered(1000)...)) // more lines than a pipe holds
}

func mustDeliverAndStop(t *testing.T, c *exec.Cmd, g *target, ids []string) {
	t.Helper()
	ended := make(chan struct{})
	code := -1 // set before ended is closed
	go func() {
		defer close(ended)
		if state, err := c.Process.Wait(); err == nil { // not Cmd.Wait, which closes the pipe
			code = state.ExitCode()
		}
	}()
	defer func() {
		_ = c.Process.Kill() // it may be gone
		<-ended
	}()
	eventually(t, "all messages are delivered", func() bool { return len(g.deliveries()) >= len(ids) })
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the daemon ends", func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	})
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	mustBeOnce(t, g.deliveries(), ids)
}
