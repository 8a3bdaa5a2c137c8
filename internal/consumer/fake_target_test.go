package consumer

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// fakeTarget takes each delivery for a while and answers it.
type fakeTarget struct {
	mu     sync.Mutex
	took   time.Duration
	answer func(m *message.Message, try int) (message.Result, time.Duration)

	tries   map[string]int
	running map[string]bool
	atOnce  int
	most    int
	starts  []time.Time
	good    map[string]int
	doubled []string // delivered twice simultaneously
}

func newFakeTarget(took time.Duration) *fakeTarget {
	return &fakeTarget{took: took, tries: map[string]int{}, running: map[string]bool{}, good: map[string]int{}}
}

var delivered2xx = message.Result{Outcome: message.Delivered, Status: 200, Reason: "2xx"}

func (f *fakeTarget) Deliver(ctx context.Context, _ string, m *message.Message) message.Result {
	f.mu.Lock()
	f.tries[m.ID]++
	f.atOnce++
	f.most = max(f.most, f.atOnce)
	f.starts = append(f.starts, time.Now())
	if f.running[m.ID] {
		f.doubled = append(f.doubled, m.ID)
	}
	f.running[m.ID] = true
	result, took := delivered2xx, f.took
	if f.answer != nil {
		result, took = f.answer(m, f.tries[m.ID])
	}
	f.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		result = message.Result{Outcome: message.Failed, Reason: "canceled", Canceled: true, Err: context.Cause(ctx)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.atOnce--
	f.running[m.ID] = false
	if result.Outcome == message.Delivered {
		f.good[m.ID]++
	}
	return result
}

// downWith has every try answered so until it is up.
func (f *fakeTarget) downWith(result message.Result) (up func()) {
	var well atomic.Bool
	f.answer = func(*message.Message, int) (message.Result, time.Duration) {
		if well.Load() {
			return delivered2xx, time.Millisecond
		}
		return result, time.Millisecond
	}
	return func() { well.Store(true) }
}

// deliveries is how many have started.
func (f *fakeTarget) deliveries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.starts)
}

// tried is how many deliveries each message had.
func (f *fakeTarget) tried() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.tries)
}

// took2xx is how often each message was delivered.
func (f *fakeTarget) took2xx() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.good)
}

func (f *fakeTarget) mostAtOnce() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most
}
