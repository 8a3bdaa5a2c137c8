package gate_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

func TestAStrikeIsProvenByADeliveryThatBeganLater(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"a delivery that began later proves it", "o:ok a:500 a? +1ms p:ok a?x"},
		{"one that began before proves nothing", "o:ok p> +1ms a:500 p=ok a?"},
		{"one that began at the same time proves nothing", "o:ok a:500 p:ok a?"},
		{"who ended last does not matter", "o:ok p> +1ms a> +1ms q> a=500 q=ok p=ok a?x"},
		{"a rejection proves nothing", "o:ok a:500 +1ms r:400 a?"},
		{"a message that was not tried has no strike", "a:500 +1ms o:ok b> strikes=0"},
		{"a closing ends what may be proven", toClosed + "probe p:ok half_open abcde? strikes=0"},
		{"a try while the gate is closed proves nothing", toClosed + "probe a:500 probe p:ok half_open +1ms q:ok a? strikes=0"},
		{"a try has one strike", "o:ok a:503 +1ms p:ok a? +1ms q:ok a? +1ms p:ok a? a? strikes=1"},
		{"what was proven counts though the next try begins", "o:ok a:503 +1ms p:ok a> strikes=1"},
		{"500 needs one strike", "o:ok a:500 +1ms p:ok a?x strikes=1"},
		{"503 needs three", "o:ok a:503 +1ms p:ok a? a:503 strikes=2 +1ms p:ok a? a:503x strikes=3"},
		{"a rejection that is doubted needs one", "abcde:400 f:400h +1ms p:ok f?x"},
		{"429 has none", "opqrstuvwxyz:ok a:429 +1ms p:ok a? +2h a? strikes=0"},
		{"a failure to connect has none", "o:ok a:net +1ms p:ok a? +2h a? strikes=0"},
		{"503 with a Retry-After has none", "o:ok a:503/1s +1ms p:ok a? +2h a? strikes=0"},
		{"what the last answer needs is what counts", "o:ok a:503 +1ms p:ok a? strikes=1 a:500x"},
		{"a review of who is not held says nothing", "o:ok a:503 +1ms p:ok a> a?"},
	})
}

func TestWhoIsKnownIsStruckWithoutProofWhileTheTargetIsTrusted(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"who was given up by a review has a record", knownBad + "k:500x"},
		{"who was given up at its try has a record", "o:ok a:503 +1ms p:ok a? a:503 a:503x a:503 a:503 a:503x"},
		{"who has a strike needs no other proof", "o:ok a:503 +1ms p:ok a? strikes=1 a:503 strikes=2"},
		{"who has none needs proof", "o:ok a:503 a:503 a:503 a:503 strikes=0"},
		{"not while three others are in trouble", knownBad + "abc:500 abc- k:500"},
		{"but while two are", knownBad + "ab:500 ab- k:500x"},
		{"not while three others are held of whom nothing is known", knownBad + "q> +1ms abc:500 q=ok failing=0 k:500"},
		{"but while two are held", knownBad + "q> +1ms ab:500 q=ok failing=0 k:500x"},
		{"those with a strike are not among them", knownBad + "abc:503 +1ms p:ok abc? strikes=4 held=3 k:500x"},
		{"those with a record are not among them", "jlm:500 +1ms o:ok jlm?x +1ms pqrstuv:ok" + knownBad + "wxy:500 +1ms p:ok wxy?x wxyk:429 k:500x"},
		{"not while fewer than a quarter of the newcomers are delivered", knownBad + "sour*8 k:500 strikes=1"},
		{"but while more are", knownBad + "sour*4 k:500x"},
		{"after five minutes the newcomers do not matter", knownBad + "sour*8 k:500 +299s k:500 +1s k:500x"},
		{"which do not count while it was not reached", knownBad + "sour*8 k:net +300s k:500 strikes=1 +300s k:500x"},
		{"a record is no strike for what nobody is to blame for", knownBad + "k:429 k:net k:503/1s strikes=1"},
		{"a delivery ends the record", knownBad + "k:ok k:500 strikes=1"},
		{"while the gate is closed nobody is struck", knownBad + "abcde:500 +1s tick closed probe k:500 strikes=1"},
	})
}

