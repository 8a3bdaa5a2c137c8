package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

func TestAReceiveMayAskFor(t *testing.T) {
	t.Parallel()
	var (
		none = gate.Limit{}
		ten  = gate.Limit{Most: 10}
		one  = gate.Limit{Most: 1}
		solo = gate.Limit{Most: 1, Alone: true}
		room = gate.Limit{NoRoom: true}
	)
	// A rejection says nothing of retrying.
	manyRetries := strings.Repeat(strings.Repeat("a:429 ", 20)+"r:400 ", 25)
	ready := func(n int, but func(*gate.Hand)) gate.Hand {
		h := gate.Hand{Ready: n}
		if but != nil {
			but(&h)
		}
		return h
	}
	for _, test := range []struct {
		rule, script string
		hand, other  gate.Hand
		want         gate.Limit
	}{
		{rule: "one at a start", script: "starting", want: one},
		{rule: "one while four are in hand at a start", script: "abcd<", want: one},
		{rule: "none when five are in hand at a start", script: "abcde<", want: none},
		{rule: "none when five are asked for at a start", script: "abc<", hand: gate.Hand{Polls: 1}, other: gate.Hand{Polls: 1}, want: none},
		{rule: "one beside those that wait at empty queues", script: "abcd<", hand: gate.Hand{Polls: 1, Parked: 1}, other: gate.Hand{Polls: 3, Parked: 3}, want: one},
		{rule: "one more when the target is asked anew", script: "abcde<", hand: gate.Hand{Asks: true}, want: one},
		{rule: "but none beside one that could ask", script: "abcde<", hand: gate.Hand{Asks: true, Untried: 1}, want: none},
		{rule: "or that is received", script: "abcde<", hand: gate.Hand{Asks: true}, other: gate.Hand{Polls: 1}, want: none},
		{rule: "none at a start without room", script: "starting", hand: gate.Hand{Full: true}, want: room},

		{rule: "ten when open", script: "o:ok", want: ten},
		{rule: "ten while others are out", script: "o:ok", hand: gate.Hand{Polls: 3, Untried: 5}, other: gate.Hand{Polls: 3}, want: ten},
		{rule: "none without room", script: "o:ok", hand: gate.Hand{Full: true}, want: room},
		{rule: "ten when wary", script: toWary, want: ten},
		{rule: "as many as may run when half open", script: toHalf + "qr:ok limit=3", want: gate.Limit{Most: 3}},
		{rule: "ten at most when half open", script: "slots=40" + toHalf + strings.Repeat("q:ok ", 20) + "limit=21", want: ten},

		{rule: "ten while what is due is not much more than the slots", script: "o:ok", hand: ready(19, nil), want: ten},
		{rule: "one alone when much is due and it is quiet", script: "o:ok +1s", hand: ready(20, nil), want: solo},
		{rule: "none within a second of a success then", script: "o:ok +999ms", hand: ready(20, nil), want: none},
		{rule: "none within a second of a receive then", script: "o:ok +1s", hand: ready(20, func(h *gate.Hand) { h.LastReceive = time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC) }), want: none},
		{rule: "none while one was not tried then", script: "o:ok +1s", hand: ready(20, func(h *gate.Hand) { h.Untried = 1 }), want: none},
		{rule: "none while a receive is out then", script: "o:ok +1s", hand: ready(20, func(h *gate.Hand) { h.Polls = 1 }), want: none},
		{rule: "none without room then", script: "o:ok +1s", hand: ready(20, func(h *gate.Hand) { h.Full = true }), want: room},
		{rule: "no room is made while that has to wait", script: "o:ok", hand: ready(20, func(h *gate.Hand) { h.Full = true }), want: none},
		{rule: "ten where retries do not pay, whatever is due", script: "opqrstuvwxyz:ok a:429 a:429 a:429 pay=false", hand: ready(20, nil), want: ten},
		{rule: "no room where retries do not pay", script: "opqrstuvwxyz:ok a:429 a:429 a:429", hand: ready(20, func(h *gate.Hand) { h.Full = true }), want: room},

		{rule: "what will be due soon counts where the target is short of room", script: "o:ok ab:429 +1s", hand: gate.Hand{Soon: 20}, want: solo},
		{rule: "it does not count elsewhere", script: "o:ok +1s", hand: gate.Hand{Soon: 20}, want: ten},
		{rule: "it does not count where half of the first tries succeed", script: "op:ok ab:429 +1s", hand: gate.Hand{Soon: 20}, want: ten},
		{rule: "nor where it is the messages that are refused", script: "op:ok abcd:429 " + manyRetries + "q:ok +1s", hand: gate.Hand{Soon: 20}, want: ten},
		{rule: "a few retries do not show that it is the messages", script: "op:ok abcd:429 " + strings.Repeat("a:429 ", 20) + "q:ok +1s", hand: gate.Hand{Soon: 20}, want: solo},

		{rule: "none when closed after failures to connect", script: "o:ok abcde:net +1s tick closed", want: none},
		{rule: "one when closed after an answer", script: toClosed, want: solo},
		{rule: "one when a message that is held was answered", script: "o:ok abcd:net e:500 +1s tick closed", want: solo},
		{rule: "none when that message has left before the closing", script: "o:ok abcd:net e:500 e- +1s tick closed", want: none},
		{rule: "none when it has left and come again", script: "o:ok e:500 e- abc:net e:net d:net wary +1s tick closed", want: none},
		{rule: "one when a probe was answered", script: "o:ok abcde:net +1s tick probe f:500", want: solo},
		{rule: "none when the last probe did not connect", script: toClosed + "probe f:net", want: none},
		{rule: "one when nothing is in hand", script: "o:ok abcde:net +1s tick closed abcde-", want: solo},
		{rule: "none while one was not tried", script: toClosed, hand: gate.Hand{Untried: 1}, want: none},
		{rule: "none while another queue has one that was not tried", script: toClosed, other: gate.Hand{Untried: 1}, want: none},
		{rule: "none while a receive is out", script: toClosed, hand: gate.Hand{Polls: 1}, want: none},
		{rule: "none while one of another queue is out", script: toClosed, other: gate.Hand{Polls: 1}, want: none},
		{rule: "none when closed without room", script: toClosed, hand: gate.Hand{Full: true}, want: room},
		{rule: "one of what is due when closed", script: toClosed, hand: ready(100, nil), want: solo},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			r := play(t, test.script)
			r.seats[1].Report(test.other)
			r.seats[0].Report(gate.Hand{Untried: 9, Polls: 9, Full: true}) // the last one counts
			r.seats[0].Report(test.hand)
			got := r.seat.Receive(r.now, r.slots)
			got.Slots, got.Startable = 0, 0
			if got != test.want {
				t.Errorf("%s: %+v, want %+v", test.script, got, test.want)
			}
			again := r.seat.Receive(r.now, r.slots)
			again.Slots, again.Startable = 0, 0
			if again != got {
				t.Errorf("asked again: %+v", again)
			}
		})
	}
}

