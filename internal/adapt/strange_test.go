package adapt_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
)

// wellAt returns a rig at its maximum, which works.
func wellAt(t *testing.T, most int) *rig {
	t.Helper()
	r := newRig(t, most)
	r.until(most)
	r.delivers(1000)
	r.is(most)
	return r
}

// looks has the counts of strange refusals begin anew, as an outage does.
func (r *rig) looks() { r.limit.GateClosed(r.now) }

// mixed delivers so many, of which each so many-th is refused with a 503.
func (r *rig) mixed(n, each int) {
	r.t.Helper()
	for i := range n {
		if i%each == each-1 {
			r.refuses(adapt.Overloaded, max(r.limit.Slots()-1, 0))
		} else {
			r.delivers(1)
		}
	}
}

// untilTrial has each tenth be refused until a trial begins.
func (r *rig) untilTrial() {
	r.t.Helper()
	for i := range 100_000 {
		if r.limit.Status().Trying {
			return
		}
		r.mixed(1, 1+min((i+1)%10, 1))
	}
	r.t.Fatal("no trial begins")
}

func TestAFewStrangeRefusalsAreIgnored(t *testing.T) {
	r := wellAt(t, 20)
	r.looks()
	r.mixed(5000, 100) // 1 %
	r.is(20)
	if n := r.limit.Status().Counted[adapt.Trial]; n != 0 {
		t.Errorf("%d trials began: %v", n, r.reasons())
	}
	r.mixed(197, 1000)
	r.mixed(3, 1) // 3 of 200
	r.is(10)
}

func TestStrangeRefusalsAreTriedWithHalfOfTheLimitAndItGoesBackIfThatDoesNotHelp(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.is(10)
	r.pass(took)
	r.mixed(99, 10)
	r.is(10)
	r.mixed(1, 1)
	r.is(20)
	if r.limit.Status().Trying || r.last().Reason != adapt.TrialUndone {
		t.Errorf("%v", r.reasons())
	}
	r.mixed(390, 10) // the next trial is after twice as many answers
	r.is(20)
	r.mixed(10, 10)
	r.is(10)
	if r.last().Words() != "trial: 10 % refused for no visible reason" {
		t.Errorf("%v", r.reasons())
	}
}

func TestTheGapBetweenTrialsIsBounded(t *testing.T) {
	r := wellAt(t, 20)
	undone := func() int64 { return r.limit.Status().Counted[adapt.TrialUndone] }
	for undone() < 8 { // 200, 400, …, 12,800 twice
		r.mixed(10, 10)
	}
	before := 0
	for n := undone(); undone() == n; before++ {
		r.mixed(1, 1+min(before%10, 1)) // each tenth, refusals first
	}
	if before < 12_900 || before > 12_950 {
		t.Errorf("%d answers between the ends of two trials, want 12,800 and those of a trial", before)
	}
}

func TestATrialIsJudgedByWhetherLessThanHalfAreRefused(t *testing.T) {
	for _, c := range []struct {
		refused int // of 100 in the trial, 10 % before it
		want    adapt.Reason
	}{{4, adapt.TrialKept}, {5, adapt.TrialUndone}} {
		r := wellAt(t, 20)
		r.looks()
		r.mixed(200, 10)
		r.is(10)
		r.pass(took)
		r.mixed(c.refused, 1)
		r.mixed(100-c.refused, 1000)
		if got := r.last().Reason; got != c.want {
			t.Errorf("with %d of 100 refused in the trial: %s, want %s", c.refused, got, c.want)
		}
	}
}

func TestATrialThatHelpsIsKept(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.is(10)
	r.pass(took)
	r.delivers(105)
	if r.limit.Status().Trying || r.last().Reason != adapt.TrialKept {
		t.Errorf("%v", r.reasons())
	}
	r.is(10)
	if !r.refuses(adapt.Overloaded, 10) {
		t.Error("11 at once still count as known to work")
	}
	r.is(10)
}

