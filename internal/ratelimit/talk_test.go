package ratelimit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// talk is a pace of ten slots whose target says something of its limits.
type talk struct {
	*ratelimit.Share

	t     *testing.T
	pace  *ratelimit.Pace
	woken int
	begin time.Time
}

func newTalk(t *testing.T) *talk {
	t.Helper()
	c := &talk{t: t, begin: time.Now()}
	c.pace = ratelimit.New(ratelimit.Limits{Concurrency: 10, Follow: true})
	c.Share = c.pace.Join(1, func() { c.woken++ })
	return c
}

// begins starts a delivery.
func (c *talk) begins() *ratelimit.Try {
	c.t.Helper()
	try := new(ratelimit.Try)
	if want := c.Start(time.Now(), try, 10, agreed); want != ratelimit.Nothing {
		c.t.Fatalf("after %v: it may not start: %v", time.Since(c.begin), want)
	}
	return try
}

// waits expects that nothing may start until a time from now.
func (c *talk) waits(until time.Duration) {
	c.t.Helper()
	if want := c.Start(time.Now(), new(ratelimit.Try), 10, agreed); want != ratelimit.Allowance || time.Until(c.Due()) != until {
		c.t.Fatalf("after %v: wants %v, due in %v, not %v", time.Since(c.begin), want, time.Until(c.Due()), until)
	}
	if n := c.Usable(time.Now(), 10); n != 0 {
		c.t.Errorf("%d usable", n)
	}
}

// may expects that so many may start, and ends them unanswered.
func (c *talk) may(n int) {
	c.t.Helper()
	var tries []*ratelimit.Try
	for {
		try := new(ratelimit.Try)
		if c.Start(time.Now(), try, 10, agreed) != ratelimit.Nothing {
			break
		}
		tries = append(tries, try)
	}
	if len(tries) != n {
		c.t.Errorf("after %v: %d may start, not %d", time.Since(c.begin), len(tries), n)
	}
	for _, try := range tries {
		c.End(time.Now(), try, message.Result{Outcome: message.Failed, Reason: "timeout"}, 1)
	}
}

func says(remaining int, reset time.Duration) message.Result {
	return message.Result{Outcome: message.Delivered, Status: 200, Limits: []message.Limit{{Remaining: remaining, Reset: reset}}}
}

func refuses(after time.Duration) message.Result {
	return message.Result{Outcome: message.Throttled, Status: 429, RetryAfter: after}
}

func (c *talk) ends(try *ratelimit.Try, r message.Result) bool {
	return c.End(time.Now(), try, r, 1)
}

func in(t *testing.T, talk func(*talk)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { talk(newTalk(t)) })
}

func sleep(d time.Duration) { <-time.After(d) }
