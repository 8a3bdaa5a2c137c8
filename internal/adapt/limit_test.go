package adapt_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
)

func TestItBeginsWithFourAndDoublesUntilTheFirstRefusal(t *testing.T) {
	r := newRig(t, 100)
	r.is(4)
	for _, want := range []int{6, 9, 13, 19} {
		r.until(want)
		r.is(want)
	}
	if r.last().Reason != adapt.Doubled {
		t.Errorf("the last step is because %s", r.last().Reason)
	}
	r.refuses(adapt.Throttled, 15)
	r.is(15)
	r.delivers(190)
	r.is(15) // no further step within 200
}

func TestARefusalBesideOthersLowersTheLimitToThose(t *testing.T) {
	for _, kind := range []adapt.Kind{adapt.Throttled, adapt.Overloaded} {
		r := newRig(t, 100)
		if !r.refuses(kind, 3) {
			t.Errorf("kind %d beside 3 others, with none known to work, is not believed", kind)
		}
		r.is(3)
		r.refuses(kind, 7)
		r.is(3) // a refusal beside more says nothing new
		r.refuses(kind, 1)
		r.is(1)
	}
}

func TestARefusalBesideNobodyNeverLowersTheLimit(t *testing.T) {
	r := newRig(t, 50)
	r.until(20)
	before := r.limit.Slots()
	for range 199 {
		if r.refuses(adapt.Throttled, 0) || r.refuses(adapt.Overloaded, 0) {
			t.Fatal("believed")
		}
	}
	for _, c := range r.limit.Status().History {
		if c.Reason == adapt.Refused {
			t.Errorf("lowered from %d to %d by a refusal beside nobody", c.From, c.To)
		}
	}
	if r.limit.Slots() < before/2 { // a trial may be on, which is another rule
		t.Errorf("the limit is %d of %d", r.limit.Slots(), before)
	}
	if _, alone := r.limit.Changes(); alone != 199 {
		t.Errorf("%d 429s with nothing else running, want 199: the 503s are not a quota's", alone)
	}
	if _, alone := r.limit.Changes(); alone != 0 {
		t.Errorf("%d are reported a second time", alone)
	}
}

func TestA503BesideNoMoreThanWorksIsNotAboutLoadAndA429Is(t *testing.T) {
	r := newRig(t, 8)
	r.until(8)
	r.delivers(100) // 8 at once work
	if r.refuses(adapt.Overloaded, 7) {
		t.Error("a 503 beside 7 others is believed although 8 at once work")
	}
	r.is(8)
	if !r.refuses(adapt.Throttled, 7) {
		t.Error("a 429 beside 7 others is not believed")
	}
	r.is(7)
}

func TestTheMeanDeliveryIsThatOfTheLastOnes(t *testing.T) {
	r := newRig(t, 4)
	r.delivers(1000)
	r.deliversIn(60, 10*took) // slower by itself: nearly the mean, though few of all
	r.refuses(adapt.Throttled, 3)
	r.pass(10*took + took)
	r.answersBeside(adapt.Delivered, 50, 10*took, true)
	if !r.refuses(adapt.Overloaded, 30) {
		t.Error("a delivery that began a tenth of the mean after a change has proven 51 at once")
	}
}

func TestADeliveryOfTheSameMomentAsAChangeProvesNothing(t *testing.T) {
	r := newRig(t, 50)
	r.delivers(20) // T is known
	r.refuses(adapt.Throttled, 3)
	// It began beside ten others before the limit was lowered, and is delivered after it.
	r.pass(took / 2)
	r.answersBeside(adapt.Delivered, 10, took, true)
	if !r.refuses(adapt.Overloaded, 5) {
		t.Error("a delivery that began before the last change has proven 11 at once")
	}
	// Nor does one that began right after it.
	r = newRig(t, 50)
	r.delivers(20)
	r.refuses(adapt.Throttled, 3)
	r.pass(took + took/5)
	r.answersBeside(adapt.Delivered, 10, took, true)
	if !r.refuses(adapt.Overloaded, 5) {
		t.Error("a delivery that began a fifth of T after the last change has proven 11 at once")
	}
	r.pass(took + took/3)
	r.answersBeside(adapt.Delivered, 10, took, true)
	if r.refuses(adapt.Overloaded, 5) {
		t.Error("a delivery that began a third of T after the last change has proven nothing")
	}
}

