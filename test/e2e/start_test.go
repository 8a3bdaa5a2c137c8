//go:build e2e

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

func TestAQueueThatDoesNotExistEndsTheStartWithOneSentence(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			_, stderr, code := once(t, s, "", "run", "--queue", "no-such-queue", "--target", "http://127.0.0.1:1/", "--listen", "127.0.0.1:0")
			if code != 1 {
				t.Errorf("exit code %d", code)
			}
			lines := strings.Split(strings.TrimSpace(stderr), "\n")
			last := lines[len(lines)-1]
			for _, want := range []string{`"level":"ERROR"`, "no-such-queue", "us-east-1", s.endpoint} {
				if !strings.Contains(last, want) {
					t.Errorf("%q is not in %q", want, last)
				}
			}
		})
	}
}

func TestAQueueThatIsDeletedAndMadeAgainIsConsumedAgain(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			d := newDaemon(t, s, q, g)
			q.send(t, "before")
			g.mustGet(t, 1)
			q.mustGetEmpty(t)
			q.delete(t.Context(), t)
			eventually(t, "the daemon is not ready", func() bool { return !d.isReady() })
			q.create(t, nil)
			q.send(t, "after")
			if got := g.mustGet(t, 2); got[1].body != "after" {
				t.Errorf("%q was delivered", got[1].body)
			}
			eventually(t, "the daemon is ready", d.isReady)
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestWhatSendSendsIsDelivered(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			var lines strings.Builder
			for i := range 25 {
				fmt.Fprintf(&lines, "line %d\n", i)
			}
			if out, stderr, code := once(t, s, lines.String(), "send", "--queue", q.name, "-"); code != 0 {
				t.Fatalf("exit code %d: %s%s", code, out, stderr)
			}
			d := newDaemon(t, s, q, g)
			got := map[string]bool{}
			for _, one := range g.mustGet(t, 25) {
				got[one.body] = true
			}
			for i := range 25 {
				if body := fmt.Sprintf("line %d", i); !got[body] {
					t.Errorf("%q was not delivered", body)
				}
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestCheckBurnsNoReceive(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, _ := newQueueWithDeadLetters(t, s, 5)
			g := newTarget(t, nil)
			q.send(t, "one")
			out, stderr, code := once(t, s, "", "check", "--queue", q.name, "--target", g.URL)
			if code != 0 {
				t.Errorf("exit code %d: %s%s", code, out, stderr)
			}
			if n := len(g.deliveries()); n != 0 {
				t.Logf("check asked the target %d times", n)
			}
			got := q.receive(t)
			if len(got) != 1 || got[0].Attributes["ApproximateReceiveCount"] != "1" {
				t.Errorf("after check: %d messages visible, receive count %v", len(got), got)
			}
		})
	}
}

// once runs the binary to its end.
func once(t *testing.T, s server, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	c := command(s, args...)
	var out, complaints bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(stdin), &out, &complaints
	err := c.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatal(err)
	}
	return out.String(), complaints.String(), c.ProcessState.ExitCode()
}