func TestAMessageAloneIsGivenUpAfterFiveMinutes(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"it is given up after five minutes", "o:ok a:500 +299999ms a? +1ms a?x"},
		{"which count from its first failure", "o:ok a:500 +3m a:500 +2m a?x"},
		{"one that began to fail later is not", "o:ok a:500 +4m b:500 +1m b? a?x +4m b?x"},
		{"not after 503", "o:ok a:503 +2h a?"},
		{"nor for what came before it, which is no message's fault", "o:ok a:net +5m a:429 +5m a:500 a? +299999ms a? +1ms a?x"},
		{"nor for 503s before it", "o:ok a:503 +1h a:500 a? +5m a?x"},
		{"nor while its last answer was one", "o:ok a:500 +5m a:503 a?"},
		{"what comes between does not matter", "o:ok a:500 +4m a:net a? +1m a:500 a?x"},
		{"not while three are held", "o:ok p> +1ms bc:500 p=ok a:500 held=3 failing=1 +5m a?"},
		{"but while two are", "o:ok p> +1ms b:500 p=ok a:500 held=2 failing=1 +5m a?x"},
		{"not while three are in trouble", "o:ok abc:500 bc- held=1 +5m a?"},
		{"but while two are in it", "o:ok ab:500 b- held=1 +5m a?x"},
		{"not when something succeeded and nothing has failed since", "o:ok p> +1ms a:500 p=ok +5m a?"},
		{"not within five minutes of the last success", "o:ok p> +1ms a:500 +4m p=ok b:500 +1m a? +4m a?x"},
		{"not while the gate is closed", toClosed + "bcde- +1h a?"},
	})
}

func TestRejectionsAreBelievedUntilEverythingIsRejected(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"five in a row are believed, the sixth is not", "abcde:400 f:400h"},
		{"they have to be different messages", "aaaa:400 aaaa:400"},
		{"a delivery begins anew", "abcde:400 o:ok abcde:400 f:400h"},
		{"a failure does not", "abcd:400 x:500 e:400 f:400h"},
		{"what is rejected while everything is is given up after an hour", "abcde:400 f:400h +3599s f? +1s f?x"},
		{"not while it is tried", "abcde:400 f:400h +1h f> f?"},
		{"as of its first failure", "abcde:400 f:400h +30m f:400h +30m f?x"},
		{"by an answer", "abcde:400 f:net +1h f:400h f? +1h f?x"},
	})
	r := play(t, "abcd:400")
	if s := r.Status(10); s.Rejected != 0 || !s.RejectsSince.IsZero() {
		t.Errorf("four rejections: %+v", s)
	}
	since := r.now
	r = play(t, "a:400 +1s bcde:400 +1s f:400h")
	if s := r.Status(10); s.Rejected != 5 || !s.RejectsSince.Equal(since) {
		t.Errorf("five rejections: %+v", s)
	}
	r.play(t, "ghi:503")
	if s := r.Status(10); s.Rejected != 0 || !s.RejectsSince.IsZero() {
		t.Errorf("most of its answers are others: %+v", s)
	}
	r.play(t, "o:ok")
	if s := r.Status(10); s.Rejected != 0 || !s.RejectsSince.IsZero() {
		t.Errorf("after a delivery: %+v", s)
	}
}

// strikesUntil is how many proven failures give up a message after a script.
func strikesUntil(t *testing.T, script, answer string) int {
	t.Helper()
	r := play(t, script)
	before := r.Status(10).Strikes
	for range 1000 {
		m := r.enter("a")
		result, _ := parse(answer)
		if !r.seat.Begin(r.now, m) {
			t.Fatal("it may not be tried")
		}
		given := r.seat.End(r.now, m, result, r.slots) == gate.GivenUp
		r.play(t, "+1ms p:ok")
		if given || r.seat.Review(r.now, m) {
			return int(r.Status(10).Strikes - before)
		}
	}
	return -1
}