func TestAReceiveIsPlannedWithTheSlotsOfTheState(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script           string
		slots, startable int
	}{
		{"starting", 5, 5},
		{"slots=3 starting", 3, 3},
		{"o:ok", 10, 10},
		{toWary, 10, 0},
		{toClosed, 10, 0},
		{toHalf + "q:ok", 2, 2},
		{toHalf + "qrs:ok slots=2", 2, 2},
	} {
		r := play(t, test.script)
		got := r.seat.Receive(r.now, r.slots)
		if got.Slots != test.slots || got.Startable != test.startable || r.Status(r.slots).Limit != test.slots || r.seat.Slots(r.slots) != test.slots {
			t.Errorf("%s: %+v, status %d, slots %d", test.script, got, r.Status(r.slots).Limit, r.seat.Slots(r.slots))
		}
	}
}

func TestWhereTheTargetIsShortOfRoomNoMoreIsReceivedForThanMayBeHeld(t *testing.T) {
	t.Parallel()
	r := play(t, "o:ok ab:429")
	for soon, want := range map[int]int{0: 10, 10: 10, 13: 7, 19: 1, 30: 1} {
		r.seat.Report(gate.Hand{Soon: soon})
		if got := r.seat.Receive(r.now, r.slots); got.Slots != want || got.Startable != want {
			t.Errorf("%d will be due soon: %+v, want %d", soon, got, want)
		}
	}
}

