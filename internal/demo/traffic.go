package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Traffic sends requests in bursts, as fast as the front door accepts them and much faster
// than the downstream could.
type Traffic struct {
	// URL is the front door's.
	URL string
	// Burst is how many requests a burst has, Every how far apart the bursts start.
	Burst int
	Every time.Duration
	// Client sends them.
	Client *http.Client

	sent, failed atomic.Int64
}

// callers is how many clients send a burst.
const callers = 16

// Run sends until ctx is done. A request in progress is finished.
func (t *Traffic) Run(ctx context.Context) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	for {
		t.burst(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// Sent returns how many requests were sent, and how many of them were not answered 202.
func (t *Traffic) Sent() (sent, failed int64) { return t.sent.Load(), t.failed.Load() }

func (t *Traffic) burst(ctx context.Context) {
	var left atomic.Int64
	left.Store(int64(t.Burst))
	var wg sync.WaitGroup
	for range min(callers, t.Burst) {
		wg.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				if !t.request(context.WithoutCancel(ctx), t.sent.Add(1)) {
					t.failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
}

// request reports whether the n-th request was taken.
func (t *Traffic) request(ctx context.Context, n int64) bool {
	body := fmt.Sprintf(`{"order":%d,"item":"A-%d","quantity":%d}`, 1000+n, 10+n%17, 1+n%3)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := t.Client.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.Body.Close() == nil && answer.StatusCode == http.StatusAccepted
}
