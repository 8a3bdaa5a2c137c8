package ratelimit_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// fakeFleet gives out what a test says.
type fakeFleet struct {
	limits ratelimit.Limits
	tokens int
	due    time.Time
	use    ratelimit.Use
	quotas []ratelimit.QuotaUse
	told   ratelimit.ToldOthers
}

func (f *fakeFleet) Limits() ratelimit.Limits { return f.limits }

func (f *fakeFleet) Token(time.Time) (due time.Time, ok bool) {
	if f.tokens > 0 {
		return time.Time{}, true
	}
	return f.due, false
}

func (f *fakeFleet) Take(time.Time)       { f.tokens-- }
func (f *fakeFleet) Tokens(time.Time) int { return f.tokens }
func (f *fakeFleet) Free(time.Time) (int, time.Time) {
	if f.quotas == nil {
		return -1, time.Time{}
	}
	return f.quotas[0].N - f.quotas[0].Used, f.quotas[0].FreeAt
}
func (f *fakeFleet) Quotas(time.Time) []ratelimit.QuotaUse { return f.quotas }
func (f *fakeFleet) Told() ratelimit.ToldOthers            { return f.told }
func (f *fakeFleet) Report(use ratelimit.Use)              { f.use = use }
func (f *fakeFleet) limit(slots int) {
	f.limits = ratelimit.Limits{Concurrency: slots, Limited: true, Rate: 28, Burst: 3}
}

// inFleet returns a pace that has joined f, with one share.
func inFleet(f *fakeFleet, own ratelimit.Limits) (*ratelimit.Pace, *ratelimit.Share) {
	p := ratelimit.New(own)
	p.JoinFleet(f)
	return p, p.Join(1, nothing)
}

func TestAStartInAFleetNeedsItsSlotAndItsToken(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := &fakeFleet{tokens: 3, due: now.Add(time.Second)}
	f.limit(2)
	_, s := inFleet(f, ratelimit.Limits{Concurrency: 10})
	no := func() bool { return false }
	if got := s.Start(now, new(ratelimit.Try), 10, no); got != ratelimit.Consent || f.tokens != 3 {
		t.Errorf("without consent: %v, %d tokens left", got, f.tokens)
	}
	for range 2 {
		if got := s.Start(now, new(ratelimit.Try), 10, agreed); got != ratelimit.Nothing {
			t.Errorf("refused for %v", got)
		}
	}
	if got := s.Start(now, new(ratelimit.Try), 10, agreed); got != ratelimit.Slot || f.tokens != 1 || f.use != (ratelimit.Use{Running: 2, Busy: true, Lacks: ratelimit.Slot}) {
		t.Errorf("a third with two slots: %v, %d tokens left, %+v", got, f.tokens, f.use)
	}
	f.limit(4)
	s.Start(now, new(ratelimit.Try), 10, agreed)
	if got := s.Start(now, new(ratelimit.Try), 10, agreed); got != ratelimit.Token || !s.Due().Equal(f.due) || f.use.Lacks != ratelimit.Token {
		t.Errorf("without a token: %v, due %v, %+v", got, s.Due(), f.use)
	}
	s.End(time.Now(), new(ratelimit.Try), delivered, 1)
	if f.use != (ratelimit.Use{Running: 2, Busy: true, Lacks: ratelimit.Token}) {
		t.Errorf("one has ended: %+v", f.use)
	}
	s.Rest()
	s.SetDry(true)
	if f.use != (ratelimit.Use{Running: 2}) {
		t.Errorf("with nothing to start: %+v", f.use)
	}
}

func TestTheLowerOfThePacesOwnLimitsAndTheFleetsIsInForce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		own, fleet ratelimit.Limits
		want       ratelimit.Limits
		usable     int
	}{
		"the fleet's": {
			ratelimit.Limits{Concurrency: 10},
			ratelimit.Limits{Concurrency: 3, Limited: true, Rate: 7, Burst: 2},
			ratelimit.Limits{Concurrency: 3, Limited: true, Rate: 7, Burst: 2},
			3,
		},
		"the pace's": {
			ratelimit.Limits{Concurrency: 2, Limited: true, Rate: 5, Burst: 1},
			ratelimit.Limits{Concurrency: 3, Limited: true, Rate: 7, Burst: 2},
			ratelimit.Limits{Concurrency: 2, Limited: true, Rate: 5, Burst: 1},
			1,
		},
		"no rate": {
			ratelimit.Limits{Concurrency: 10},
			ratelimit.Limits{Concurrency: 3},
			ratelimit.Limits{Concurrency: 3, Burst: 1},
			3,
		},
		"no slot": {
			ratelimit.Limits{Concurrency: 10},
			ratelimit.Limits{Limited: true, Rate: 7, Burst: 2},
			ratelimit.Limits{Concurrency: 1, Limited: true, Burst: 1},
			0,
		},
		"no slot and no rate": {
			ratelimit.Limits{Concurrency: 10},
			ratelimit.Limits{},
			ratelimit.Limits{Concurrency: 1, Limited: true, Burst: 1},
			0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, s := inFleet(&fakeFleet{limits: c.fleet, tokens: 9}, c.own)
			if got := p.Limits(); got != c.want {
				t.Errorf("in force: %+v, want %+v", got, c.want)
			}
			if got := s.Usable(now, 10); got != c.usable {
				t.Errorf("%d usable, want %d", got, c.usable)
			}
		})
	}
}

func TestAFleetHearsOfAQueueThatHasNothingYet(t *testing.T) {
	t.Parallel()
	f := new(fakeFleet)
	inFleet(f, ratelimit.Limits{Concurrency: 10})
	if f.use != (ratelimit.Use{Busy: true}) {
		t.Errorf("it has heard %+v", f.use)
	}
}

