package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// What is a message's own, and what is the request's.

func TestWhoIsKnownBadAndWhatProbesGoAlone(t *testing.T) {
	t.Parallel()
	d := newDoor()
	good := d.begin("good", 1)[0]
	if !d.Joins(good) {
		t.Error("a new message goes alone")
	}
	d.gate.records.add("k0")
	if known := d.begin("k", 1)[0]; d.Joins(known) {
		t.Error("a message known bad goes with others")
	}
	for state, want := range map[State]bool{Starting: true, Open: true, Wary: false, Closed: false, HalfOpen: true} {
		if d.gate.state = state; d.Joins(good) != want {
			t.Errorf("%v: it may go with others: %v", state, !want)
		}
	}
}

func TestWhoGoesAlongIsTriedWithTheFirst(t *testing.T) {
	t.Parallel()
	d := newDoor()
	all := d.begin("m", 2)
	first, second := all[0], all[1]
	second.probe = true // of an outage before
	d.whole(all, throttled)
	d.pass(time.Minute)
	d.retry(all)
	if n := d.gate.Status(10).Held; n != 0 {
		t.Errorf("%d are held while they are tried", n)
	}
	if second.Tries() != 2 || second.try != first.try || !second.began.Equal(d.now) || second.Probes() {
		t.Errorf("%+v is not tried with %+v", second, first)
	}
}

func TestARequestIsOneSampleOfHowOftenTriesSucceed(t *testing.T) {
	t.Parallel()
	d := newDoor()
	before := d.gate.retrying.firsts.n
	samples := func(want int) {
		t.Helper()
		if got := d.gate.retrying.firsts.n - before; got != want {
			t.Errorf("%d samples, want %d", got, want)
		}
	}
	d.each(d.begin("a", 3), "ddd")
	samples(1)
	d.each(d.begin("b", 3), "fdd")
	samples(2)
	d.each(d.begin("c", 3), "fff")
	samples(3)
	d.whole(d.begin("d", 3), broken)
	samples(4)
}

func TestWhatARequestDeliversIsProof(t *testing.T) {
	t.Parallel()
	d := newDoor()
	old := d.begin("old", 3)
	d.one("bad", broken)
	d.pass(time.Second)
	d.one("before", ok)
	if d.each(old, "fdd"); !d.Review(d.now, old[0]) {
		t.Error("a delivery that began after the request is no proof")
	}
	named := d.begin("named", 3)
	if d.each(named, "dfd"); d.Review(d.now, named[1]) {
		t.Error("a delivery that began with it is proof")
	}
	other := d.one("other", broken)
	d.pass(time.Second)
	if d.each(d.begin("later", 2), "dd"); !d.Review(d.now, other) {
		t.Error("a request's deliveries are none")
	}
}

func TestFiveRequestsOfWhichNothingIsDeliveredAreAnOutage(t *testing.T) {
	t.Parallel()
	d := newDoor()
	for i := range 5 {
		d.each(d.begin(fmt.Sprint("b", i, "-"), 1), "f")
	}
	if d.gate.State() != Wary {
		t.Error(d.gate.State())
	}
}

func TestWhatDoesNotCountAsTroubleOfTheTargets(t *testing.T) {
	t.Parallel()
	first := func(d *door) []*Message { return d.begin("m", 3) }
	retried := func(d *door) []*Message {
		m := d.begin("m", 3)
		d.whole(m, message.Result{Canceled: true})
		d.retry(m)
		return m
	}
	released := func(d *door) []*Message {
		d.gate.left.add("m0")
		return d.begin("m", 3)
	}
	whole := func(r message.Result) func(*door, []*Message) {
		return func(d *door, all []*Message) { d.whole(all, r) }
	}
	inOrder := func(word string) func(*door, []*Message) {
		return func(d *door, all []*Message) { d.named(all, answers(word), true) }
	}
	for name, test := range map[string]struct {
		begin func(*door) []*Message
		end   func(*door, []*Message)
		held  int
	}{
		"it was canceled":               {first, whole(message.Result{Canceled: true}), 0},
		"it was announced":              {first, whole(message.Result{Outcome: message.Throttled, Status: 429, Announced: true}), 3},
		"it was rejected":               {first, whole(message.Result{Outcome: message.Rejected, Status: 400}), 3},
		"a retry":                       {retried, whole(broken), 3},
		"a retry that an answer spares": {retried, inOrder("fff"), 3},
		"some of it was delivered":      {first, inOrder("dff"), 2},
		"a success has overtaken it": {first, func(d *door, all []*Message) {
			d.one("later", ok)
			d.whole(all, broken)
		}, 3},
		"it failed in an earlier receive": {released, whole(broken), 3},
		"the same, spared":                {released, inOrder("fff"), 3},
	} {
		d := newDoor()
		test.end(d, test.begin(d))
		if is := d.gate.Status(10); is.Messages != 0 || is.Held != test.held {
			t.Errorf("%s: %d messages fail, and %d are held, want 0 and %d", name, is.Messages, is.Held, test.held)
		}
	}
}

