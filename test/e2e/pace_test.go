//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func TestTheRateIsKept(t *testing.T) {
	const (
		rate  = 20
		burst = 3
		sent  = 70
		// late is how much later than another a request may reach the target, on a
		// busy machine. The promise itself, to the nanosecond, has its test where time
		// is virtual.
		late = 400 * time.Millisecond
	)
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			bodies := make([]string, sent)
			for i := range bodies {
				bodies[i] = fmt.Sprintf("message %d", i)
			}
			q.send(t, bodies...)
			d := newDaemon(t, s, q, g, "--rate", fmt.Sprintf("%d/s", rate), "--burst", fmt.Sprint(burst), "--concurrency", "50")
			all := g.mustGet(t, sent)
			const most = burst + rate*int(time.Second+late)/int(time.Second)
			for first := range all {
				n := 0
				for _, d := range all {
					if since := d.began.Sub(all[first].began); since >= 0 && since < time.Second {
						n++
					}
				}
				if n > most {
					t.Errorf("%d deliveries began in the second after the one numbered %d, at most %d may", n, first, most)
				}
			}
			q.mustGetEmpty(t)
			d.mustDrain(t)
		})
	}
}

func TestSIGHUPPausesAndResumes(t *testing.T) {
	t.Parallel()
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			q, g := newQueue(t, s), newTarget(t, nil)
			file := filepath.Join(t.TempDir(), "poller.yaml")
			write := func(rate string) {
				t.Helper()
				text := fmt.Sprintf("queues:\n  - queue: %s\n    target: here\ntargets:\n  here:\n    url: %s\n    rate: %s\n"+
					"drain_timeout: 8s\nlisten: 127.0.0.1:0\n", q.name, g.URL, rate)
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write("0")
			d := startDaemon(t, s, "run", "--config", file)
			ids := q.send(t, "one", "two", "three")
			eventually(t, "the queue is reached", d.isReady)
			if n := len(g.deliveries()); n != 0 {
				t.Errorf("%d deliveries began at a rate of 0", n)
			}
			if visible, hidden := q.count(t); visible != 3 || hidden != 0 {
				t.Errorf("%d visible and %d hidden: a paused daemon receives nothing", visible, hidden)
			}
			write("100/s")
			d.signal(t, syscall.SIGHUP)
			g.mustGet(t, 3)
			q.mustGetEmpty(t)
			d.mustDrain(t)
			mustBeOnce(t, g.deliveries(), ids)
		})
	}
}