func TestQueuesTakeTurnsToBringSomebodyNew(t *testing.T) {
	t.Parallel()
	r := play(t, toClosed)
	most := func() (most [2]int) {
		for i, s := range r.seats {
			most[i] = s.Receive(r.now, r.slots).Most
		}
		return most
	}
	for _, s := range r.seats {
		s.Report(gate.Hand{Receives: true})
	}
	if got := most(); got != [2]int{1, 1} {
		t.Errorf("the first: %v", got)
	}
	r.seats[0].Received()
	if got := most(); got != [2]int{0, 1} {
		t.Errorf("after one of the first queue: %v", got)
	}
	r.seats[1].Received()
	if got := most(); got != [2]int{1, 0} {
		t.Errorf("after one of the second queue: %v", got)
	}
	r.seats[0].Report(gate.Hand{})
	if got := most(); got != [2]int{1, 1} {
		t.Errorf("while the first queue cannot be asked: %v", got)
	}
	if got := r.Status(10).ProbeReceives; got != 2 {
		t.Errorf("%d receives counted", got)
	}
	r.play(t, "probe p:ok half_open")
	r.seats[0].Received()
	if got := r.Status(10).ProbeReceives; got != 2 {
		t.Errorf("%d receives counted, one of them while the gate was not closed", got)
	}
}

func TestAProbeIsLeftToAQueueWithAMessageThatWasNeverTried(t *testing.T) {
	t.Parallel()
	r := play(t, toClosed+"probe")
	repeats := func() [2]bool { return [2]bool{r.seats[0].Repeats(r.now), r.seats[1].Repeats(r.now)} }
	if got := repeats(); got != [2]bool{true, true} {
		t.Errorf("nobody has one: %v", got)
	}
	r.seats[1].Report(gate.Hand{Untried: 1})
	if got := repeats(); got != [2]bool{false, true} {
		t.Errorf("the second has one: %v", got)
	}
	if at := r.seats[0].Wake(r.now); !at.Equal(r.now.Add(time.Second)) {
		t.Errorf("the first looks again in %v", at.Sub(r.now))
	}
	r.play(t, "+999ms")
	if got := repeats(); got != [2]bool{false, true} {
		t.Errorf("within a second: %v", got)
	}
	r.play(t, "+1ms")
	if got := repeats(); got != [2]bool{true, true} {
		t.Errorf("after a second: %v", got)
	}
	r.seats[1].Report(gate.Hand{})
	if at := r.seats[0].Wake(r.now); !at.IsZero() {
		t.Errorf("nobody has one, and it looks again in %v", at.Sub(r.now))
	}
}

