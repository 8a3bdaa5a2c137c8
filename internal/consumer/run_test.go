package consumer

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// engine is a consumer that runs in a bubble.
type engine struct {
	*Consumer
	queue   *fakeQueue
	target  *fakeTarget
	door    *gate.Gate
	drain   context.CancelFunc
	abort   context.CancelFunc
	summary chan Summary
	logs    *strings.Builder
}

// openGate has one delivery succeed, so that the gate is not as at a start.
func openGate(g *gate.Gate) {
	seat, m, now := g.Join(func() {}), new(gate.Message), time.Now()
	seat.Enter(m, "first")
	seat.Begin(now, m)
	seat.End(now, m, message.Result{Outcome: message.Delivered}, 1)
	seat.Leave(m)
}

// run starts a consumer with the settings' defaults, except for what change sets.
func run(t *testing.T, q *fakeQueue, f *fakeTarget, limits ratelimit.Limits, change func(*Options)) *engine {
	t.Helper()
	logs := &strings.Builder{}
	o := Options{
		Queue: "orders", Target: "default", Source: q, Deliver: f, Gate: gate.New(1), Pace: ratelimit.New(limits), Weight: 1,
		Attributes: q.attributes, Timeout: 30 * time.Second, Gather: 20 * time.Millisecond,
		Backoff: time.Second, BackoffMax: 15 * time.Minute,
		DrainTimeout: 25 * time.Second, Seed: 1,
		Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	openGate(o.Gate)
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{Consumer: c, queue: q, target: f, door: o.Gate, summary: make(chan Summary, 1), logs: logs}
	var drain, now context.Context
	drain, e.drain = context.WithCancel(t.Context())
	now, e.abort = context.WithCancel(context.Background())
	go func() { e.summary <- c.Run(drain, now) }()
	return e
}

// stop drains the engine and returns what it says.
func (e *engine) stop() Summary {
	e.drain()
	s := <-e.summary
	e.abort()
	return s
}

// said is what the log says so far.
func (e *engine) said() string {
	e.mu.Lock() // the engine logs under it
	defer e.mu.Unlock()
	return e.logs.String()
}

// pass lets virtual time go by, and whatever happens in it end.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
