package consumer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// fifoQueue is a FIFO queue: it hands out nothing of a group of which something is in
// flight, and hides for ever.
type fifoQueue struct {
	*fakeQueue
	mu      sync.Mutex // guards what follows
	groups  map[string][]string
	order   []string
	flying  map[string]int
	deleted map[string]bool
	calls   int    // deletes
	lost    string // the message whose delete or extension comes too late
}

func newFIFOQueue(groups, each int) *fifoQueue {
	q := &fifoQueue{fakeQueue: newFakeQueue(), groups: map[string][]string{}, flying: map[string]int{}, deleted: map[string]bool{}}
	for g := range groups {
		id := fmt.Sprintf("g%d", g)
		q.order = append(q.order, id)
		for n := range each {
			q.groups[id] = append(q.groups[id], fmt.Sprintf("%s/%d", id, n))
		}
	}
	return q
}

func (q *fifoQueue) ReceiveWithin(ctx context.Context, maximum int, wait, _ time.Duration, _ string, _ func(context.Context, int)) ([]*message.Message, error) {
	for end := time.Now().Add(wait); ; {
		select {
		case <-time.After(q.trip):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		var got []*message.Message
		q.mu.Lock()
		for i, n := 0, len(q.order); i < n && len(got) < maximum; i++ {
			g := q.order[0]
			q.order = append(q.order[1:], g)
			for q.flying[g] == 0 || len(got) > 0 && got[len(got)-1].GroupID == g {
				if len(q.groups[g]) == 0 || len(got) == maximum {
					break
				}
				id := q.groups[g][0]
				q.groups[g] = q.groups[g][1:]
				q.flying[g]++
				got = append(got, &message.Message{ID: id, ReceiptHandle: id, GroupID: g, SentAt: time.Now(), ReceiveCount: 1})
			}
		}
		q.mu.Unlock()
		if len(got) > 0 || time.Now().After(end) {
			return got, nil
		}
	}
}

func (q *fifoQueue) Delete(_ context.Context, handles []string) []error {
	<-time.After(q.trip)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	var errs []error
	for i, h := range handles {
		if h == q.lost {
			errs = make([]error, len(handles))
			errs[i] = &message.SQSError{Action: "delete", Queue: "orders", Fault: message.Lost, Err: context.Canceled}
			continue
		}
		var g string
		for i := range h {
			if h[i] == '/' {
				g = h[:i]
			}
		}
		q.flying[g]--
		q.deleted[h] = true
	}
	return errs
}

func (q *fifoQueue) ChangeVisibility(_ context.Context, changes []message.VisibilityChange) []error {
	<-time.After(q.trip)
	errs := make([]error, len(changes))
	for i, c := range changes {
		if c.ReceiptHandle == q.lost {
			errs[i] = &message.SQSError{Action: "extend", Queue: "orders", Fault: message.Lost, Err: context.Canceled}
		}
	}
	return errs
}

func TestInAStrictOrderTheNextOfAGroupStartsWhenTheOneBeforeIsDeleted(t *testing.T) {
	t.Parallel()
	for _, strict := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFIFOQueue(5, 40), newFakeTarget(3*time.Millisecond)
			early, order := 0, map[string]int{}
			f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
				var n int
				_, _ = fmt.Sscanf(m.ID[len(m.GroupID)+1:], "%d", &n)
				q.mu.Lock()
				defer q.mu.Unlock()
				if n != order[m.GroupID] {
					t.Errorf("%s is delivered after %d others", m.ID, order[m.GroupID])
				}
				order[m.GroupID]++
				if n > 0 && !q.deleted[fmt.Sprintf("%s/%d", m.GroupID, n-1)] {
					early++
				}
				return delivered2xx, 3 * time.Millisecond
			}
			e := run(t, q.fakeQueue, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Source, o.FIFO, o.FIFOStrict = q, true, strict })
			pass(time.Minute)
			if s := e.stop(); s.Delivered != 200 {
				t.Errorf("summary %+v", s)
			}
			if strict != (early == 0) {
				t.Errorf("strict %v: %d started before the one before them was deleted", strict, early)
			}
		})
	}
}