func TestATrialThatHelpsIsFollowedByStepsAsAtTheStart(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.pass(took)
	r.delivers(105)
	if r.last().Reason != adapt.TrialKept {
		t.Fatalf("%v", r.reasons())
	}
	r.delivers(60) // a window, not 200
	r.is(12)
	r.until(13)
	r.is(16)
}

func TestATrialThatHelpsIsAmongTheChangesThoughTheLimitStays(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.pass(took)
	r.delivers(100)
	changes, _ := r.limit.Changes()
	if n := len(changes); n == 0 || changes[n-1].Reason != adapt.TrialKept || r.limit.Status().Counted[adapt.TrialKept] != 1 {
		t.Errorf("the changes are %v", changes)
	}
}

func TestAnswersFromBeforeATrialDoNotJudgeIt(t *testing.T) {
	r := wellAt(t, 200)
	r.untilTrial()
	r.is(100)
	for range 150 { // they began before it
		r.answersBeside(adapt.Delivered, 199, took, false)
	}
	if !r.limit.Status().Trying {
		t.Error("the trial ended with answers to deliveries from before it")
	}
}

func TestABelievedRefusalEndsATrial(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.refuses(adapt.Throttled, 7)
	r.is(7)
	if r.limit.Status().Trying {
		t.Error("the trial goes on")
	}
	r.delivers(120)
	r.is(7)
}

func TestAnOutageEndsATrialUndecided(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.is(10)
	r.limit.GateClosed(r.now)
	r.is(20)
	if r.limit.Status().Trying {
		t.Error("the trial goes on")
	}
}

func TestATrialWithTheLimitAtOneIsNotMade(t *testing.T) {
	r := wellAt(t, 1)
	r.mixed(5000, 2)
	r.is(1)
	if c := r.limit.Status().Counted; c[adapt.Trial] != 0 {
		t.Errorf("%v", r.reasons())
	}
	r.limit.SetMost(r.now, 2)
	r.until(2)
	r.mixed(150, 1000)
	r.is(2)
	if c := r.limit.Status().Counted; c[adapt.Trial] != 0 {
		t.Errorf("what was refused one at a time begins a trial with two: %v", r.reasons())
	}
}

func TestTheFirstAnswerBeginsNoTrial(t *testing.T) {
	r := newRig(t, 20)
	r.refuses(adapt.Overloaded, 0)
	r.is(4)
}

func TestTheGapIs200AgainOnceFewAreRefused(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.pass(took)
	r.mixed(100, 10)
	if r.last().Reason != adapt.TrialUndone {
		t.Fatalf("%v", r.reasons())
	}
	r.mixed(400, 1000)
	r.mixed(200, 10)
	r.is(10)
}

func TestNoTrialBeginsWhileACutIsJudged(t *testing.T) {
	r := atTwenty(t)
	r.looks()
	for r.limit.Status().Counted[adapt.Latency] == 0 {
		r.pass(10 * time.Second)
		for range 49 {
			r.answersBeside(adapt.Delivered, 19, 4*took, true)
		}
		for range 5 {
			r.refuses(adapt.Overloaded, 19)
		}
		r.answersBeside(adapt.Delivered, 19, 4*took, true)
	}
	for range 200 {
		r.refuses(adapt.Overloaded, 0)
	}
	if r.limit.Status().Trying {
		t.Error("a trial begins before a cut by latency is judged")
	}
	r.window(took) // it has helped
	r.refuses(adapt.Overloaded, 0)
	if !r.limit.Status().Trying {
		t.Errorf("no trial begins: %v", r.reasons())
	}
}

func TestARefusalOfAnOutageIsNotStrangeAfterIt(t *testing.T) {
	r := wellAt(t, 20)
	r.looks()
	r.mixed(190, 10)
	r.limit.GateClosed(r.now)
	r.mixed(199, 100)
	r.is(20)
}

func TestTheMaximumIsKeptWhenATrialFails(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.limit.SetMost(r.now, 12)
	r.pass(took)
	r.mixed(110, 10)
	r.is(12)
}
