package ratelimit_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// pair is two queues that share one slot.
type pair struct {
	a, b *ratelimit.Share
	// woken is how often b was.
	woken int
}

func newPair() *pair {
	p := new(pair)
	pace := ratelimit.New(ratelimit.Limits{Concurrency: 1})
	p.a, p.b = pace.Join(1, func() {}), pace.Join(1, func() { p.woken++ })
	return p
}

// asks has s ask for the slot.
func asks(t *testing.T, at time.Time, s *ratelimit.Share, want ratelimit.Want) {
	t.Helper()
	if got := s.Start(at, new(ratelimit.Try), 1, func() bool { return true }); got != want {
		t.Errorf("told %d, want %d", got, want)
	}
}

func ends(at time.Time, s *ratelimit.Share) { s.End(at, new(ratelimit.Try), delivered, 1) }

// inTurn has a start while b wants to, too.
func inTurn(t *testing.T) (p *pair, now time.Time) {
	t.Helper()
	p, now = newPair(), time.Now()
	asks(t, now, p.b, ratelimit.Nothing)
	asks(t, now, p.a, ratelimit.Slot)
	asks(t, now, p.b, ratelimit.Slot)
	ends(now, p.b)
	asks(t, now, p.a, ratelimit.Nothing)
	asks(t, now, p.a, ratelimit.Slot)
	p.woken = 0
	return p, now
}

func TestAQueueGoesOnWithItsSlotUntilItsTurnEnds(t *testing.T) {
	t.Parallel()
	p, began := inTurn(t)
	starts := 1
	for now := began.Add(10 * time.Millisecond); p.woken == 0 && starts < 100; now = now.Add(10 * time.Millisecond) {
		if ends(now, p.a); p.woken > 0 {
			asks(t, now, p.a, ratelimit.Turn)
			asks(t, now, p.b, ratelimit.Nothing)
			break
		}
		asks(t, now, p.a, ratelimit.Nothing)
		asks(t, now, p.a, ratelimit.Slot)
		starts++
	}
	if starts != 5 {
		t.Errorf("%d deliveries of 10 ms in a turn of 50 ms", starts)
	}
}

func TestAQueueWithNothingMoreHandsItsSlotOnAtOnce(t *testing.T) {
	t.Parallel()
	p, now := inTurn(t)
	ends(now, p.a)
	if p.a.Rest(); p.woken != 1 {
		t.Errorf("the other was woken %d times, want once", p.woken)
	}
	asks(t, now, p.b, ratelimit.Nothing)
}

func TestAQueueThatWasAloneHandsItsSlotOnAtOnce(t *testing.T) {
	t.Parallel()
	p, now := newPair(), time.Now()
	asks(t, now, p.a, ratelimit.Nothing)
	asks(t, now, p.a, ratelimit.Slot)
	asks(t, now, p.b, ratelimit.Slot)
	if ends(now, p.a); p.woken != 1 {
		t.Errorf("the other was woken %d times, want once", p.woken)
	}
	asks(t, now, p.a, ratelimit.Turn)
	asks(t, now, p.b, ratelimit.Nothing)
}

func TestASlotThatCannotBeUsedInATurnIsOfferedToTheNext(t *testing.T) {
	t.Parallel()
	p, now := inTurn(t)
	ends(now, p.a)
	if got := p.a.Start(now, new(ratelimit.Try), 1, func() bool { return false }); got != ratelimit.Consent || p.woken != 1 {
		t.Errorf("told %d, want %d; the other was woken %d times, want once", got, ratelimit.Consent, p.woken)
	}
	asks(t, now, p.b, ratelimit.Nothing)
}

func TestAQueueThatAsksAgainAtOnceIsStillOwedWhatAnotherHadMore(t *testing.T) {
	t.Parallel()
	p, now := inTurn(t)
	for range 4 { // a goes on with its slot, and has five
		now = now.Add(10 * time.Millisecond)
		ends(now, p.a)
		asks(t, now, p.a, ratelimit.Nothing)
		asks(t, now, p.a, ratelimit.Slot)
	}
	now = now.Add(10 * time.Millisecond)
	ends(now, p.a)
	asks(t, now, p.b, ratelimit.Nothing)
	ends(now, p.b)
	asks(t, now, p.a, ratelimit.Nothing) // before b, which has just had one, has asked
	asks(t, now, p.b, ratelimit.Slot)
	asks(t, now, p.a, ratelimit.Slot)
	ends(now, p.a)
	owed := 0
	for ; owed < 100; owed++ {
		now = now.Add(60 * time.Millisecond) // longer than a turn, so none goes on with its slot
		if got := p.b.Start(now, new(ratelimit.Try), 1, func() bool { return true }); got != ratelimit.Nothing {
			break
		}
		asks(t, now, p.b, ratelimit.Slot)
		ends(now.Add(55*time.Millisecond), p.b)
	}
	if owed < 4 {
		t.Errorf("b has %d before a, which had six of eight", owed)
	}
}
