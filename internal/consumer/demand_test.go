package consumer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAReceiveThatIsOvertakenIsSlowOnlyAfterTwoRoundTrips(t *testing.T) {
	t.Parallel()
	d := newDemand(0)
	begun := time.Now()
	at := func(ms int) time.Time { return begun.Add(time.Duration(ms) * time.Millisecond) }
	first, second := d.send(at(0), maxBatch), d.send(at(1), maxBatch)
	d.returned(at(11), second, maxBatch)
	d.park(at(11))
	if _, asked := d.active(); asked != maxBatch {
		t.Errorf("%d are asked for by a receive that another has overtaken by a little", asked)
	}
	third := d.send(at(12), maxBatch)
	d.returned(at(22), third, maxBatch)
	d.park(at(22))
	active, asked := d.active()
	if parked := d.parked(at(22)); asked != 0 || active != 0 || parked != 0 || !first.slow {
		t.Errorf("asked %d, active %d, parked %d; the receive is slow", asked, active, parked)
	}
}

func TestTheBoundsOfDemand(t *testing.T) {
	t.Parallel()
	now := time.Now()
	plenty := supply{slots: 1000, rate: math.Inf(1), part: 1, usable: 10_000, free: defaultBudget}
	fresh := func() *demand {
		d := newDemand(20 * time.Millisecond)
		d.visibility, d.atOnce = 30*time.Second, 100
		return &d
	}

	d := fresh()
	for n := range maxPolls {
		if got := d.next(now, plenty); got != maxBatch {
			t.Errorf("with %d receives out: %d", n, got)
		}
		d.send(now, maxBatch)
	}
	if got := d.next(now, plenty); got != 0 {
		t.Errorf("with %d receives out: %d", maxPolls, got)
	}

	d = fresh()
	d.returned(now.Add(time.Millisecond), d.send(now, maxBatch), 3)
	if got := d.next(now.Add(19*time.Millisecond), plenty); got != 0 {
		t.Errorf("19 ms after a partial receive: %d", got)
	}
	if got := d.next(now.Add(20*time.Millisecond), plenty); got != maxBatch {
		t.Errorf("20 ms after a partial receive: %d", got)
	}

	d = fresh()
	d.received(1 << 20)
	plenty.inHand = 1
	for free, want := range map[int]int{defaultBudget: 10, 20 << 20: 10, 4 << 20: 3, 1 << 20: 0, -1: 0} {
		plenty.free = free
		if got := d.next(now, plenty); got != want {
			t.Errorf("with %d bytes free: %d, want %d", free, got, want)
		}
	}
	if plenty.inHand, plenty.free = 0, -1; d.next(now, plenty) != 1 {
		t.Errorf("without memory and with nothing in hand: %d, want 1", d.next(now, plenty))
	}
}

// Of 300 queues that share a fast target each asks for a batch at a time, and not for as much as
// one queue alone would keep in stock.
func TestTheStockOfManyQueuesIsThatOfOneTarget(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for part, want := range map[float64]int{1: 16, 0.1: 6, 1.0 / 300: 1} {
		d := newDemand(0)
		d.visibility, d.atOnce = 30*time.Second, 100
		d.delivered(time.Millisecond)
		is := supply{slots: 64 * part, rate: math.Inf(1), part: part, usable: 1, free: defaultBudget}
		receives := 0
		for d.next(now, is) > 0 {
			d.send(now, maxBatch)
			receives++
		}
		if receives != want {
			t.Errorf("a queue with %.3f of the pace has %d receives out, want %d", part, receives, want)
		}
	}
}

// A queue whose part of the pace lets it have one receive out asks no more boldly once it may have more:
// it would send as many as full ones have come back, and most would find it empty.
func TestReceivesThatCameBackFullOneByOneDoNotSendManyLater(t *testing.T) {
	t.Parallel()
	now := time.Now()
	d := newDemand(0)
	d.visibility = 30 * time.Second
	small := supply{slots: 1, rate: math.Inf(1), part: 1.0 / 300, usable: 1, free: defaultBudget}
	all := supply{slots: 1000, rate: math.Inf(1), part: 1, usable: 1000, free: defaultBudget}
	var out []*poll
	send := func(is supply) {
		for d.next(now, is) > 0 {
			out = append(out, d.send(now, maxBatch))
		}
	}
	full := func() {
		d.returned(now, out[0], maxBatch)
		out = out[1:]
	}
	for range 10 {
		if send(small); len(out) != 1 {
			t.Fatalf("%d receives out, want 1", len(out))
		}
		full()
	}
	for n := range 20 {
		if send(all); len(out) != min(n+2, maxPolls) {
			t.Fatalf("%d receives out after %d full ones, want %d", len(out), n, min(n+2, maxPolls))
		}
		full()
	}
}

func TestAQueueWakesNobodyWhenItTurnsDryAndAtNoneOfItsPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		woken := 0
		e := run(t, q, f, ratelimit.Limits{Concurrency: 10}, func(o *Options) { o.Pace.Join(1, func() { woken++ }) })
		pass(10 * time.Minute)
		q.send(1)
		pass(time.Minute)
		if woken > 0 {
			t.Errorf("another queue was woken %d times", woken)
		}
		e.stop()
	})
}
