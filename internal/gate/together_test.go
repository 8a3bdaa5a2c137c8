package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// together begins a request with n new messages at an open gate.
func together(now time.Time, s *Seat, name string, n int) []*Message {
	all := make([]*Message, n)
	for i := range all {
		all[i] = new(Message)
		s.Enter(all[i], fmt.Sprint(name, i))
		if i == 0 {
			s.Begin(now, all[0])
		} else {
			s.BeginWith(all[i], all[0])
		}
	}
	return all
}

func opened(now time.Time) (*Gate, *Seat) {
	g := New(1)
	s := g.Join(func() {})
	m := new(Message)
	s.Enter(m, "first")
	s.Begin(now, m)
	s.End(now, m, message.Result{Outcome: message.Delivered}, 10)
	s.Leave(m)
	return g, s
}

func TestARequestThatFailsAsAWholeIsOneFailureAndStrikesNobody(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 10)
	s.Dissolve(now, all, message.Result{Outcome: message.Failed, Status: 500}, 10)
	if status := g.Status(10); status.Messages != 1 || status.State != Open || status.Held != 10 || status.Strikes != 0 {
		t.Errorf("%+v", status)
	}
	later := together(now.Add(time.Second), s, "later", 1)
	s.End(now.Add(2*time.Second), later[0], message.Result{Outcome: message.Delivered}, 10)
	for _, m := range all {
		if s.Review(now.Add(time.Hour), m) || s.Record(m).Strikes != 0 {
			t.Fatalf("%+v is struck for its neighbor", m)
		}
		if s.Joins(m) {
			t.Errorf("%s may be tried with others", m.id)
		}
	}
	s.Begin(now.Add(time.Hour), all[0])
	if all[0].Tries() != 1 {
		t.Errorf("its first try alone is number %d", all[0].Tries())
	}
}

func TestFiveThatComeAgainAreNoOutage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, lost := range []bool{true, false} {
		g, s := opened(now)
		all := together(now, s, "m", 5)
		s.Dissolve(now, all, message.Result{Outcome: message.Failed, Status: 500}, 10)
		for i, m := range all {
			s.Leave(m) // its visibility ended meanwhile
			if s.Enter(m, fmt.Sprint(choose(lost, "m", "new"), i)); s.Again(m) != lost {
				t.Errorf("lost before %v, but it is said to come again: %v", lost, s.Again(m))
			}
			s.Begin(now, m)
			s.End(now, m, message.Result{Outcome: message.Failed, Status: 500}, 10)
		}
		if (g.state == Open) != lost {
			t.Errorf("lost before %v: the gate is %s", lost, g.state)
		}
	}
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func TestWhoFailedWithOthersIsTriedAloneThoughItLeavesAndComesAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	for _, m := range together(now, s, "good", 2) {
		s.Leave(m)
	}
	all := together(now, s, "m", 2)
	s.Dissolve(now, all, message.Result{Outcome: message.Failed, Status: 500}, 10)
	for _, m := range all {
		s.Leave(m) // its visibility ended meanwhile
	}
	back := new(Message)
	for range 2 { // it may be lost again before it is tried
		s.Enter(back, "m0")
		if s.Joins(back) {
			t.Error("it may be tried with others")
		}
		s.Leave(back)
	}
	s.Enter(back, "m0")
	s.Begin(now, back)
	s.End(now, back, message.Result{Outcome: message.Delivered}, 10)
	s.Leave(back)
	alone := together(now, s, "alone", 1)[0]
	s.End(now, alone, message.Result{Outcome: message.Failed}, 10)
	s.Leave(alone)
	if s.Enter(back, "alone0"); s.Joins(back) {
		t.Error("who failed alone may be tried with others")
	}
	s.Leave(back)
	for _, id := range []string{"m0", "good0"} { // the first could not be deleted
		if s.Enter(back, id); !s.Joins(back) {
			t.Errorf("%s goes alone", id)
		}
		s.Leave(back)
	}
}

func TestARequestThatHasEndedRunsNoLonger(t *testing.T) {
	t.Parallel()
	now := time.Now()
	failed := message.Result{Outcome: message.Failed, Status: 500}
	for name, end := range map[string]func(s *Seat, all []*Message){
		"it failed as a whole": func(s *Seat, all []*Message) { s.Dissolve(now, all, failed, 10) },
		"it was canceled":      func(s *Seat, all []*Message) { s.Dissolve(now, all, message.Result{Canceled: true}, 10) },
		"its messages are named": func(s *Seat, all []*Message) {
			s.EndEach(now, all, []message.Result{failed, failed}, false, 10, make([]Fate, 2))
		},
	} {
		g, s := opened(now)
		if end(s, together(now, s, "m", 2)); len(g.running) != 0 {
			t.Errorf("%s, and it counts as running", name)
		}
	}
}

func TestOfSeveralThatAnOrderedAnswerNamesNoneIsAtFault(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ok, failed := message.Result{Outcome: message.Delivered}, message.Result{Outcome: message.Failed, Status: 200}
	for name, test := range map[string]struct {
		results []message.Result
		ordered bool
		strikes int
	}{
		"several, in order": {[]message.Result{ok, failed, failed}, true, 0},
		"all, in order":     {[]message.Result{failed, failed, failed}, true, 0},
		"one, in order":     {[]message.Result{ok, ok, failed}, true, 1},
		"several":           {[]message.Result{ok, failed, failed}, false, 1},
	} {
		g, s := opened(now)
		all, fates := together(now, s, "m", 3), make([]Fate, 3)
		s.EndEach(now, all, test.results, test.ordered, 10, fates)
		last := all[2]
		if fates[2] != Held || s.Joins(last) {
			t.Errorf("%s: the last one's fate is %v, and it joins others: %v", name, fates[2], s.Joins(last))
		}
		if n := g.Status(10).Messages; test.results[0].Outcome != message.Delivered && n != 1 {
			t.Errorf("%s: %d messages fail", name, n)
		}
		later := together(now.Add(time.Second), s, "later", 1)
		s.End(now.Add(2*time.Second), later[0], ok, 10)
		if got := s.Review(now.Add(time.Hour), last); got != (test.strikes > 0) || last.Strikes() != test.strikes {
			t.Errorf("%s: given up: %v, with %d strikes", name, got, last.Strikes())
		}
	}
}

