package redrive

import (
	"context"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

const (
	// hide is for how long a message is hidden that is received: after a crash it is
	// visible again so soon.
	hide = 2 * time.Minute
	// renew is how much of that is left when it is extended.
	renew = time.Minute
)

// source is the queue that is looked into, or redriven.
type source interface {
	Receive(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string) ([]*message.Message, error)
	Delete(ctx context.Context, handles []string) []error
	ChangeVisibility(ctx context.Context, changes []message.VisibilityChange) []error
	Age(now time.Time, m *message.Message) time.Duration
}

// hidden are the messages that were received and are to be visible again, by id.
type hidden struct {
	from  source
	until map[string]time.Time
	now   map[string]*message.Message // as received last
	first time.Time                   // when the first of them is to be extended
}

func newHidden(from source) *hidden {
	return &hidden{from: from, until: make(map[string]time.Time), now: make(map[string]*message.Message)}
}

// add keeps m hidden, and reports whether it is new. received is when it was asked for.
func (h *hidden) add(m *message.Message, received time.Time) bool {
	_, known := h.now[m.ID]
	h.now[m.ID], h.until[m.ID] = m, received.Add(hide)
	if at := received.Add(hide - renew); h.first.IsZero() || at.Before(h.first) {
		h.first = at
	}
	return !known
}

func (h *hidden) drop(m *message.Message) {
	delete(h.now, m.ID)
	delete(h.until, m.ID)
}

// extend keeps hidden what would be visible soon.
func (h *hidden) extend(ctx context.Context) {
	now := time.Now()
	if h.first.IsZero() || now.Before(h.first) {
		return
	}
	var due []*message.Message
	h.first = time.Time{}
	for id, until := range h.until {
		if until.Sub(now) <= renew {
			due = append(due, h.now[id])
			h.until[id], until = now.Add(hide), now.Add(hide)
		}
		if at := until.Add(-renew); h.first.IsZero() || at.Before(h.first) {
			h.first = at
		}
	}
	// One that cannot be extended comes again, and is known then.
	_ = h.change(ctx, due, int(hide/time.Second))
}

// release makes all of them visible, and returns how many are not, for want of an answer of
// SQS. They are visible when hide is over.
func (h *hidden) release(ctx context.Context) int {
	all := make([]*message.Message, 0, len(h.now))
	for _, m := range h.now {
		all = append(all, m)
	}
	return h.change(ctx, all, 0)
}

// change sets the visibility and returns how many calls failed.
func (h *hidden) change(ctx context.Context, messages []*message.Message, seconds int) (failed int) {
	for len(messages) > 0 {
		n := min(len(messages), queue.MaxBatch)
		changes := make([]message.VisibilityChange, n)
		for i, m := range messages[:n] {
			changes[i] = message.VisibilityChange{ReceiptHandle: m.ReceiptHandle, Seconds: seconds}
		}
		for _, err := range again(ctx, n, func(ctx context.Context, which []int) []error {
			some := make([]message.VisibilityChange, len(which))
			for i, at := range which {
				some[i] = changes[at]
			}
			return h.from.ChangeVisibility(ctx, some)
		}) {
			if err != nil {
				failed++
			}
		}
		messages = messages[n:]
	}
	return failed
}

const (
	tries      = 6
	firstPause = 200 * time.Millisecond
)

// again calls do for the entries 0 to n-1, and once more for those that SQS was not there
// for. It returns an error per entry.
func again(ctx context.Context, n int, do func(context.Context, []int) []error) []error {
	errs := make([]error, n)
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	pause := firstPause
	for try := 1; ; try++ {
		got := do(ctx, left)
		var more []int
		for i, at := range left {
			errs[at] = nil
			if got != nil {
				errs[at] = got[i]
			}
			if f := message.FaultOf(errs[at]); f == message.Network || f == message.ThrottledBySQS {
				more = append(more, at)
			}
		}
		if left = more; len(left) == 0 || try == tries || !wait(ctx, pause) {
			return errs
		}
		pause *= 2
	}
}

// wait waits for d and reports whether ctx is not done.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// receive asks for messages, again while SQS is not there.
func receive(ctx context.Context, from source, most int) (messages []*message.Message, err error) {
	errs := again(ctx, 1, func(ctx context.Context, _ []int) []error {
		messages, err = from.Receive(ctx, most, time.Second, hide, "")
		return []error{err}
	})
	return messages, errs[0]
}