func TestWhatIsAnnouncedExplainsTheRefusalsBefore(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.whole(d.begin("a", 2), throttled)
	d.whole(d.begin("b", 2), message.Result{Outcome: message.Throttled, Status: 429, Announced: true})
	if is := d.gate.Status(10); is.Messages != 0 || !is.TroubleSince.IsZero() {
		t.Errorf("%+v", is)
	}
}

func TestARequestNarrowsAHalfOpenGateOnce(t *testing.T) {
	t.Parallel()
	rejected := message.Result{Outcome: message.Rejected, Status: 400}
	for name, end := range map[string]func(d *door, all []*Message){
		"as a whole": func(d *door, all []*Message) { d.whole(all, broken) },
		"each":       func(d *door, all []*Message) { d.each(all, "ff") },
	} {
		d := newDoor()
		d.gate.enter(d.now, HalfOpen, reasonSuccess)
		d.gate.limit = 8
		one, two := d.begin("one", 2), d.begin("two", 2)
		d.whole(d.begin("rejected", 2), rejected)
		if d.gate.limit != 8 {
			t.Errorf("%d at once after a rejection", d.gate.limit)
		}
		if end(d, one); d.gate.limit != 4 {
			t.Errorf("%s: %d at once after one failed request", name, d.gate.limit)
		}
		if end(d, two); d.gate.limit != 4 {
			t.Errorf("%s: %d at once after another that began before", name, d.gate.limit)
		}
	}
}

func TestARequestThatFailedWaitsAsToldForTenMinutesAtMost(t *testing.T) {
	t.Parallel()
	for told, want := range map[time.Duration]time.Duration{time.Minute: time.Minute, time.Hour: 10 * time.Minute} {
		d := newDoor()
		busy := message.Result{Outcome: message.Unavailable, Status: 503, RetryAfter: told}
		all, named := d.begin("m", 2), d.begin("n", 2)
		d.whole(all, busy)
		d.named(named, []message.Result{busy, ok}, false)
		if got := d.Next(all[1]).Sub(d.now); got != want {
			t.Errorf("told %v: all wait for %v", told, got)
		}
		if got := d.Next(named[0]).Sub(d.now); got != want {
			t.Errorf("told %v: the one named waits for %v", told, got)
		}
	}
}

func TestANamedFailureOfAKnownMessageGivesItUp(t *testing.T) {
	t.Parallel()
	d := newDoor()
	d.gate.records.add("m1")
	if fates := d.each(d.begin("m", 2), "df"); fates[1] != GivenUp {
		t.Errorf("its fate is %v", fates[1])
	}
}

func TestOnlyThoseThatWereRefusedTwiceAreParted(t *testing.T) {
	t.Parallel()
	d := newDoor()
	twice := d.begin("twice", 2)
	if d.whole(twice, throttled) {
		t.Error("some are tried alone after one refusal")
	}
	d.retry(twice)
	once := new(Message)
	d.Enter(once, "once")
	d.BeginWith(once, twice[0])
	if !d.whole(append(twice, once), throttled) {
		t.Error("none is tried alone")
	}
	if d.Joins(twice[0]) || d.Joins(twice[1]) || !d.Joins(once) {
		t.Errorf("they may join others: %v, %v; and who was refused once: %v", d.Joins(twice[0]), d.Joins(twice[1]), d.Joins(once))
	}
	if !d.whole(d.begin("m", 2), broken) {
		t.Error("none is tried alone after a 500")
	}
}

func TestWhoFailedOnlyWithOthersIsNotGivenUpForBeingAlone(t *testing.T) {
	t.Parallel()
	d := newDoor()
	all := d.begin("m", 2)
	d.whole(all, broken)
	if d.pass(time.Hour); d.Review(d.now, all[0]) {
		t.Error("it is")
	}
	d.one("later", ok)
	d.pass(time.Second)
	if d.Begin(d.now, all[0]); all[0].Strikes() != 0 {
		t.Error("what it did with others is a strike")
	}
}

func TestRetriesOfWhatWasThrottledTogetherSayLittleOfRetrying(t *testing.T) {
	t.Parallel()
	d := newDoor()
	all := d.begin("m", 2)
	d.whole(all, throttled)
	d.retry(all)
	if d.each(all, "dd"); d.gate.retrying.works != 0 {
		t.Errorf("retrying works: %v", d.gate.retrying.works)
	}
	since := d.begin("n", 2)
	d.whole(since, throttled)
	failed := d.now
	d.pass(time.Minute)
	d.retry(since)
	d.whole(since, throttled)
	if r := d.Record(since[1]); !r.Since.Equal(failed) {
		t.Errorf("it fails since %v, not its first failure", r.Since.Sub(failed))
	}
}
