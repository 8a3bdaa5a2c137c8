package adapt_test

import (
	"testing"

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
	r.mixed(5000, 100) // 1 %
	r.is(20)
	if n := len(r.limit.Status().History); r.last().Reason == adapt.Trial || n == 0 {
		t.Errorf("a trial began: %v", r.reasons())
	}
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
	for range 60_000 {
		r.mixed(10, 10)
	}
	if n := r.limit.Status().Counted[adapt.TrialUndone]; n < 40 {
		t.Errorf("%d trials in 600,000 answers: the gap is above 12,800", n)
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
}

func TestTheMaximumIsKeptWhenATrialFails(t *testing.T) {
	r := wellAt(t, 20)
	r.untilTrial()
	r.limit.SetMost(r.now, 12)
	r.pass(took)
	r.mixed(110, 10)
	r.is(12)
}