func TestAThousandMessagesAreHeldAtMost(t *testing.T) {
	t.Parallel()
	full := func(n int, script string) bool {
		r := play(t, "slots=2000 o:ok")
		all := make([]gate.Message, n)
		for i := range all {
			r.seat.Enter(&all[i], string(rune(0x4e00+i)))
			if !r.seat.Begin(r.now, &all[i]) {
				t.Fatal("it may not be tried")
			}
		}
		r.play(t, "p:ok")
		for i := range all {
			r.seat.End(r.now, &all[i], message.Result{Outcome: message.Failed}, r.slots)
		}
		r.play(t, "open "+script)
		return r.seat.Receive(r.now, r.slots).NoRoom
	}
	for _, test := range []struct {
		n      int
		script string
		want   bool
	}{
		{999, "abc<", false}, // in hand are not held
		{1000, "", true},
		{994, "abcde:500 wary +1s tick closed", false},
		{994, "abcde:500 wary +1s tick closed f<", true}, // where all of them count
	} {
		if got := full(test.n, test.script); got != test.want {
			t.Errorf("%d held, %s: no room: %t", test.n, test.script, got)
		}
	}
}

func TestOtherQueuesAreWokenWhenThereIsSomethingForThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rule, script, then string
		want               int // how often the second queue is woken by then; the first never is
	}{
		{"a change of the state", "starting", "o:ok open", 1},
		{"a change by time alone", toWary, "+1s tick closed", 1},
		{"no change", "o:ok", "p:ok tick", 0},
		{"a failing try", "o:ok", "a:500", 0},
		{"a success that ends trouble while something is held", "other: o:ok a:500 first:", "p:ok", 1},
		{"a success that ends trouble while nothing is held", "o:ok a:500 a-", "p:ok", 0},
		{"a success when there is no trouble", "o:ok p> a:500 p=ok held=1 failing=0", "q:ok", 0},
		{"a success that began before a gate was closed", "o:ok p> abcde:500 +1s tick closed", "p=ok", 0},
	} {
		t.Run(test.rule, func(t *testing.T) {
			t.Parallel()
			r := play(t, test.script)
			r.woken = [2]int{}
			r.play(t, test.then)
			if r.woken != [2]int{0, test.want} {
				t.Errorf("%s, then %s: woken %v", test.script, test.then, r.woken)
			}
		})
	}
	for script, want := range map[string]int{"starting": 1, toClosed: 0, "o:ok": 0} {
		r := play(t, script)
		r.seats[1].Report(gate.Hand{Receives: true})
		r.seat.Report(gate.Hand{Polls: 1})
		r.woken = [2]int{}
		r.seat.Report(gate.Hand{Polls: 1, Parked: 1})
		r.seat.Report(gate.Hand{Polls: 1, Parked: 1})
		if r.woken != [2]int{0, want} {
			t.Errorf("%s: a receive waits at an empty queue: woken %v", script, r.woken)
		}
		r.seats[1].Report(gate.Hand{Receives: true, Polls: 1})
		r.woken = [2]int{}
		r.seat.Report(gate.Hand{Polls: 1})
		r.seat.Report(gate.Hand{Polls: 1, Parked: 1})
		if r.woken != [2]int{} {
			t.Errorf("%s: the other has a receive out: woken %v", script, r.woken)
		}
	}
	for script, want := range map[string]int{toClosed: 1, "o:ok": 0} {
		r := play(t, script)
		r.seat.Report(gate.Hand{Polls: 1})
		r.woken = [2]int{}
		r.seat.Report(gate.Hand{Polls: 1})
		if r.woken != [2]int{} {
			t.Errorf("%s: a receive is out: woken %v", script, r.woken)
		}
		r.seat.Report(gate.Hand{})
		r.seat.Report(gate.Hand{})
		if r.woken != [2]int{0, want} {
			t.Errorf("%s: it has returned: woken %v", script, r.woken)
		}
	}
}

func TestWhoNeverEnteredOrHasLeftMayLeave(t *testing.T) {
	t.Parallel()
	r := play(t, "abcde<")
	var never gate.Message
	r.seat.Leave(&never)
	left := r.hand["e"]
	r.seat.Leave(left)
	r.seat.Leave(left)
	delete(r.hand, "e")
	r.play(t, "e<")
	if got := r.seat.Receive(r.now, r.slots); got.Most != 0 {
		t.Errorf("with five in hand a gate that starts asks for %d", got.Most)
	}
}
