//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const controlToken = "0123456789abcdef0123"

// controlled is a settings file with a control token, for a daemon that an operator may
// pause.
type controlled struct {
	file   string
	server server
}

func newControlled(t *testing.T, s server, q *queue, g *target, rate, drain string) *controlled {
	t.Helper()
	c := &controlled{file: filepath.Join(t.TempDir(), "poller.yaml"), server: s}
	token := filepath.Join(filepath.Dir(c.file), "token")
	if err := os.WriteFile(token, []byte(controlToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.write(t, fmt.Sprintf("queues:\n  - queue: %s\n    target: here\ntargets:\n  here:\n    url: %s\n    rate: %s\n"+
		"drain_timeout: %s\nlisten: 127.0.0.1:0\ncontrol_token: \"@%s\"\n", q.name, g.URL, rate, drain, token))
	return c
}

func (c *controlled) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(c.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// start starts a daemon, and waits until it is ready.
func (c *controlled) start(t *testing.T) *daemon {
	t.Helper()
	d := startDaemon(t, c.server, "run", "--config", c.file)
	eventually(t, "the queue is reached", d.isReady)
	return d
}

// operate runs a verb that tells the daemon something, which has to say a text.
func (c *controlled) operate(t *testing.T, d *daemon, text string, args ...string) {
	t.Helper()
	out, err := command(c.server, append(args, "--config", c.file, "--listen", d.admin)...).CombinedOutput()
	if err != nil || !strings.Contains(string(out), text) {
		t.Errorf("poller %s: %v, not %q:\n%s", strings.Join(args, " "), err, text, out)
	}
}

func TestAPauseHoldsOverAReloadAndEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			c := newControlled(t, s, q, g, "50/s", "6s")
			d := c.start(t)
			c.operate(t, d, "target here: paused until resume", "pause", "--by", "ada")
			ids := q.send(t, "one", "two", "three")
			text, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			c.write(t, strings.Replace(string(text), "50/s", "100/s", 1))
			d.signal(t, syscall.SIGHUP)
			eventually(t, "the file is read again", func() bool { return d.line("the settings were read again") != nil })
			if n := d.metric(t, "poller_override", `kind="pause"`); n != 1 {
				t.Errorf("poller_override is %g after the reload", n)
			}
			if n := len(g.deliveries()); n != 0 {
				t.Errorf("%d deliveries began in the pause", n)
			}
			d.mustDrain(t)
			if n := len(g.deliveries()); n != 0 {
				t.Errorf("%d deliveries began in the pause, at the stop", n)
			}
			d = c.start(t)
			g.mustGet(t, 3)
			q.mustGetEmpty(t)
			d.mustDrain(t)
			mustBeOnce(t, g.deliveries(), ids)
		})
	}
}

func TestAPauseInADrainStartsNothingMoreAndLosesNothing(t *testing.T) {
	const sent = 12
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newShutTarget(t)
			c := newControlled(t, s, q, g, "2/s\n    timeout: 90s", "60s")
			q.send(t, numbered(sent)...)
			d := c.start(t)
			g.mustGet(t, 1)
			d.signal(t, syscall.SIGTERM)
			eventually(t, "it drains", func() bool { return d.line("draining") != nil })
			c.operate(t, d, "target here: paused until resume", "pause")
			g.open()
			d.mustEnd(t, 0)
			q.mustHave(t, sent-len(g.deliveries()))
		})
	}
}

// TestAFloodOfWrongTokensHoldsUpNoDelivery has 16 callers who try tokens as fast as they
// can, until all messages are delivered.
func TestAFloodOfWrongTokensHoldsUpNoDelivery(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			c := newControlled(t, s, q, g, "none", "6s")
			d := c.start(t)
			done := make(chan struct{})
			tried := make(chan int)
			for range 16 {
				go func() { tried <- tryTokens(d.admin, done) }()
			}
			ids := q.send(t, numbered(40)...)
			g.mustGet(t, len(ids))
			close(done)
			refused := 0
			for range 16 {
				refused += <-tried
			}
			if refused == 0 {
				t.Error("no token was refused")
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
			mustBeOnce(t, g.deliveries(), ids)
			d.mu.Lock()
			defer d.mu.Unlock()
			lines := 0
			for _, line := range d.log {
				if line["msg"] == "a control request was refused" {
					lines++
				}
			}
			if lines == 0 || lines > 3 { // one a minute
				t.Errorf("%d lines in the log of %d refusals", lines, refused)
			}
		})
	}
}

// tryTokens returns how many wrong tokens were refused until done is closed.
func tryTokens(admin string, done <-chan struct{}) (refused int) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	for {
		select {
		case <-done:
			return refused
		default:
		}
		request, err := http.NewRequest(http.MethodPost, "http://"+admin+"/-/pause", strings.NewReader("{}"))
		if err != nil {
			return refused
		}
		request.Header.Set("Authorization", "Bearer not-the-token-of-it")
		request.Header.Set("Content-Type", "application/json")
		answer, err := client.Do(request)
		if err != nil {
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusUnauthorized {
			refused++
		}
	}
}
