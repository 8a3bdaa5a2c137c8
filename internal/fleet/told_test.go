package fleet

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// say makes a call that says what the target has told, and that asks for tokens.
func (c *caller) say(until time.Duration, asking bool) reply {
	c.t.Helper()
	r := c.request(2)
	r.told = ratelimit.ToldAll{Follows: true, Asks: asking}
	if until > 0 {
		r.toldUntil = epoch + until
	}
	return c.keep(c.eval(r))
}

func TestWhatTheTargetTellsOneReplicaHoldsForAll(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	a, b := all[0], all[1]
	until := s.now + 5*time.Second
	a.say(until, false)
	if got := b.say(0, false); got.hold != epoch+until || got.role != free || got.tokens.n != 0 {
		t.Errorf("the other one is told %+v", got)
	}
	if got := b.make(1); got.tokens.n != 1 {
		t.Error("one that does not follow it is held back, too")
	}
	s.now = until + time.Millisecond
	if got := b.say(0, false); got.hold != 0 || got.tokens.n == 0 {
		t.Errorf("when the time is over: %+v", got)
	}
}

func TestAfterARetryAfterOneReplicaAsks(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	a, b := all[0], all[1]
	until := s.now + 500*time.Millisecond
	a.say(until, true)
	b.say(until, true) // it was told so, too
	s.now = until + time.Millisecond
	if got := b.say(0, true); got.role != waits || got.tokens.n != 0 {
		t.Errorf("the second one: %+v", got)
	}
	if got := a.say(0, true); got.role != asks || got.tokens.n == 0 {
		t.Errorf("the first one: %+v", got)
	}
	a.say(0, false) // taken
	if got := b.say(0, false); got.role != free || got.tokens.n == 0 {
		t.Errorf("after the target has taken one: %+v", got)
	}
}

func TestIfTheOneThatAsksIsGoneAnotherDoes(t *testing.T) {
	t.Parallel()
	s, all := settled(t, 2)
	a, b := all[0], all[1]
	a.say(s.now+500*time.Millisecond, true)
	for range 3 {
		s.now += time.Second
		if got := b.say(0, false); got.role != waits {
			t.Fatalf("at once: %+v", got)
		}
	}
	s.now += time.Second
	if got := b.say(0, false); got.role != asks || got.tokens.n == 0 {
		t.Errorf("%+v", got)
	}
}
