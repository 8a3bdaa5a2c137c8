package ratelimit_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

var adaptive = ratelimit.Limits{Concurrency: 50, Follow: true, Adaptive: true}

// crowd is a target's deliveries, as the pace of one share knows them.
type crowd struct {
	t        *testing.T
	pace     *ratelimit.Pace
	share    *ratelimit.Share
	open     bool
	closings int
	running  []*ratelimit.Try
	woken    int
}

func newCrowd(t *testing.T, limits ratelimit.Limits) *crowd {
	t.Helper()
	c := &crowd{t: t, pace: ratelimit.New(limits), open: true}
	c.share = c.pace.Join(1, func() { c.woken++ })
	return c
}

// fill starts what may start, and returns how many run.
func (c *crowd) fill() int {
	for {
		try := new(ratelimit.Try)
		if c.share.Start(time.Now(), try, 1000, agreed) != ratelimit.Nothing {
			return len(c.running)
		}
		c.running = append(c.running, try)
	}
}

// ends ends the delivery that began first, or last.
func (c *crowd) ends(r message.Result, last bool) (crowded bool) {
	c.t.Helper()
	place := 0
	if last {
		place = len(c.running) - 1
	}
	try := c.running[place]
	c.running = slices.Delete(c.running, place, place+1)
	r.Announced = c.share.End(time.Now(), try, r, 1)
	return c.share.Adapt(time.Now(), try, r, func() (bool, int) { return c.open, c.closings })
}

// works delivers for so long, each delivery in 100 ms.
func (c *crowd) works(lasts time.Duration) {
	c.t.Helper()
	for end := time.Now().Add(lasts); time.Now().Before(end); {
		n := c.fill()
		<-time.After(100 * time.Millisecond)
		for range n {
			c.ends(delivered, false)
		}
	}
}

var refusedWith429 = message.Result{Outcome: message.Throttled, Status: 429, Reason: "4xx"}

func TestNoMoreStartThanWereFoundToWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		if n := c.fill(); n != 4 || c.pace.Limits().Concurrency != 4 || c.share.Most() != 50 {
			t.Errorf("%d start, the concurrency in force is %d, the most %d", n, c.pace.Limits().Concurrency, c.share.Most())
		}
		if n := c.share.Usable(time.Now(), 50); n != 0 {
			t.Errorf("%d more are to be received for", n)
		}
		if !c.ends(refusedWith429, true) {
			t.Error("a 429 beside three others is not a crowd's")
		}
		c.ends(delivered, false)
		if n := c.fill(); n != 3 {
			t.Errorf("%d run after a 429 beside 3 others", n)
		}
		for len(c.running) > 0 {
			c.ends(delivered, false)
		}
		c.woken = 0
		c.works(time.Minute)
		if n := c.fill(); n != 50 {
			t.Errorf("after a minute in which all works %d run", n)
		}
		if c.woken == 0 {
			t.Error("nobody was told that more may be received")
		}
	})
}

func TestOfDeliveriesOfOneMomentTheTargetMayRefuseTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		c.fill() // four, at once
		if !c.ends(refusedWith429, false) {
			t.Error("a 429 to the first of four is not a crowd's")
		}
		if n := c.pace.Limits().Concurrency; n != 3 {
			t.Errorf("the first of four that began at once was refused, and the concurrency is %d", n)
		}
		for len(c.running) > 0 {
			c.ends(delivered, false)
		}
		for range 3 { // one after the other
			try := new(ratelimit.Try)
			c.share.Start(time.Now(), try, 1000, agreed)
			c.running = append(c.running, try)
			<-time.After(10 * time.Millisecond)
		}
		c.running[0], c.running[1] = c.running[1], c.running[0]
		if !c.ends(refusedWith429, false) || c.pace.Limits().Concurrency != 1 {
			t.Errorf("the second of three that began one after the other was refused, and the concurrency is %d", c.pace.Limits().Concurrency)
		}
	})
}

func TestADeliveryThatTookTheSlotOfAnotherOneDidNotRunBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		c.fill()
		<-time.After(10 * time.Millisecond)
		c.ends(delivered, false)
		c.fill() // beside three
		c.ends(delivered, false)
		c.fill() // in the same moment, and beside three
		c.running[2], c.running[3] = c.running[3], c.running[2]
		if !c.ends(refusedWith429, true) || c.pace.Limits().Concurrency != 3 {
			t.Errorf("one of four that ran at once was refused, and the concurrency is %d", c.pace.Limits().Concurrency)
		}
	})
}

