package demo

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// PushOptions configure a push.
type PushOptions struct {
	// URL is the downstream's.
	URL string
	// Retries are the delays before each retry, randomized by half either way.
	Retries []time.Duration
	// AtOnce bounds the requests in progress; others wait.
	AtOnce int
	// Client sends them.
	Client *http.Client
}

// Push does what many systems do in place of a poller: it delivers each request as soon as
// it arrives, retries a few times, and gives up. SNS does so with an HTTP endpoint (by
// default three retries, 20 s apart), and Lambda with an asynchronous invocation (two
// retries, after one and two minutes).
type Push struct {
	options PushOptions
	wake    chan struct{}

	mu      sync.Mutex // guards what follows
	waiting []string   // bodies
	begun   int
	tries   int64
	counts  PushStats
}

// PushStats counts what happened to the requests so far.
type PushStats struct {
	// Accepted is all of them; Dead used up their retries.
	Accepted, Delivered, Dead int64
	// Ended says that each is delivered or dead.
	Ended bool
}

// NewPush returns a push. It delivers while Run runs.
func NewPush(o PushOptions) *Push { return &Push{options: o, wake: make(chan struct{}, 1)} }

// Deliver accepts a request and does not block.
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

// Stats returns the counts so far.
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
