//go:build fleet

package fleet

import (
	"context"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// takes is how long a delivery takes the target.
const takes = 60 * time.Millisecond

// target counts what arrives.
type target struct {
	http *httptest.Server

	mu      sync.Mutex
	starts  []time.Time
	waited  []time.Duration // from when SQS got a message until it arrived
	running int
	most    int
	still   time.Duration
}

func newTarget(t *testing.T) *target {
	t.Helper()
	g := &target{}
	g.http = httptest.NewServer(g)
	t.Cleanup(g.http.Close)
	go g.watch(t.Context())
	return g
}

// ServeHTTP implements http.Handler.
func (g *target) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	sent, _ := time.Parse(time.RFC3339, r.Header.Get("X-Poller-Sent-At"))
	g.mu.Lock()
	g.starts = append(g.starts, now)
	g.waited = append(g.waited, now.Sub(sent))
	g.running++
	g.most = max(g.most, g.running)
	g.mu.Unlock()
	_, _ = io.Copy(io.Discard, r.Body)
	pass(takes)
	g.mu.Lock()
	g.running--
	g.mu.Unlock()
}

// watch notes for how long this process has stood still, for want of a processor.
func (g *target) watch(ctx context.Context) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		g.mu.Lock()
		g.still = max(g.still, now.Sub(last)-time.Millisecond)
		g.mu.Unlock()
		last = now
	}
}

func (g *target) stood() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.still
}

func (g *target) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.starts)
}

// over returns the most starts in any window less rate × its length, and where it ends.
func (g *target) over(rate float64) (most float64, at time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	least := math.Inf(1)
	for i, start := range g.starts {
		since := start.Sub(g.starts[0])
		made := rate * since.Seconds()
		least = min(least, float64(i)-made)
		if here := float64(i+1) - made - least; here > most {
			most, at = here, since
		}
	}
	return most, at
}

// wait returns how long the messages of a part of all waited at most, of those that arrived
// after the first n.
func (g *target) wait(n int, part float64) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := slices.Sorted(slices.Values(g.waited[min(n, len(g.waited)):]))
	if len(all) == 0 {
		return 0
	}
	return all[min(int(part*float64(len(all))), len(all)-1)]
}