func TestMoreStrikesAreNeededWhereRetryingWorks(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		script, answer string
		want           int
	}{
		{"o:ok", "500", 1},
		{"o:ok", "503", 3},
		{"o:ok works*1", "500", 100}, // one of the last fifty
		{"o:ok works*30", "500", 18}, // 45 %, brought down by its own failures
		{"o:ok works*30", "503", 18},
		{"o:ok works*150", "503", 3},  // 95 %
		{"o:ok works*250", "500", 2},  // 99.4 %
		{"o:ok works*250", "503", 3},  // never fewer than without
		{"o:ok works*2000", "500", 1}, // all
	} {
		if got := strikesUntil(t, test.script, test.answer); got != test.want {
			t.Errorf("%s, then %s: given up after %d strikes, not %d", test.script, test.answer, got, test.want)
		}
	}
	// One retry that worked is forgotten after about a hundred that did not.
	if got := strikesUntil(t, "o:ok works*1 "+strings.Repeat("z:500 ", 105)+" z- +1ms p:ok", "500"); got != 1 {
		t.Errorf("given up after %d strikes, not 1", got)
	}
}

func TestWhatTheTargetMayHaveHadNoRoomForNeedsAHundredStrikes(t *testing.T) {
	t.Parallel()
	const crowd = " crowd*3 " // of four first tries the target refuses three
	inIt := "o:ok" + crowd
	round := " a:503 +1ms p:ok" + crowd
	play(t, inIt+strings.Repeat(round, 99)+" a? a:503 +1ms p:ok a?x strikes=100")
	// Once there is room again, what came before counts no more than it did.
	room := inIt + strings.Repeat(round, 50) + strings.Repeat(" q:ok", 20)
	play(t, room+" a? strikes=50 a:503 +1ms p:ok a? strikes=51 a:503 strikes=52 a:503x strikes=53")
	play(t, room+" a? a:503 a:503 strikes=50")
	// Where retrying works, the share of it says how many are enough.
	if got := strikesUntil(t, "o:ok works*30"+crowd, "503"); got != 18 {
		t.Errorf("given up after %d strikes, not 18", got)
	}
	// What is no sign of a crowd needs no more than ever.
	play(t, inIt+" a:500 +1ms p:ok a?x")
	// Three held for want of room are three of whom nothing is known.
	play(t, knownBad+"wxyz:503 wxyz- +1ms p:ok bc:503 +1ms p:ok bc? strikes=3 d:503 +1ms p:ok d? strikes=4 k:500 strikes=4")
}

func TestTenThousandRecordsAreKept(t *testing.T) {
	t.Parallel()
	r := play(t, "o:ok")
	fail := func(id string) bool {
		m := new(gate.Message)
		r.seat.Enter(m, id)
		defer r.seat.Leave(m)
		if !r.seat.Begin(r.now, m) {
			t.Fatal("it may not be tried")
		}
		if r.seat.End(r.now, m, message.Result{Outcome: message.Failed}, 10) == gate.GivenUp {
			return true
		}
		r.play(t, "+1ms p:ok")
		if !r.seat.Review(r.now, m) {
			t.Fatal("it is not given up")
		}
		return false
	}
	for i := range 10_001 {
		fail(fmt.Sprint(i))
	}
	if !fail("1") {
		t.Error("the second is forgotten")
	}
	if fail("0") {
		t.Error("the first is remembered beyond ten thousand")
	}
}

