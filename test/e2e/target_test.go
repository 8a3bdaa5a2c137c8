//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// delivery is one request that reached the target.
type delivery struct {
	id       string
	receives int
	body     string
	header   http.Header
	began    time.Time
}

// target is an HTTP service that records what it receives and answers as configured.
type target struct {
	*httptest.Server
	answer func(delivery) int
	opened chan struct{} // closed by open

	mu  sync.Mutex // guards got
	got []delivery
}

// newTarget answers each delivery with the status that answer gives, which may
// take its time; nil: 200 immediately.
func newTarget(t *testing.T, answer func(delivery) int) *target {
	t.Helper()
	g := &target{answer: answer, opened: make(chan struct{})}
	g.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		g.open() // the server waits for its handlers
		g.Close()
	})
	return g
}

// newShutTarget answers nothing before it is opened, and then 200.
func newShutTarget(t *testing.T) *target {
	t.Helper()
	var g *target
	g = newTarget(t, func(delivery) int {
		<-g.opened
		return http.StatusOK
	})
	return g
}

// open lets a shut target answer.
func (g *target) open() {
	select {
	case <-g.opened:
	default:
		close(g.opened)
	}
}

// ServeHTTP implements http.Handler.
func (g *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off: no delivery
	}
	receives, _ := strconv.Atoi(r.Header.Get("X-Poller-Receive-Count"))
	d := delivery{
		id: r.Header.Get("X-Poller-Message-Id"), receives: receives,
		body: string(body), header: r.Header, began: began,
	}
	g.mu.Lock()
	g.got = append(g.got, d)
	g.mu.Unlock()
	if g.answer != nil {
		w.WriteHeader(g.answer(d))
	}
}

// deliveries are all so far, in the order in which they came.
func (g *target) deliveries() []delivery {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.got)
}

// mustGet waits until this many deliveries have arrived.
func (g *target) mustGet(t *testing.T, n int) []delivery {
	t.Helper()
	eventually(t, strconv.Itoa(n)+" deliveries", func() bool { return len(g.deliveries()) >= n })
	return g.deliveries()
}

// counts is how often each message was delivered.
func counts(all []delivery) map[string]int {
	n := map[string]int{}
	for _, d := range all {
		n[d.id]++
	}
	return n
}

// mustBeOnce fails unless each of these messages was delivered exactly once, and no others.
func mustBeOnce(t *testing.T, got []delivery, ids []string) {
	t.Helper()
	n := counts(got)
	for _, id := range ids {
		if n[id] != 1 {
			t.Errorf("message %s was delivered %d times", id, n[id])
		}
		delete(n, id)
	}
	for id, times := range n {
		t.Errorf("message %s was delivered %d times and never sent", id, times)
	}
}
