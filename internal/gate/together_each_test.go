package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// What is a message's own, and what is the request's.

var (
	ok     = message.Result{Outcome: message.Delivered, Status: 200}
	broken = message.Result{Outcome: message.Failed, Status: 500}
)

// answers are the results of a request of which the answer names some: d is delivered, f failed.
func answers(word string) []message.Result {
	all := make([]message.Result, len(word))
	for i, c := range word {
		if all[i] = ok; c == 'f' {
			all[i] = broken
		}
	}
	return all
}

// each has a request end with an answer that tells its messages apart.
func each(now time.Time, s *Seat, all []*Message, word string) []Fate {
	fates := make([]Fate, len(all))
	s.EndEach(now, all, answers(word), false, 10, fates)
	return fates
}

func TestWhoIsKnownBadAndWhatProbesGoAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	good := together(now, s, "good", 1)[0]
	if !s.Joins(good) {
		t.Error("a new message goes alone")
	}
	g.records.add("k0")
	if known := together(now, s, "k", 1)[0]; s.Joins(known) {
		t.Error("a message known bad goes with others")
	}
	for state, want := range map[State]bool{Starting: true, Open: true, Wary: false, Closed: false, HalfOpen: true} {
		if g.state = state; s.Joins(good) != want {
			t.Errorf("%v: it may go with others: %v", state, !want)
		}
	}
}

func TestWhoGoesAlongIsTriedWithTheFirst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 2)
	first, second := all[0], all[1]
	second.probe = true // of an outage before
	s.Dissolve(now, all, throttled, 10)
	now = now.Add(time.Minute)
	again(now, s, all)
	if n := g.Status(10).Held; n != 0 {
		t.Errorf("%d are held while they are tried", n)
	}
	if second.Tries() != 2 || second.try != first.try || !second.began.Equal(now) || second.Probes() {
		t.Errorf("%+v is not tried with %+v", second, first)
	}
}

func TestARequestIsOneSampleOfHowOftenTriesSucceed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	before := g.retrying.firsts.n
	samples := func(want int) {
		t.Helper()
		if got := g.retrying.firsts.n - before; got != want {
			t.Errorf("%d samples, want %d", got, want)
		}
	}
	each(now, s, together(now, s, "a", 3), "ddd")
	samples(1)
	each(now, s, together(now, s, "b", 3), "fdd")
	samples(2)
	each(now, s, together(now, s, "c", 3), "fff")
	samples(3)
	s.Dissolve(now, together(now, s, "d", 3), broken, 10)
	samples(4)
}

func TestWhatARequestDeliversIsProof(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	old := together(now, s, "old", 3)
	bad := together(now, s, "bad", 1)[0]
	s.End(now, bad, broken, 10)
	now = now.Add(time.Second)
	before := together(now, s, "before", 1)[0]
	s.End(now, before, ok, 10)
	if each(now, s, old, "fdd"); s.Review(now, old[0]) != true {
		t.Error("a delivery that began after the request is no proof")
	}
	named := together(now, s, "named", 3)
	if each(now, s, named, "dfd"); s.Review(now, named[1]) {
		t.Error("a delivery that began with it is proof")
	}
	other := together(now, s, "other", 1)[0]
	s.End(now, other, broken, 10)
	each(now.Add(2*time.Second), s, together(now.Add(time.Second), s, "later", 2), "dd")
	if !s.Review(now, other) {
		t.Error("a request's deliveries are none")
	}
}

func TestFiveRequestsOfWhichNothingIsDeliveredAreAnOutage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	for i := range 5 {
		each(now, s, together(now, s, fmt.Sprint("b", i, "-"), 1), "f")
	}
	if g.State() != Wary {
		t.Error(g.State())
	}
}

func TestWhatDoesNotCountAsTroubleOfTheTargets(t *testing.T) {
	t.Parallel()
	now := time.Now()
	all := func(s *Seat) []*Message { return together(now, s, "m", 3) }
	retried := func(s *Seat) []*Message {
		m := all(s)
		s.Dissolve(now, m, message.Result{Canceled: true}, 10)
		again(now, s, m)
		return m
	}
	for name, test := range map[string]struct {
		begin func(s *Seat) []*Message
		end   func(s *Seat, all []*Message)
		held  int
	}{
		"it was canceled": {all, func(s *Seat, all []*Message) { s.Dissolve(now, all, message.Result{Canceled: true}, 10) }, 0},
		"it was announced": {all, func(s *Seat, all []*Message) {
			s.Dissolve(now, all, message.Result{Outcome: message.Throttled, Status: 429, Announced: true}, 10)
		}, 3},
		"it was rejected": {all, func(s *Seat, all []*Message) {
			s.Dissolve(now, all, message.Result{Outcome: message.Rejected, Status: 400}, 10)
		}, 3},
		"a retry":                       {retried, func(s *Seat, all []*Message) { s.Dissolve(now, all, broken, 10) }, 3},
		"a retry that an answer spares": {retried, func(s *Seat, all []*Message) { s.EndEach(now, all, answers("fff"), true, 10, make([]Fate, 3)) }, 3},
		"some of it was delivered":      {all, func(s *Seat, all []*Message) { s.EndEach(now, all, answers("dff"), true, 10, make([]Fate, 3)) }, 2},
		"a success has overtaken it": {all, func(s *Seat, all []*Message) {
			later := together(now, s, "later", 1)[0]
			s.End(now, later, ok, 10)
			s.Dissolve(now, all, broken, 10)
		}, 3},
		"it was released before": {func(s *Seat) []*Message {
			s.gate.released.add("m0")
			return all(s)
		}, func(s *Seat, all []*Message) { s.Dissolve(now, all, broken, 10) }, 3},
		"the same, spared": {func(s *Seat) []*Message {
			s.gate.released.add("m0")
			return all(s)
		}, func(s *Seat, all []*Message) { s.EndEach(now, all, answers("fff"), true, 10, make([]Fate, 3)) }, 3},
	} {
		g, s := opened(now)
		test.end(s, test.begin(s))
		if is := g.Status(10); is.Messages != 0 || is.Held != test.held {
			t.Errorf("%s: %d messages fail, and %d are held, want 0 and %d", name, is.Messages, is.Held, test.held)
		}
	}
}