func TestTheFoundConcurrencyFollowsAnswersThroughAnOpenGateAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		c.open = false
		c.fill()
		for range 3 {
			if c.ends(refusedWith429, true) {
				t.Error("a refusal is believed though the gate is not open")
			}
		}
		if n := c.pace.Limits().Concurrency; n != 4 {
			t.Errorf("%d", n)
		}
	})
}

func TestFailuresThatAreNotRefusalsDoNotChangeTheConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		for _, r := range []message.Result{
			{Outcome: message.Failed, Status: 500, Reason: "5xx"},
			{Outcome: message.Failed, Reason: "timeout"},
			{Outcome: message.Unavailable, Status: 502, Reason: "5xx"},
			{Outcome: message.Unavailable, Status: 504, Reason: "5xx"},
			{Outcome: message.Unavailable, Reason: "reset"},
			{Outcome: message.Connection, Reason: "refused"},
			{Outcome: message.Rejected, Status: 400, Reason: "4xx"},
			{Outcome: message.Throttled, Status: 429, Canceled: true},
		} {
			c.fill()
			if c.ends(r, true) || c.pace.Limits().Concurrency != 4 {
				t.Errorf("%+v changes it to %d", r, c.pace.Limits().Concurrency)
			}
		}
	})
}

func TestARefusalThatWasAnnouncedSaysNothingOfTheConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		c.fill()
		said := refusedWith429
		said.Limits = []message.Limit{{Remaining: 0, Reset: time.Minute}}
		if c.ends(said, true) || c.pace.Limits().Concurrency != 4 {
			t.Errorf("the concurrency is %d", c.pace.Limits().Concurrency)
		}
	})
}

func TestWhatTheBeginningOfAnOutageLoweredIsTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		c.closings = 3 // the gate closed before adapting began
		c.fill()
		c.ends(refusedWith429, true)
		c.ends(refusedWith429, true)
		if n := c.pace.Limits().Concurrency; n != 3 {
			t.Fatalf("the concurrency is %d", n)
		}
		c.closings++
		c.open = false
		c.ends(message.Result{Outcome: message.Connection, Reason: "refused"}, true)
		if n := c.pace.Limits().Concurrency; n != 4 {
			t.Errorf("the concurrency is %d, as the beginning of the outage has left it", n)
		}
	})
}

func TestAReloadTurnsAdaptingOnAndOffAndChangesItsMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, ratelimit.Limits{Concurrency: 50})
		if n := c.fill(); n != 50 {
			t.Fatalf("%d run", n)
		}
		if c.ends(refusedWith429, true) {
			t.Error("adapts while it is off")
		}
		c.pace.Set(time.Now(), adaptive)
		for len(c.running) > 0 {
			c.ends(delivered, false)
		}
		if n := c.fill(); n != 4 {
			t.Errorf("turned on: %d run", n)
		}
		less := adaptive
		less.Concurrency = 3
		c.pace.Set(time.Now(), less)
		if n := c.pace.Limits().Concurrency; n != 3 {
			t.Errorf("with a maximum of 3 the concurrency is %d", n)
		}
		c.pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20})
		if n := c.fill(); n != 20 {
			t.Errorf("turned off: %d run", n)
		}
	})
}

func TestAdaptingHasMetricsOnlyWhileItIsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, adaptive)
		registry := prometheus.NewRegistry()
		if err := c.pace.Register(registry); err != nil {
			t.Fatal(err)
		}
		c.fill()
		c.ends(refusedWith429, true)
		if n, err := testutil.GatherAndCount(registry, "poller_adaptive_changes_total"); err != nil || n != 10 {
			t.Errorf("%d reasons, %v", n, err)
		}
		c.pace.Set(time.Now(), ratelimit.Limits{Concurrency: 20})
		if n, err := testutil.GatherAndCount(registry, "poller_adaptive_changes_total", "poller_adaptive_refused_alone_total"); err != nil || n != 0 {
			t.Errorf("%d while it is off, %v", n, err)
		}
	})
}
