package consumer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAStateThatFlapsIsALineAMinute(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	names := [...]string{itFails: "fails", itWorksAgain: "works", itFailsNowAndThen: "now and then"}
	for name, test := range map[string]struct {
		fails, urgent, works []int // seconds after noon
		want                 []string
	}{
		"a short outage":  {fails: []int{0, 1, 2}, works: []int{3}, want: []string{"0 fails 1", "13 works 2"}},
		"a long outage":   {fails: []int{0, 20, 40, 60, 80, 100, 120}, works: []int{125}, want: []string{"0 fails 1", "60 fails 3", "120 fails 3", "180 works 0"}},
		"one failure":     {fails: []int{5}, works: []int{6}, want: []string{"5 fails 1", "16 works 0"}},
		"each 20 s":       {fails: []int{0, 20, 40, 60, 80, 100, 120}, works: []int{1, 21, 41, 61, 81, 101, 121}, want: []string{"0 fails 1", "11 works 0", "71 now and then 3", "131 now and then 3"}},
		"each 4 s":        {fails: every(4, 0, 120), works: every(4, 1, 121), want: []string{"0 fails 1", "60 fails 15", "120 fails 15", "180 works 0"}},
		"one of a minute": {fails: []int{0, 30}, works: []int{1, 31}, want: []string{"0 fails 1", "11 works 0", "71 now and then 1"}},
		"a person has to act": {
			fails: []int{0, 4}, urgent: []int{2, 6, 10}, works: []int{1, 3, 5, 7, 11},
			want: []string{"0 fails 1", "2 fails 1", "62 works 3"},
		},
		"after a long calm": {fails: []int{0, 400}, works: []int{1, 401}, want: []string{"0 fails 1", "11 works 0", "400 fails 1", "411 works 0"}},
	} {
		var f flapping
		var said []string
		for second := range 500 {
			now := noon.Add(time.Duration(second) * time.Second)
			if slices.Contains(test.fails, second) || slices.Contains(test.urgent, second) {
				f.failed(now, slices.Contains(test.urgent, second))
			}
			if slices.Contains(test.works, second) {
				f.worked(now)
			}
			failures := f.failures
			if which, with := f.due(now); which != noLine {
				said = append(said, fmt.Sprintf("%d %s %d", second, names[which], failures))
				if failures > 0 && !strings.Contains(fmt.Sprint(with...), fmt.Sprintf("failures=%d", failures)) {
					t.Errorf("%s: the counts are %v", name, with)
				}
			}
		}
		if !slices.Equal(said, test.want) {
			t.Errorf("%s: said %q, want %q", name, said, test.want)
		}
	}
}

// every is each step-th second in a time.
func every(step, from, to int) []int {
	var all []int
	for s := from; s <= to; s += step {
		all = append(all, s)
	}
	return all
}

func TestCallsOfWhichEachTwentiethIsLostAreAFewLinesAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		q.fault = func(action string, call int) error {
			if call%20 == 7 {
				return &message.SQSError{Action: action, Queue: "orders", Fault: message.Network, Err: context.DeadlineExceeded}
			}
			return nil
		}
		q.send(13_000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10, Limited: true, Rate: 40, Burst: 1}, nil)
		pass(5 * time.Minute)
		said := e.said()
		// Receives and deletes: a line when it begins, and one a minute.
		if lines := strings.Count(said, "\n"); lines < 4 || lines > 2*6 {
			t.Errorf("%d lines in five minutes:\n%s", lines, said)
		}
		if !strings.Contains(said, "recoveries=") {
			t.Errorf("the log does not count:\n%s", said)
		}
		q.mu.Lock()
		q.fault = nil
		q.mu.Unlock()
		pass(2 * time.Minute)
		if said := e.said()[len(said):]; strings.Count(said, "calls to SQS work again") != 2 {
			t.Errorf("it works again, and the log says\n%s", said)
		}
		e.abort()
		<-e.summary
	})
}

func TestReceivesThatFailNowAndThenNameTheWaitTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(20*time.Millisecond)
		q.fault = func(action string, call int) error { // of an empty queue, and a proxy that ends long polls
			if action == "receive" && call%2 == 0 {
				return &message.SQSError{Action: action, Queue: "orders", Fault: message.Network, Err: context.DeadlineExceeded}
			}
			return nil
		}
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, nil)
		pass(3 * time.Minute)
		if first, later, _ := strings.Cut(e.said(), "\n"); strings.Contains(first, "--wait-time") || !strings.Contains(later, "--wait-time") {
			t.Errorf("of receives that fail once and of those that keep failing, the log says\n%s", e.said())
		}
		e.abort()
		<-e.summary
	})
}

func TestChangesThatComeAndGoAreALineAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		q.send(3000)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1, Limited: true, Rate: 5, Burst: 1}, nil)
		for i := range 40 { // SQS is asked every 15 s
			q.set(func(a *message.QueueAttributes) { a.MaxReceiveCount = 5 + i%2 })
			pass(15 * time.Second)
		}
		if lines := strings.Count(e.said(), "attributes have changed"); lines < 3 || lines > 10 {
			t.Errorf("%d lines in ten minutes", lines)
		}
		e.abort()
		<-e.summary
	})
}

func TestAQueueThatIsBlockedNowAndThenIsALineAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.FIFO, o.MaxWait = true, time.Second })
		for range 40 {
			q.claim(7, 3)
			pass(20 * time.Second)
			q.claim(0, 0)
			q.send(1)
			pass(10 * time.Second)
		}
		lines := strings.Count(e.said(), "receives bring nothing") + strings.Count(e.said(), "blocked now and then") + strings.Count(e.said(), "no longer blocked")
		if lines < 5 || lines > 22 {
			t.Errorf("%d lines in 20 minutes:\n%s", lines, e.said())
		}
		e.abort()
		<-e.summary
	})
}