func TestWhatIsAnnouncedExplainsTheRefusalsBefore(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	s.Dissolve(now, together(now, s, "a", 2), throttled, 10)
	s.Dissolve(now, together(now, s, "b", 2), message.Result{Outcome: message.Throttled, Status: 429, Announced: true}, 10)
	if is := g.Status(10); is.Messages != 0 || !is.TroubleSince.IsZero() {
		t.Errorf("%+v", is)
	}
}

func TestARequestNarrowsAHalfOpenGateOnce(t *testing.T) {
	t.Parallel()
	now := time.Now()
	rejected := message.Result{Outcome: message.Rejected, Status: 400}
	for name, end := range map[string]func(s *Seat, all []*Message){
		"as a whole": func(s *Seat, all []*Message) { s.Dissolve(now, all, broken, 10) },
		"each":       func(s *Seat, all []*Message) { each(now, s, all, "ff") },
	} {
		g, s := opened(now)
		g.enter(now, HalfOpen, reasonSuccess)
		g.limit = 8
		one, two := together(now, s, "one", 2), together(now, s, "two", 2)
		s.Dissolve(now, together(now, s, "rejected", 2), rejected, 10)
		if g.limit != 8 {
			t.Errorf("%d at once after a rejection", g.limit)
		}
		if end(s, one); g.limit != 4 {
			t.Errorf("%s: %d at once after one failed request", name, g.limit)
		}
		if end(s, two); g.limit != 4 {
			t.Errorf("%s: %d at once after another that began before", name, g.limit)
		}
	}
}

func TestARequestThatFailedWaitsAsToldForTenMinutesAtMost(t *testing.T) {
	t.Parallel()
	for told, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, time.Hour: 10 * time.Minute} {
		now := time.Now()
		_, s := opened(now)
		busy := message.Result{Outcome: message.Unavailable, Status: 503, RetryAfter: told}
		all, named := together(now, s, "m", 2), together(now, s, "n", 2)
		s.Dissolve(now, all, busy, 10)
		s.EndEach(now, named, []message.Result{busy, ok}, false, 10, make([]Fate, 2))
		if got := s.Next(all[1]).Sub(now); got != want {
			t.Errorf("told %v: all wait for %v", told, got)
		}
		if got := s.Next(named[0]).Sub(now); got != want {
			t.Errorf("told %v: the one named waits for %v", told, got)
		}
	}
}

func TestANamedFailureOfAKnownMessageGivesItUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	g.records.add("m1")
	if fates := each(now, s, together(now, s, "m", 2), "df"); fates[1] != GivenUp {
		t.Errorf("its fate is %v", fates[1])
	}
}

func TestOnlyThoseThatWereRefusedTwiceAreParted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	twice := together(now, s, "twice", 2)
	if s.Dissolve(now, twice, throttled, 10) {
		t.Error("some are tried alone after one refusal")
	}
	again(now, s, twice)
	once := new(Message)
	s.Enter(once, "once")
	s.BeginWith(once, twice[0])
	if !s.Dissolve(now, append(twice, once), throttled, 10) {
		t.Error("none is tried alone")
	}
	if s.Joins(twice[0]) || s.Joins(twice[1]) || !s.Joins(once) {
		t.Errorf("they may join others: %v, %v; and who was refused once: %v", s.Joins(twice[0]), s.Joins(twice[1]), s.Joins(once))
	}
	if !s.Dissolve(now, together(now, s, "m", 2), broken, 10) {
		t.Error("none is tried alone after a 500")
	}
}

func TestWhoFailedOnlyWithOthersIsNotGivenUpForBeingAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	all := together(now, s, "m", 2)
	s.Dissolve(now, all, broken, 10)
	if now = now.Add(time.Hour); s.Review(now, all[0]) {
		t.Error("it is")
	}
	later := together(now, s, "later", 1)[0]
	s.End(now, later, ok, 10)
	if s.Begin(now.Add(time.Second), all[0]); all[0].Strikes() != 0 {
		t.Error("what it did with others is a strike")
	}
}

func TestRetriesOfWhatWasThrottledTogetherSayLittleOfRetrying(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 2)
	s.Dissolve(now, all, throttled, 10)
	again(now, s, all)
	if each(now, s, all, "dd"); g.retrying.works != 0 {
		t.Errorf("retrying works: %v", g.retrying.works)
	}
	since := together(now, s, "n", 2)
	s.Dissolve(now, since, throttled, 10)
	again(now.Add(time.Minute), s, since)
	s.Dissolve(now.Add(time.Minute), since, throttled, 10)
	if r := s.Record(since[1]); !r.Since.Equal(now) {
		t.Errorf("it fails since %v, not its first failure", r.Since.Sub(now))
	}
}
