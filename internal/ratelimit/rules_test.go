package ratelimit_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestAStartNeedsASlotOfBothAndConsent(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := ratelimit.New(ratelimit.Limits{Concurrency: 2}).Join(1, func() {})
	yes, no := func() bool { return true }, func() bool { return false }
	for _, step := range []struct {
		slots   int
		consent func() bool
		want    ratelimit.Want
	}{
		{5, no, ratelimit.Consent},
		{1, yes, ratelimit.Nothing},
		{1, yes, ratelimit.Slot},
		{5, yes, ratelimit.Nothing},
		{5, yes, ratelimit.Slot},
	} {
		if got := s.Start(now, new(ratelimit.Try), step.slots, step.consent); got != step.want {
			t.Errorf("with %d slots: %d, want %d", step.slots, got, step.want)
		}
	}
}

func TestAPlanIsForAQueuesPart(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := ratelimit.New(ratelimit.Limits{Concurrency: 8})
	s, other := p.Join(1, func() {}), p.Join(3, func() {})
	if got := s.Usable(now, 8); got != 2 {
		t.Errorf("a quarter of eight: %d", got)
	}
	other.SetDry(true)
	if got := s.Usable(now, 8); got != 8 {
		t.Errorf("all of eight: %d", got)
	}
	p.Set(now, ratelimit.Limits{Limited: true, Rate: 1, Burst: 3})
	if got := s.Usable(now, 8); got != 1 || p.Limits().Concurrency != 1 {
		t.Errorf("one slot: %d, %+v", got, p.Limits())
	}
	p = ratelimit.New(ratelimit.Limits{Concurrency: 8, Limited: true, Rate: 1, Burst: 3})
	if got := p.Join(1, func() {}).Usable(now, 8); got != 3 {
		t.Errorf("three tokens: %d", got)
	}
	p = ratelimit.New(ratelimit.Limits{Concurrency: 8, Limited: true, Rate: 0, Burst: 3})
	if got := p.Join(1, func() {}).Usable(now, 8); got != 0 {
		t.Errorf("at a rate of 0: %d", got)
	}
}

func TestWhoseTurnItIsIsWoken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var woken [2]int
	p := ratelimit.New(ratelimit.Limits{Concurrency: 1})
	a, b := p.Join(1, func() { woken[0]++ }), p.Join(1, func() { woken[1]++ })
	yes := func() bool { return true }
	expect := func(what string, want [2]int) {
		t.Helper()
		if woken != want {
			t.Errorf("%s: woken %v, want %v", what, woken, want)
		}
	}
	a.Start(now, new(ratelimit.Try), 1, yes)
	b.Start(now, new(ratelimit.Try), 1, yes)
	a.End(time.Now(), new(ratelimit.Try), delivered, 1)
	expect("the slot is free", [2]int{0, 1})
	b.Start(now, new(ratelimit.Try), 1, yes)
	a.Start(now, new(ratelimit.Try), 1, yes)
	b.End(time.Now(), new(ratelimit.Try), delivered, 1)
	if got := b.Start(now, new(ratelimit.Try), 1, yes); got != ratelimit.Turn {
		t.Errorf("it is the other's turn: %d", got)
	}
	expect("it is a's turn, which knows", [2]int{1, 1})
	a.Start(now, new(ratelimit.Try), 1, func() bool { return false })
	b.Start(now, new(ratelimit.Try), 1, yes)
	expect("it is a's turn, which has asked since it was woken", [2]int{2, 1})
	a.Rest()
	expect("a has nothing to start", [2]int{2, 2})
}

func TestNobodyIsWokenForASlotThatIsNotFree(t *testing.T) {
	t.Parallel()
	now := time.Now()
	woken := 0
	p := ratelimit.New(ratelimit.Limits{Concurrency: 2})
	a, b := p.Join(1, func() {}), p.Join(1, func() { woken++ })
	yes := func() bool { return true }
	b.Start(now, new(ratelimit.Try), 2, yes)
	a.Start(now, new(ratelimit.Try), 2, func() bool { return false })
	b.Start(now, new(ratelimit.Try), 2, yes) // wants to, and it is a's turn
	if woken = 0; a.Start(now, new(ratelimit.Try), 2, yes) != ratelimit.Nothing || woken > 0 {
		t.Errorf("woken %d times though all slots are taken", woken)
	}
	a.End(now, new(ratelimit.Try), delivered, 1)
	if woken != 1 {
		t.Errorf("woken %d times for the slot that is free", woken)
	}
}

func TestTheNextIsWokenWhileThereAreSlots(t *testing.T) {
	t.Parallel()
	now := time.Now()
	woken := 0
	p := ratelimit.New(ratelimit.Limits{Concurrency: 3})
	a, b := p.Join(1, func() {}), p.Join(1, func() { woken++ })
	yes, no := func() bool { return true }, func() bool { return false }
	a.Start(now, new(ratelimit.Try), 3, no) // a is first, and does not start
	b.Start(now, new(ratelimit.Try), 3, yes)
	if a.Start(now, new(ratelimit.Try), 3, yes) != ratelimit.Nothing || woken != 1 {
		t.Errorf("woken %d times with two slots left", woken)
	}
}

func TestWhoWasIdleHasSavedNothingUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := ratelimit.New(ratelimit.Limits{Concurrency: 100})
	a, b := p.Join(1, func() {}), p.Join(1, func() {})
	yes, no := func() bool { return true }, func() bool { return false }
	for range 10 {
		a.Start(now, new(ratelimit.Try), 100, yes)
	}
	a.Start(now, new(ratelimit.Try), 100, no)
	if first, second := b.Start(now, new(ratelimit.Try), 100, yes), b.Start(now, new(ratelimit.Try), 100, yes); first != ratelimit.Nothing || second != ratelimit.Turn {
		t.Errorf("%d, then %d", first, second)
	}
}
