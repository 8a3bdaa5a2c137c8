package consumer

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// batchFake takes batches, and answers them as whole and bad say.
type batchFake struct {
	*fakeTarget
	mu      sync.Mutex
	batches [][]string // of one, too
	whole   func(ids []string) message.Result
	bad     func(id string) bool // named as failed
	size    int
	sized   atomic.Int64 // how often a size was asked for
}

var (
	failed5xx    = message.Result{Outcome: message.Failed, Status: 500, Reason: "5xx"}
	itemFailed   = message.Result{Outcome: message.Failed, Status: 200, Reason: "item_failure"}
	throttledAll = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}
	notRejected  = func([]string) message.Result { return delivered2xx }
)

func newBatchFake(took time.Duration) *batchFake {
	return &batchFake{fakeTarget: newFakeTarget(took), whole: notRejected, bad: func(string) bool { return false }, size: 1000}
}

func (f *batchFake) take(ids []string) message.Result {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches = append(f.batches, ids)
	return f.whole(ids)
}

func (f *batchFake) Deliver(ctx context.Context, _ string, m *message.Message) message.Result {
	whole := f.take([]string{m.ID})
	if whole.Outcome == message.Delivered && f.bad(m.ID) {
		whole = itemFailed
	}
	f.note(ctx, m, &whole)
	return whole
}

// note has a message be tried for as long as the target takes.
func (f *batchFake) note(ctx context.Context, m *message.Message, r *message.Result) {
	f.fakeTarget.mu.Lock()
	f.tries[m.ID]++
	f.fakeTarget.mu.Unlock()
	select {
	case <-time.After(f.took):
	case <-ctx.Done():
		*r = message.Result{Outcome: message.Failed, Reason: "canceled", Canceled: true, Err: context.Cause(ctx)}
	}
	f.fakeTarget.mu.Lock()
	defer f.fakeTarget.mu.Unlock()
	if r.Outcome == message.Delivered {
		f.good[m.ID]++
	}
}

func (f *batchFake) DeliverBatch(ctx context.Context, _ string, all []*message.Message) (message.Result, []message.Result) {
	ids := make([]string, len(all))
	for i, m := range all {
		ids[i] = m.ID
	}
	whole := f.take(ids)
	select {
	case <-time.After(f.took):
	case <-ctx.Done():
		return message.Result{Outcome: message.Failed, Reason: "canceled", Canceled: true, Err: context.Cause(ctx)}, nil
	}
	if whole.Outcome != message.Delivered {
		return whole, nil
	}
	each := make([]message.Result, len(all))
	f.fakeTarget.mu.Lock()
	defer f.fakeTarget.mu.Unlock()
	for i, id := range ids {
		f.tries[id]++
		if each[i] = whole; f.bad(id) {
			each[i] = itemFailed
		} else {
			f.good[id]++
		}
	}
	return whole, each
}

func (f *batchFake) SizeInBatch(*message.Message) int {
	f.sized.Add(1)
	return f.size
}

// sent is what each request carried.
func (f *batchFake) sent() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.batches)
}

func inTens(f *batchFake) func(*Options) {
	return func(o *Options) { o.Deliver, o.Batch = f, 10 }
}
