package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

var throttled = message.Result{Outcome: message.Throttled, Status: 429}

// again begins another request with all.
func again(now time.Time, s *Seat, all []*Message) {
	s.Begin(now, all[0])
	for _, m := range all[1:] {
		s.BeginWith(m, all[0])
	}
}

// refusals returns how many times in a row all are refused together until they are tried
// alone, or most.
func refusals(now time.Time, s *Seat, all []*Message, most int, r message.Result) int {
	for i := range most {
		if i > 0 {
			again(now, s, all)
		}
		s.Dissolve(now, all, r, 10)
		if all[0].apart {
			return i + 1
		}
	}
	return most
}

func TestMessagesRefusedTogetherAreTriedAloneIfThatHelps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	busy := message.Result{Outcome: message.Unavailable, Status: 503, RetryAfter: time.Millisecond}
	for _, test := range []struct {
		name            string
		together, alone float64 // of what was refused, the share that the target takes
		r               message.Result
		want            int
	}{
		{"for one's sake", 0, 0.9, throttled, 1},
		{"for one's sake", 0, 0.9, busy, 1},
		{"for one's sake", 0, 0.9, message.Result{Outcome: message.Unavailable, Status: 503, Crowded: true}, 1},
		{"most are refused alone", 0, 0.26, throttled, 1},
		{"nearly all are refused alone", 0, 0.25, throttled, 9},
		{"busy", 0.9, 0.9, throttled, 9},
		{"busy", 0.5, 0.5, throttled, 9},
		{"not quite as busy for one", 0.2, 0.64, throttled, 9},
		{"not reached", 0, 0.9, message.Result{Outcome: message.Connection}, 9},
		{"waited for", 0, 0.9, message.Result{Outcome: message.Throttled, Status: 429, Announced: true}, 9},
	} {
		g, s := opened(now)
		all := together(now, s, "m", 3)
		g.parting.together = average{value: test.together, n: 1_000_000}
		g.parting.alone = average{value: test.alone, n: 1_000_000}
		g.parting.next = now.Add(partsEvery)
		if got := refusals(now, s, all, 9, test.r); got != test.want {
			t.Errorf("%s, %v: alone after %d refusals, want %d", test.name, test.r, got, test.want)
		}
		if apart := !s.Next(all[1]).Equal(s.Next(all[0])); apart != (test.want < 9) {
			t.Errorf("%s, %v: they are due at different times: %v", test.name, test.r, apart)
		}
	}
}

func TestMessagesThatArePartedKeepToTheLastRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	all := together(now, s, "m", 3)
	for _, told := range []time.Duration{time.Minute, 20 * time.Second} {
		s.Dissolve(now, all, message.Result{Outcome: message.Throttled, Status: 429, RetryAfter: told}, 10)
		for _, m := range all {
			if due := s.Next(m); !due.Equal(now.Add(told)) {
				t.Errorf("told to wait for %s, alone %v: due after %s", told, m.apart, due.Sub(now))
			}
		}
		now = now.Add(told)
		again(now, s, all)
	}
	if !all[1].apart {
		t.Error("they are not parted")
	}
}

func TestOneRequestEveryTenSecondsIsPartedInAnyCase(t *testing.T) {
	t.Parallel()
	now := time.Now()
	_, s := opened(now)
	for _, test := range []struct {
		after time.Duration
		want  int
	}{{0, 2}, {0, 4}, {partsEvery - 1, 4}, {partsEvery, 2}, {partsEvery, 4}} {
		now := now.Add(test.after)
		all := together(now, s, fmt.Sprint(test), 3)
		if got := refusals(now, s, all, 4, throttled); got != test.want {
			t.Errorf("after %v: alone after %d refusals, want %d", test.after, got, test.want)
		}
	}
}

func TestWhetherPartingHelpsIsLearnedFromRetries(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	ok := message.Result{Outcome: message.Delivered}
	learned := func(what string, together, alone int) {
		t.Helper()
		if p := &g.parting; p.together.n != together || p.alone.n != alone {
			t.Errorf("%s: from %d together and %d alone, want %d and %d", what, p.together.n, p.alone.n, together, alone)
		}
	}
	all := together(now, s, "m", 2)
	s.Dissolve(now, all, throttled, 10)
	learned("first try together", 0, 0)
	again(now, s, all)
	s.Dissolve(now, all, throttled, 10)
	learned("second try together", 1, 0)
	s.Begin(now, all[0])
	s.End(now, all[0], message.Result{Outcome: message.Connection}, 10)
	learned("not reached alone", 1, 0)
	if s.Begin(now, all[0]); all[0].Tries() != 2 {
		t.Errorf("its second try alone is number %d", all[0].Tries())
	}
	s.End(now, all[0], throttled, 10)
	learned("first try alone", 1, 1)
	s.Begin(now, all[0])
	s.End(now, all[0], throttled, 10)
	learned("second try alone", 1, 1)
	s.Begin(now, all[1])
	s.End(now, all[1], ok, 10)
	if learned("the other alone", 1, 2); g.parting.alone.value != 0.5 {
		t.Errorf("%.2f of them succeed alone", g.parting.alone.value)
	}
	others := together(now, s, "other", 2)
	s.Dissolve(now, others, throttled, 10)
	again(now, s, others)
	s.EndEach(now, others, []message.Result{ok, ok}, false, 10, make([]Fate, 2))
	if learned("taken together", 2, 2); g.parting.together.value != 0.5 {
		t.Errorf("%.2f of them succeed together", g.parting.together.value)
	}
}