func TestWhatIsLearntOfRetries(t *testing.T) {
	t.Parallel()
	table(t, []row{
		{"a retry that works", "o:ok a:500 +1ms a:ok retried=0.020"},
		{"a retry after a crowd's 503 that works", "o:ok a:503c +1ms a:ok retried=0.000"},
		{"a crowd's 503 is no strike", "o:ok a:503c +1ms p:ok +1ms a:503c +1ms q:ok +1ms a:503c +1ms r:ok +1ms a:503c strikes=0 held=1"},
		{"any later retry after a crowd's 503", "o:ok a:503c +1ms a:503 +1ms a:ok retried=0.000"},
		{"a retry that fails", "o:ok works*30 a:500 retried=0.455 a:500 retried=0.445"},
		{"a first try says nothing of retries", "o:ok works*30 a:500 b:ok retried=0.455"},
		{"the first try of a message with a record is a retry", "o:ok k:500 +1ms p:ok k?x k:ok retried=0.020"},
		{"so is that of one that was released to make room", "o:ok s:500 s-room +1ms p:ok s:ok retried=0.020"},
		{"a probe says nothing", toClosed + "probe a:ok half_open retried=0.000"},
		{"a probe that fails says nothing", "o:ok works*30 abcde:500 abcde:500 abcde:500 wary retried=0.371 +1s tick closed probe a:500 closed retried=0.371"},
		{"a retry of what failed before the gate opened again says nothing", toClosed + "probe a:ok half_open b:ok retried=0.000"},
		{"a retry of what has failed since does", toClosed + "probe a:ok half_open b:500 +1ms b:ok retried=0.020"},
		{"a rejection says nothing", "o:ok works*30 a:500 a:400 retried=0.455"},
		{"a retry after a 429 says nothing of how retrying works", "opqrstuvwxyz:ok a:429 +1ms a:ok retried=0.000"},
		{"nor one after a 429 long ago", "opqrstuvwxyz:ok a:429 a:500 +1ms a:ok retried=0.000"},
		{"nor one that comes to a 429", "o:ok works*30 a:500 a:429 retried=0.455"},

		{"retries pay until they are half as good as first tries", "opqrstuvwxyz:ok pay=true a:429 a:429 pay=true a:429 pay=false"},
		{"they pay where first tries are as bad", "o:ok bcd:500 a:429 a:429 a:429 a:429 pay=true"},
		{"a first try that comes to a 429 says nothing of newcomers", "opqrstuvwxyz:ok bcd:429 a:429 a:429 a:429 pay=false"},
		{"nor does a rejection", "opqrstuvwxyz:ok bcd:400 a:429 a:429 a:429 pay=false"},
		{"a retry that works pays", "opqrstuvwxyz:ok a:429 a:429 a:429 pay=false a:ok +1ms a:429 a:ok pay=true"},
		{"when the gate opens again retries pay", "opqrstuvwxyz:ok" + strings.Repeat(" a:429", 9) + " bcde:500 +10s tick closed pay=false probe f:ok half_open pay=true"},
	})
}

func TestWhatWasTriedIsCounted(t *testing.T) {
	t.Parallel()
	r := play(t, "o:ok a:net a:500 a:429")
	if m := r.hand["a"]; m.Tries() != 3 || m.Answered() != 2 {
		t.Errorf("%d tries, %d answered", m.Tries(), m.Answered())
	}
	r.play(t, "a> a=cut a<")
	if m := r.hand["a"]; m.Tries() != 0 || m.Answered() != 0 {
		t.Errorf("received again: %d tries, %d answered", m.Tries(), m.Answered())
	}
	at := r.now
	r.play(t, "b:500 +90s")
	if s := r.Status(10); !s.TroubleSince.Equal(at) {
		t.Errorf("in trouble since %v, not %v", s.TroubleSince, at)
	}
}

func TestAHeldMessageIsShownSinceItsFirstFailure(t *testing.T) {
	t.Parallel()
	r := play(t, "o:ok a:net")
	first := r.now
	r.play(t, "+1m a:503 +1m a:429")
	if got := r.seat.Record(r.hand["a"]); got.Tries != 3 || !got.Since.Equal(first) {
		t.Errorf("%+v, and its first failure was at %v", got, first)
	}
}