func TestInAStrictOrderAGroupGoesOnThoughAMessageCannotBeDeleted(t *testing.T) {
	t.Parallel()
	for _, rejected := range []bool{false, true} { // the dead-letter queue has it, then
		synctest.Test(t, func(t *testing.T) {
			q, f := newFIFOQueue(1, 6), newFakeTarget(3*time.Millisecond)
			q.lost = "g0/1"
			f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
				if rejected && m.ID == q.lost {
					return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, time.Millisecond
				}
				return delivered2xx, time.Millisecond
			}
			e := run(t, q.fakeQueue, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) {
				o.Source, o.FIFO, o.FIFOStrict, o.OnRejected = q, true, true, DeadLetter
			})
			pass(20 * time.Second)
			if n := e.Snapshot(time.Now()).Settled["delivered"]; n != 5 {
				t.Errorf("%d are delivered, rejected %v", n, rejected)
			}
			e.stop()
		})
	}
}

// A rejected message is in its group's way until the dead-letter queue has it: if that does not
// take it, or SQS gives it to another before, it comes again, and before those behind it.
func TestInAStrictOrderNothingOvertakesARejectedMessageThatTheDeadLetterQueueDoesNotHave(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			q, f := newFIFOQueue(1, 6), newFakeTarget(3*time.Millisecond)
			q.fault = func(action string, call int) error {
				switch {
				case action != "dead-letter":
					return nil
				case lost:
					return away(action, call)
				}
				return &message.SQSError{Action: action, Queue: "orders", Fault: message.Invalid, Err: context.Canceled}
			}
			if lost {
				q.lost = "g0/1"
			}
			f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
				if m.ID == "g0/1" {
					return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, time.Millisecond
				}
				return delivered2xx, time.Millisecond
			}
			e := run(t, q.fakeQueue, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) {
				o.Source, o.FIFO, o.FIFOStrict, o.OnRejected = q, true, true, DeadLetter
			})
			pass(2 * time.Minute)
			s := e.Snapshot(time.Now()).Settled
			if s["delivered"] != 1 || s["released"] != 4 {
				t.Errorf("lost %v: %v", lost, s)
			}
			e.stop()
		})
	}
}

func TestGroupsBehindAHeldMessageStopNoOtherGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFIFOQueue(100, 20), newFakeTarget(3*time.Millisecond)
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if strings.HasSuffix(m.GroupID, "4") || strings.HasSuffix(m.GroupID, "9") { // the heads of 20 groups
				return message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx", RetryAfter: 10 * time.Minute}, time.Millisecond
			}
			return delivered2xx, time.Millisecond
		}
		e := run(t, q.fakeQueue, f, ratelimit.Limits{Concurrency: 4}, func(o *Options) { o.Source, o.FIFO = q, true })
		pass(time.Minute)
		if n := e.Snapshot(time.Now()).Settled["delivered"]; n != 80*20 {
			t.Errorf("%d of the other groups are delivered", n)
		}
		e.stop()
	})
}

// TestWhatAStrictOrderCosts prints the figures of docs/performance.md with -v.
func TestWhatAStrictOrderCosts(t *testing.T) {
	t.Parallel()
	counts := []int{5, 50}
	if raceDetector {
		counts = counts[:1]
	}
	for _, groups := range counts {
		var took [2]time.Duration
		var calls [2]int
		for i, strict := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				const messages = 1500
				q, f := newFIFOQueue(groups, messages/groups), newFakeTarget(20*time.Millisecond)
				q.trip = 8 * time.Millisecond
				begun, last := time.Now(), time.Now()
				f.answer = func(*message.Message, int) (message.Result, time.Duration) {
					last = time.Now()
					return delivered2xx, 20 * time.Millisecond
				}
				e := run(t, q.fakeQueue, f, ratelimit.Limits{Concurrency: 50}, func(o *Options) { o.Source, o.FIFO, o.FIFOStrict = q, true, strict })
				pass(5 * time.Minute)
				if s := e.stop(); s.Delivered != messages {
					t.Errorf("%d groups, strict %v: summary %+v", groups, strict, s)
				}
				took[i], calls[i] = last.Sub(begun), q.calls
			})
		}
		t.Logf("%4d groups: %6.0f/s and %4d deletes; strict %6.0f/s and %4d deletes", groups,
			1500/took[0].Seconds(), calls[0], 1500/took[1].Seconds(), calls[1])
		if took[1] > 3*took[0] {
			t.Errorf("%d groups: a strict order takes %s instead of %s", groups, took[1], took[0])
		}
	}
}
