package gate_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// rig plays scripts against a gate of two queues. A script is words with spaces between
// them. Messages are letters; where several stand before a verb each has its turn.
//
//	abc:500     each is tried, and answered immediately; then it is held
//	a>  a=500   its try begins; its try ends
//	a:500x      … and it is given up
//	a:400       it is rejected, and that is believed; a:400h: it is held
//	a:503c      it is a crowd's
//	a:429a      the target is waited for as it asked
//	a:503/30s   the answer has a Retry-After
//	a=cut       its try was canceled
//	a!          it may not be tried now
//	a?  a?x     a review keeps it; a review gives it up
//	a<  a-      it enters; it leaves
//	a-room      it is released to make room
//	+1s         time passes
//	probe       time passes until the next probe
//	tick        what is due by time alone is done
//	open        the gate must now be open, wary, …
//	key=value   slots are set; others must be so (see expect)
//	works*30    30 messages fail once and are delivered by their retry
//	sour*8      8 newcomers fail and leave, and each time a retry after a 429 works
//	crowd*3     3 newcomers are refused and leave
//	other: …    what follows is the second queue's, until "first:"
type rig struct {
	*gate.Gate
	seat    *gate.Seat
	seats   [2]*gate.Seat
	woken   [2]int
	hand    map[string]*gate.Message
	now     time.Time
	slots   int
	version uint64
	fresh   rune
}