func TestWhatAQuotaHoldsBackAsksTheFleetForNothing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := &fakeFleet{tokens: 9}
	f.limit(5)
	own := ratelimit.Limits{Concurrency: 10}
	own.Quotas[0] = ratelimit.Quota{N: 1, Window: time.Minute}
	_, s := inFleet(f, own)
	start(s, now)
	if got := start(s, now); got != ratelimit.Allowance || f.use.Lacks != ratelimit.Nothing || f.tokens != 8 {
		t.Errorf("%v, %+v, %d tokens left", got, f.use, f.tokens)
	}
}

func TestAQuotaOfTheFleetIsWhatAStartWaitsForAndNotTheRate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := &fakeFleet{due: now.Add(time.Minute), quotas: []ratelimit.QuotaUse{{Quota: ratelimit.Quota{N: 100, Window: time.Minute}, Used: 100}}}
	f.limit(5)
	p, s := inFleet(f, ratelimit.Limits{Concurrency: 10})
	if got := start(s, now); got != ratelimit.Allowance || !s.Due().Equal(f.due) || f.use.Lacks != ratelimit.Token {
		t.Errorf("%v, due %v, %+v", got, s.Due(), f.use)
	}
	f.quotas[0].Used = 99
	if got := start(s, now); got != ratelimit.Token {
		t.Errorf("with one left: %v", got)
	}
	f.quotas[0].Used = 100
	if p.Set(now, ratelimit.Limits{Concurrency: 10, Limited: true, Burst: 1}); start(s, now) != ratelimit.Token {
		t.Error("paused, it waits for a quota")
	}
}

func TestAPausedPaceStartsNothingThoughTheFleetHasTokens(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := &fakeFleet{tokens: 9}
	f.limit(5)
	p, s := inFleet(f, ratelimit.Limits{Concurrency: 10, Limited: true, Burst: 1})
	if got := s.Start(now, new(ratelimit.Try), 10, agreed); got != ratelimit.Token || f.tokens != 9 || s.Usable(now, 10) != 0 {
		t.Errorf("%v, %d tokens left, %d usable", got, f.tokens, s.Usable(now, 10))
	}
	p.Set(now, ratelimit.Limits{Concurrency: 10})
	if got := s.Start(now, new(ratelimit.Try), 10, agreed); got != ratelimit.Nothing {
		t.Errorf("resumed: %v", got)
	}
}

func TestWhatTheTargetTellsAnotherReplicaHoldsHere(t *testing.T) {
	t.Parallel()
	f := &fakeFleet{tokens: 9}
	f.limit(8)
	p, s := inFleet(f, ratelimit.Limits{Concurrency: 8, Follow: true})
	now := time.Now()
	start := func() ratelimit.Want {
		return s.Start(now, new(ratelimit.Try), 8, func() bool { return true })
	}
	until := now.Add(30 * time.Second)
	f.told = ratelimit.ToldOthers{Until: until}
	p.Wake()
	if got := start(); got != ratelimit.Allowance || !s.Due().Equal(until) {
		t.Errorf("told: %v, due %v", got, s.Due())
	}
	if n, next := s.Soon(now, 10*time.Second); n != 0 || !next.Equal(until.Add(-10*time.Second)) {
		t.Errorf("%d soon, more at %v", n, next)
	}
	if !f.use.Told.Follows || !f.use.Told.Until.IsZero() {
		t.Errorf("it repeats what it has heard: %+v", f.use.Told)
	}
	f.told = ratelimit.ToldOthers{Waits: true}
	p.Wake()
	if got := start(); got != ratelimit.Allowance {
		t.Errorf("another one asks: %v", got)
	}
	f.told = ratelimit.ToldOthers{Asks: true}
	p.Wake()
	if got := []ratelimit.Want{start(), start()}; got[0] != ratelimit.Nothing || got[1] != ratelimit.Slot || !f.use.Told.Asks {
		t.Errorf("it asks: %v, %+v", got, f.use.Told)
	}
	f.told = ratelimit.ToldOthers{Waits: true}
	p.Wake()
	f.told = ratelimit.ToldOthers{}
	p.Wake()
	if got := start(); got != ratelimit.Nothing {
		t.Errorf("another one was taken: %v", got)
	}
}

func TestWhatAnotherReplicaFindsOutOfTheTargetsWordHoldsHere(t *testing.T) {
	t.Parallel()
	f := &fakeFleet{tokens: 99}
	f.limit(8)
	p, s := inFleet(f, ratelimit.Limits{Concurrency: 8, Follow: true})
	now := time.Now()
	refused := func() (believed bool) {
		try := new(ratelimit.Try)
		if got := s.Start(now, try, 8, agreed); got != ratelimit.Nothing {
			t.Fatalf("it may not start: %v", got)
		}
		return s.End(now, try, refuses(time.Minute), 1)
	}
	for range 2 {
		for i := range 5 {
			if refused() != (i == 4) {
				t.Errorf("the %d. in a row", i+1)
			}
		}
		if is := p.Told(now); !is.Known || !is.Reset.Equal(now.Add(time.Minute)) {
			t.Errorf("%+v", is)
		}
		f.told = ratelimit.ToldOthers{Waits: true}
		p.Wake()
		f.told = ratelimit.ToldOthers{}
		p.Wake()
		now = now.Add(2 * time.Second)
		if is := p.Told(now); is.Known || is.Waiting {
			t.Errorf("what another one asked with was taken: %+v", is)
		}
		ended := new(ratelimit.Try)
		s.Start(now, ended, 8, agreed)
		s.End(now, ended, delivered, 1)
	}
}