func TestWhenNearlyAllAreRefused503sAreBelievedAgain(t *testing.T) {
	r := newRig(t, 10)
	r.until(10)
	r.delivers(100) // 10 at once work
	n := 0
	for ; n < 30 && !r.refuses(adapt.Overloaded, 6); n++ {
		r.is(10)
	}
	if n != 16 {
		t.Errorf("believed after %d refusals, want 16 of the last 20", n)
	}
	r.is(6)
}

func TestItIs16OfTheLast20ThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		delivered int // among 16 refusals
		believed  bool
	}{{4, true}, {5, false}} {
		r := newRig(t, 10)
		r.until(10)
		r.delivers(100)
		r.refuses(adapt.Overloaded, 6)
		r.delivers(c.delivered)
		for range 15 {
			r.refuses(adapt.Overloaded, 6)
		}
		if got := r.refuses(adapt.Overloaded, 6); got != c.believed {
			t.Errorf("with %d deliveries among 16 refusals, the next is believed: %v", c.delivered, got)
		}
	}
}

func TestADeliveryFromBeforeProvesNothingOnceNearlyAllAreRefused(t *testing.T) {
	r := newRig(t, 10)
	r.until(10)
	r.delivers(100)
	for range 16 {
		r.refuses(adapt.Overloaded, 6)
	}
	r.answersBeside(adapt.Delivered, 9, took, true) // it began before them
	if !r.refuses(adapt.Overloaded, 6) {
		t.Error("a delivery that began before has proven 10 at once")
	}
}

func TestADeliveryFromBeforeItBeganIsNoProof(t *testing.T) {
	r := newRig(t, 50)
	for range 60 { // when adapting is turned on while 30 run
		r.answersBeside(adapt.Delivered, 29, took, true)
	}
	if !r.refuses(adapt.Overloaded, 20) {
		t.Error("30 at once count as known to work")
	}
}

func TestRefusalsBesideNobodyMakeNoneCredible(t *testing.T) {
	r := newRig(t, 10)
	r.until(10)
	r.delivers(100)
	for range 20 {
		r.refuses(adapt.Overloaded, 0)
	}
	if r.refuses(adapt.Overloaded, 9) {
		t.Error("believed although those before ran alone")
	}
}

func TestTheLimitRisesByOneEach200DeliveriesAndFurtherIfThatWorks(t *testing.T) {
	r := newRig(t, 100)
	r.until(40)
	r.refuses(adapt.Throttled, 30)
	r.delivers(195)
	r.is(30)
	r.until(31)
	r.is(31)
	if r.last().Reason != adapt.Raised {
		t.Errorf("raised because %s", r.last().Reason)
	}
	r.until(32)
	r.is(33)
	r.until(34)
	r.is(37)
	r.refuses(adapt.Throttled, 31) // ends it
	r.is(31)
	r.delivers(195)
	r.is(31)
	r.until(32)
	r.is(32)
}

func TestTheLimitDoesNotRiseWhileSlotsAreIdle(t *testing.T) {
	r := newRig(t, 100)
	for range 2000 {
		r.answersBeside(adapt.Delivered, 1, took, false)
		r.pass(took / 4)
	}
	r.is(4)
}

func TestOneDeliveryWithAllSlotsTakenIsEnoughInAWindowAndLastsNoLonger(t *testing.T) {
	r := newRig(t, 100)
	window := func(full int) {
		r.pass(10 * time.Second)
		for i := range 50 {
			r.answersBeside(adapt.Delivered, r.limit.Slots()-1, took, i < full)
		}
	}
	window(1)
	r.is(6)
	window(0)
	r.is(6)
	window(0)
	r.is(6)
}

func TestAtTheMaximumTheStepsDoNotGrow(t *testing.T) {
	r := newRig(t, 20)
	r.until(20)
	r.refuses(adapt.Throttled, 19)
	r.until(20)
	r.delivers(2000)
	r.limit.SetMost(r.now, 100)
	r.until(21)
	r.is(22) // the step after one of 1
}

func TestAWindowBeginsWithALoweredMaximum(t *testing.T) {
	r := newRig(t, 100)
	r.until(9)
	r.pass(time.Second)
	r.delivers(40) // of the 50 of a window
	r.limit.SetMost(r.now, 4)
	r.limit.SetMost(r.now, 100)
	r.pass(time.Second)
	for range 39 {
		r.answersBeside(adapt.Delivered, 3, 0, true)
	}
	r.is(4)
	r.answersBeside(adapt.Delivered, 3, 0, true)
	if r.limit.Slots() == 4 {
		t.Error("40 durations with 4 slots are not enough")
	}
}

