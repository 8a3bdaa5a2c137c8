package demo

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PushOptions say how a push delivers.
type PushOptions struct {
	// URL is the downstream's.
	URL string
	// Retries are the waits before each retry, from half to half as much again.
	Retries []time.Duration
	// AtOnce bounds how many requests it has begun and not ended; others wait.
	AtOnce int
	// Client sends them.
	Client *http.Client
}

// Push is what stands in many places where the poller could: it delivers each
// request as soon as it is there, tries a few times more, and gives it up. So do SNS
// to an HTTP endpoint (by default three retries, 20 s apart) and a function that is
// called asynchronously (two, a minute and two apart).
type Push struct {
	options PushOptions
	wake    chan struct{}

	mu      sync.Mutex // guards what follows
	waiting []string   // bodies
	begun   int
	tries   int64
	counts  PushStats
}

// PushStats is what came of the requests so far.
type PushStats struct {
	// Accepted is all of them; Dead used up their retries.
	Accepted, Delivered, Dead int64
	// Ended says that each is delivered or dead.
	Ended bool
}

// NewPush makes a push, which delivers while it runs.
func NewPush(o PushOptions) *Push { return &Push{options: o, wake: make(chan struct{}, 1)} }

// Deliver takes a request and does not wait.
func (p *Push) Deliver(body string) {
	p.mu.Lock()
	p.counts.Accepted++
	p.waiting = append(p.waiting, body)
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Stats counts up to now.
func (p *Push) Stats() PushStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Ended = counts.Accepted == counts.Delivered+counts.Dead
	return counts
}

// Run delivers until ctx is done.
func (p *Push) Run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case <-p.wake:
			for body, ok := p.begin(); ok; body, ok = p.begin() {
				wg.Go(func() { p.work(ctx, body) })
			}
		case <-ctx.Done():
			return
		}
	}
}

// begin takes a request that waits, if one more may be begun.
func (p *Push) begin() (body string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.begun >= p.options.AtOnce {
		return "", false
	}
	if body, ok = p.next(); ok {
		p.begun++
	}
	return body, ok
}

// next is the oldest that waits. The caller has locked mu.
func (p *Push) next() (body string, ok bool) {
	if len(p.waiting) == 0 {
		return "", false
	}
	body, p.waiting = p.waiting[0], p.waiting[1:]
	return body, true
}

// work brings one request to its end, and then those that wait.
func (p *Push) work(ctx context.Context, body string) {
	for ok := true; ok; {
		delivered := p.try(ctx, body)
		p.mu.Lock()
		switch {
		case delivered:
			p.counts.Delivered++
		case ctx.Err() == nil:
			p.counts.Dead++
		}
		if body, ok = p.next(); !ok {
			p.begun--
		}
		p.mu.Unlock()
	}
}

// try delivers a request, retries too.
func (p *Push) try(ctx context.Context, body string) (delivered bool) {
	if p.post(ctx, body) {
		return true
	}
	for _, wait := range p.options.Retries {
		timer := time.NewTimer(p.jittered(wait))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		if p.post(ctx, body) {
			return true
		}
	}
	return false
}

func (p *Push) jittered(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries++
	return time.Duration((0.5 + spread(p.tries)) * float64(d))
}

func (p *Push) post(ctx context.Context, body string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.options.URL, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := p.options.Client.Do(r)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode >= 200 && answer.StatusCode <= 299
}