func TestAProbeSaysNothingOfWhetherPartingHelps(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 2)
	refusals(now, s, all, 2, throttled)
	g.close(now)
	now = now.Add(time.Minute)
	if s.Begin(now, all[0]); !all[0].Probes() {
		t.Fatal("no probe")
	}
	if s.End(now, all[0], throttled, 10); g.parting.alone.n != 0 {
		t.Error("it does")
	}
}

func TestWhoWasRefusedAloneGoesWithItsLikeOnly(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		r     message.Result
		alone bool // it counts as refused alone
	}{
		{throttled, true},
		{message.Result{Outcome: message.Connection}, false},
		{message.Result{Outcome: message.Throttled, Status: 429, Announced: true}, false},
	} {
		_, s := opened(now)
		together := together(now, s, "together", 2)
		s.Dissolve(now, together, throttled, 10)
		var alone [2]Message
		for i := range alone {
			s.Enter(&alone[i], fmt.Sprint("alone", i))
			s.Begin(now, &alone[i])
			s.End(now, &alone[i], tt.r, 10)
		}
		if s.Together(&alone[0], together[0]) == tt.alone || s.Together(together[0], &alone[0]) == tt.alone {
			t.Errorf("%v: refused alone %v, but it does not go by that", tt.r, tt.alone)
		}
		if !s.Together(&alone[0], &alone[1]) || !s.Together(together[0], together[1]) {
			t.Errorf("%v: two of a kind do not go together", tt.r)
		}
		together[1].apart = true
		if s.Together(together[0], together[1]) || s.Together(together[1], together[0]) {
			t.Errorf("%v: one that has to be tried alone goes with another", tt.r)
		}
	}
}

func TestPartingWhatWasRefusedAloneStartsNothingAnew(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 2)
	s.End(now, all[0], throttled, 10)
	s.End(now, all[1], throttled, 10)
	again(now, s, all)
	s.Dissolve(now, all, throttled, 10)
	again(now, s, all)
	s.Dissolve(now, all, throttled, 10)
	if m := all[0]; !m.apart || m.Tries() != 3 || s.Deserves(m) {
		t.Errorf("alone %v, after %d tries, goes first: %v", m.apart, m.Tries(), s.Deserves(m))
	}
	s.Begin(now, all[0])
	if s.End(now, all[0], throttled, 10); g.parting.alone.n != 0 {
		t.Error("its next try says whether parting helps")
	}
}

func TestWhoDeservesItsTryBeforeTheOtherHeldMessages(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, tt := range []struct {
		who  string
		do   func(g *Gate, s *Seat) *Message
		want bool
	}{
		{"failed with others", func(_ *Gate, s *Seat) *Message {
			all := together(now, s, "m", 2)
			s.Dissolve(now, all, broken, 10)
			return all[1]
		}, true},
		{"refused with others and parted", func(_ *Gate, s *Seat) *Message {
			all := together(now, s, "m", 2)
			refusals(now, s, all, 2, throttled)
			return all[1]
		}, true},
		{"refused with others and not parted", func(_ *Gate, s *Seat) *Message {
			all := together(now, s, "m", 2)
			s.Dissolve(now, all, throttled, 10)
			return all[1]
		}, false},
		{"failed alone since", func(_ *Gate, s *Seat) *Message {
			all := together(now, s, "m", 2)
			s.Dissolve(now, all, broken, 10)
			s.Begin(now, all[1])
			s.End(now, all[1], broken, 10)
			return all[1]
		}, false},
		{"known bad", func(g *Gate, s *Seat) *Message {
			g.records.add("m1")
			all := together(now, s, "m", 2)
			s.Dissolve(now, all, broken, 10)
			return all[1]
		}, false},
	} {
		g, s := opened(now)
		if got := s.Deserves(tt.do(g, s)); got != tt.want {
			t.Errorf("%s: %v", tt.who, got)
		}
	}
}

func TestRefusalsOfBeforeAnOutageDoNotCount(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g, s := opened(now)
	all := together(now, s, "m", 3)
	s.Dissolve(now, all, throttled, 10)
	g.close(now)
	probe := together(now.Add(time.Minute), s, "probe", 1)[0]
	s.End(now.Add(time.Minute), probe, message.Result{Outcome: message.Delivered}, 10)
	if again(now, s, all); g.state != HalfOpen {
		t.Fatal(g.state)
	}
	if s.Dissolve(now, all, throttled, 10); all[0].apart {
		t.Error("parted after one refusal")
	}
}