func TestFiveRequestsThatFailAsAWholeAreAnOutage(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	for i := range 5 {
		all := together(now, s, fmt.Sprint("b", i, "-"), 10)
		s.Dissolve(now, all, message.Result{Outcome: message.Unavailable, Status: 503}, 10)
	}
	if g.State() != Wary {
		t.Error(g.State())
	}
	if m := together(now.Add(time.Minute), s, "new", 1)[0]; s.Joins(m) {
		t.Error("a target in trouble is tried with several")
	}
}

func TestWhatNoMessageCausesKeepsThemTogether(t *testing.T) {
	t.Parallel()
	for _, r := range []message.Result{
		{Outcome: message.Throttled, Status: 429}, {Outcome: message.Connection}, {Outcome: message.Unavailable, Status: 503, RetryAfter: time.Second},
	} {
		now := time.Now()
		_, s := opened(now)
		all := together(now, s, "m", 3)
		s.Dissolve(now, all, r, 10)
		for _, m := range all {
			if !s.Joins(m) || !s.Next(m).Equal(s.Next(all[0])) {
				t.Errorf("%v: %s is tried at %s, the first at %s", r.Outcome, m.id, s.Next(m), s.Next(all[0]))
			}
		}
	}
}

func TestARequestWidensAHalfOpenGateByOne(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	g.enter(now, HalfOpen, reasonSuccess)
	g.limit = 1
	all := together(now, s, "m", 5)
	results, fates := make([]message.Result, 5), make([]Fate, 5)
	for i := range results {
		results[i].Outcome = message.Delivered
	}
	s.EndEach(now, all, results, false, 10, fates)
	if g.limit != 2 {
		t.Errorf("%d at once after one request", g.limit)
	}
}

func TestANamedFailureIsAFailedTryOfItsMessageAlone(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 3)
	fates := make([]Fate, 3)
	ok := message.Result{Outcome: message.Delivered, Status: 200}
	s.EndEach(now, all, []message.Result{ok, {Outcome: message.Failed, Status: 200}, ok}, false, 10, fates)
	if fates[0] != Settled || fates[1] != Held || fates[2] != Settled || g.Status(10).Messages != 0 {
		t.Errorf("%v, %+v", fates, g.Status(10))
	}
	later := together(now.Add(time.Second), s, "later", 1)
	s.End(now.Add(2*time.Second), later[0], ok, 10)
	if !s.Review(now.Add(3*time.Second), all[1]) {
		t.Error("it is not given up by proof")
	}
}

func TestWhatWasRefusedTogetherWhileTheTargetWasWaitedForIsDueWhenItTakesOneAgain(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	g.retrying.pays.value = 0 // so that a 429 is waited for longest
	all := together(now, s, "m", 2)
	s.Dissolve(now, all, message.Result{Outcome: message.Throttled, Status: 429, Announced: true}, 10)
	if at := s.Next(all[1]); !at.After(now) {
		t.Error("it is due at once")
	}
	var next Message
	s.Enter(&next, "next")
	s.Begin(now, &next)
	s.End(now, &next, message.Result{Outcome: message.Delivered}, 10)
	for _, m := range all {
		if at := s.Next(m); !at.Equal(now) {
			t.Errorf("it is due in %v", at.Sub(now))
		}
	}
}

func TestRequestsOfSeveralWithoutAConnectionAreTroubleThoughTheyAreRetried(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	var all [][]*Message
	for i := range 4 {
		all = append(all, together(now, s, string(rune('a'+i)), 2))
	}
	refused := message.Result{Outcome: message.Connection}
	for _, request := range all {
		s.Dissolve(now, request, refused, 10)
	}
	m := new(Message)
	s.Enter(m, "good")
	s.Begin(now, m)
	s.End(now, m, message.Result{Outcome: message.Delivered}, 10)
	for _, request := range all {
		s.Begin(now, request[0])
		s.BeginWith(request[1], request[0])
		s.Dissolve(now, request, refused, 10)
	}
	if status := g.Status(10); status.Messages != 4 {
		t.Errorf("%+v", status)
	}
}

func TestARequestThatAStandstillLeftOpenIsNoTrouble(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	for i := range 6 {
		all := together(now, s, fmt.Sprint("m", i), 10)
		s.Dissolve(now.Add(time.Minute), all, message.Result{Outcome: message.Connection, Reason: "timeout", Unseen: true}, 10)
	}
	if status := g.Status(10); status.Messages != 0 || status.State != Open || status.Held != 60 {
		t.Errorf("%+v", status)
	}
}

func TestWhatACrowdWasRefusedStaysTogether(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	all := together(now, s, "m", 3)
	s.Dissolve(now, all, message.Result{Outcome: message.Unavailable, Status: 503, Crowded: true}, 10)
	for _, m := range all {
		if !s.Joins(m) {
			t.Errorf("%s is tried alone", m.id)
		}
	}
}