func newRig(seed uint64) *rig {
	r := &rig{
		Gate: gate.New(seed), hand: make(map[string]*gate.Message), slots: 10,
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for i := range r.seats {
		r.seats[i] = r.Join(func() {
			r.State() // deadlocks where a lock is held
			r.woken[i]++
		})
	}
	r.seat = r.seats[0]
	return r
}

// play plays a script, and fails the test at the first word that is not so.
func play(t *testing.T, script string) *rig {
	t.Helper()
	r := newRig(1)
	r.play(t, script)
	return r
}

func (r *rig) play(t *testing.T, script string) {
	t.Helper()
	var done []string
	for word := range strings.FieldsSeq(script) {
		done = append(done, word)
		if err := r.word(word); err != nil {
			t.Fatalf("%s <- %v", strings.Join(done, " "), err)
		}
	}
}

func (r *rig) word(word string) error {
	switch word {
	case "tick":
		r.seat.Tick(r.now, r.slots)
		return nil
	case "probe":
		if at := r.Status(r.slots).NextProbe; at.After(r.now) {
			r.now = at
		}
		return nil
	case "first:", "other:":
		r.seat = r.seats[map[string]int{"first:": 0, "other:": 1}[word]]
		return nil
	}
	for _, s := range gate.States() {
		if word == s.String() {
			if r.State() != s {
				return fmt.Errorf("it is %s", r.State())
			}
			return nil
		}
	}
	if after, ok := strings.CutPrefix(word, "+"); ok {
		d, err := time.ParseDuration(after)
		r.now = r.now.Add(d)
		return err
	}
	if what, n, ok := strings.Cut(word, "*"); ok {
		times, err := strconv.Atoi(n)
		for range times {
			r.fresh++ // X stands for a message that was never here
			for w := range strings.FieldsSeq(map[string]string{
				"works": "X:500 +1ms X:ok",
				"sour":  "X:500 X- Y:429 +1ms Y:ok",
				"crowd": "X:503 X-",
			}[what]) {
				if err := r.word(strings.ReplaceAll(w, "X", string('а'+r.fresh))); err != nil {
					return err
				}
			}
		}
		return err
	}
	i := strings.IndexAny(word, ":>=!?<-")
	if key := word[:i]; word[i] == '=' && slices.Contains(keys, key) {
		return r.expect(key, word[i+1:])
	}
	for _, id := range word[:i] {
		if err := r.verb(string(id), word[i:i+1], word[i+1:]); err != nil {
			return fmt.Errorf("%c: %w", id, err)
		}
	}
	return nil
}

var keys = []string{"slots", "limit", "failing", "held", "strikes", "retried", "pay", "wake", "version"}

// expect is for "key=value".
func (r *rig) expect(key, want string) error {
	if key == "slots" {
		n, err := strconv.Atoi(want)
		r.slots = n
		return err
	}
	if got := r.value(key); got != want {
		return fmt.Errorf("it is %s", got)
	}
	return nil
}

func (r *rig) value(key string) string {
	s := r.Status(r.slots)
	switch key {
	case "limit": // deliveries that may run at once
		return fmt.Sprint(r.seat.Slots(r.slots))
	case "failing":
		return fmt.Sprint(s.Messages)
	case "held":
		return fmt.Sprint(s.Held)
	case "strikes":
		return fmt.Sprint(s.Strikes)
	case "retried":
		return fmt.Sprintf("%.3f", s.Retried)
	case "pay":
		return fmt.Sprint(r.seat.RetriesPay())
	case "wake":
		at := r.seat.Wake(r.now)
		if at.IsZero() {
			return "never"
		}
		return at.Sub(r.now).String()
	case "version": // since the last time it was asked for
		v, was := r.seat.Version(), r.version
		r.version = v
		return map[bool]string{true: "grown", false: "same"}[v > was]
	}
	return ""
}

// enter has a message in hand.
func (r *rig) enter(id string) *gate.Message {
	m := r.hand[id]
	if m == nil {
		m = new(gate.Message)
		r.hand[id] = m
		r.seat.Enter(m, id)
	}
	return m
}

func (r *rig) leave(id string) {
	r.seat.Leave(r.hand[id])
	delete(r.hand, id)
}

func (r *rig) verb(id, verb, rest string) error {
	switch m := r.enter(id); verb {
	case "<":
	case ">", "!":
		if began := r.seat.Begin(r.now, m); began != (verb == ">") {
			return fmt.Errorf("began: %t", began)
		}
	case ":":
		if !r.seat.Begin(r.now, m) {
			return fmt.Errorf("it may not be tried")
		}
		return r.end(id, rest)
	case "=":
		return r.end(id, rest)
	case "?":
		given := r.seat.Review(r.now, m)
		if given {
			r.leave(id)
		}
		if given != (rest == "x") {
			return fmt.Errorf("given up: %t", given)
		}
	case "-":
		if rest == "room" {
			r.seat.Release(m)
		}
		r.leave(id)
	}
	return nil
}

func (r *rig) end(id, answer string) error {
	result, want := parse(answer)
	fate := r.seat.End(r.now, r.hand[id], result, r.slots)
	if fate != gate.Held {
		r.leave(id)
	}
	if fate != want {
		return fmt.Errorf("its fate is %d, not %d", fate, want)
	}
	return nil
}

// parse reads an answer, and what is to become of its message.
func parse(answer string) (message.Result, gate.Fate) {
	var result message.Result
	answer, after, _ := strings.Cut(answer, "/")
	result.RetryAfter, _ = time.ParseDuration(after)
	fate := gate.Held
	if bare, ok := strings.CutSuffix(answer, "x"); ok {
		answer, fate = bare, gate.GivenUp
	}
	switch answer {
	case "ok":
		result.Outcome, fate = message.Delivered, gate.Settled
	case "400":
		result.Outcome, fate = message.Rejected, gate.Settled
	case "400h":
		result.Outcome = message.Rejected
	case "500":
		result.Outcome = message.Failed
	case "503":
		result.Outcome = message.Unavailable
	case "503c":
		result.Outcome, result.Crowded = message.Unavailable, true
	case "429":
		result.Outcome = message.Throttled
	case "429a":
		result.Outcome, result.Announced = message.Throttled, true
	case "unseen":
		result.Outcome, result.Unseen = message.Connection, true
	case "net":
		result.Outcome = message.Connection
	case "cut":
		result.Outcome, result.Canceled, fate = message.Failed, true, gate.Settled
	default:
		panic("no such answer: " + answer)
	}
	return result, fate
}

// row is a rule, and the script that is red without it.
type row struct{ rule, script string }

func table(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.rule, func(t *testing.T) {
			t.Parallel()
			play(t, r.script)
		})
	}
}

// What several rows begin with.
const (
	toWary   = " o:ok abcde:500 wary "
	toClosed = toWary + " +1s tick closed "
	toHalf   = toClosed + " probe p:ok half_open "
	knownBad = " o:ok k:500 +1ms p:ok k?x " // k has a record
)