func TestTheLatestChangesAreKept(t *testing.T) {
	r := newRig(t, 100)
	for range 30 {
		r.until(6)
		r.refuses(adapt.Throttled, 4)
	}
	if n := len(r.limit.Status().History); n != 20 || r.last().Reason != adapt.Refused {
		t.Errorf("%d changes are kept, the last is %s", n, r.last().Reason)
	}
	if changes, _ := r.limit.Changes(); len(changes) != 20 || changes[19].Reason != adapt.Refused {
		t.Errorf("%d changes are to be logged", len(changes))
	}
	if changes, _ := r.limit.Changes(); len(changes) != 0 {
		t.Errorf("%d changes are to be logged twice", len(changes))
	}
}

func TestOnlyChangesAreCounted(t *testing.T) {
	r := newRig(t, 100)
	r.refuses(adapt.Throttled, 3)
	r.refuses(adapt.Throttled, 3)
	if n := r.limit.Status().Counted[adapt.Refused]; n != 1 {
		t.Errorf("%d changes by refusals, want 1: the second changed nothing", n)
	}
}

func TestAWindowHasEnoughDurationsAndLastsLongEnough(t *testing.T) {
	r := newRig(t, 100)
	r.pass(time.Millisecond)
	for range 1000 { // at once
		r.answersBeside(adapt.Delivered, 3, time.Microsecond, true)
	}
	r.is(4)
	r.pass(500 * time.Millisecond)
	r.answersBeside(adapt.Delivered, 3, time.Microsecond, true)
	r.is(6)

	r = newRig(t, 100)
	r.pass(took)
	for range 39 { // 10 for each of 4 slots
		r.answersBeside(adapt.Delivered, 3, took, true)
		r.pass(took)
	}
	r.is(4)
	r.answersBeside(adapt.Delivered, 3, took, true)
	r.is(6)

	r = newRig(t, 100) // three mean deliveries of a second
	r.pass(2900 * time.Millisecond)
	for range 41 {
		r.answersBeside(adapt.Delivered, 3, time.Second, true)
	}
	r.is(4)
	r.pass(100 * time.Millisecond)
	r.answersBeside(adapt.Delivered, 3, time.Second, true)
	r.is(6)
}

func TestTheLimitStaysBelowTheMaximum(t *testing.T) {
	r := newRig(t, 10)
	r.delivers(3000)
	r.is(10)
	r.limit.SetMost(r.now, 3)
	r.is(3)
	if r.last().Reason != adapt.Maximum {
		t.Errorf("lowered because %s", r.last().Reason)
	}
	r.limit.GateClosed(r.now)
	r.is(3) // what was good before is not
	r.limit.SetMost(r.now, 20)
	r.is(3)
	r.delivers(3000)
	r.is(20)
	if adapt.New(r.now, 2).Slots() != 2 {
		t.Error("it begins with more than the maximum")
	}
}

func TestAnOutageTakesBackWhatItsBeginningDid(t *testing.T) {
	r := newRig(t, 40)
	r.until(40)
	r.delivers(300)
	for beside := 30; beside > 0; beside-- {
		r.refuses(adapt.Throttled, beside)
	}
	r.is(1)
	r.limit.GateClosed(r.now)
	r.is(40)
	if r.last().Reason != adapt.Outage {
		t.Errorf("raised because %s", r.last().Reason)
	}
	r.refuses(adapt.Throttled, 4)
	r.is(4)
	r.limit.GateClosed(r.now)
	r.is(40)
	r.refuses(adapt.Throttled, 4)
	r.delivers(100) // a whole window works: this is the target's limit now
	r.limit.GateClosed(r.now)
	r.is(4)
	r.until(6) // by two, as at the start
	r.is(6)
	r = newRig(t, 40) // an outage within the first window
	r.refuses(adapt.Throttled, 1)
	r.limit.GateClosed(r.now)
	r.is(4)
}

func TestTheStepAfterARefusalIsAfter200DeliveriesExactly(t *testing.T) {
	r := newRig(t, 100)
	r.until(6)
	r.refuses(adapt.Throttled, 1)
	r.pass(took)
	r.delivers(199) // a window at 1 has ten
	r.is(1)
	r.delivers(1)
	r.is(2)
}

func TestAnOutageTakesBackNoStep(t *testing.T) {
	r := newRig(t, 100)
	r.until(6) // and 4 is what the last whole window had
	r.limit.GateClosed(r.now)
	r.is(6)
}
