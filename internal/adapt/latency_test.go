package adapt_test

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/adapt"
)

// window has a window of deliveries that take so long each.
func (r *rig) window(each time.Duration) {
	r.t.Helper()
	r.pass(10 * time.Second) // any window is long enough, and began before its deliveries
	for range max(50, 2*r.limit.Slots()) {
		r.answersBeside(adapt.Delivered, r.limit.Slots()-1, each, true)
	}
}

func atTwenty(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, 20)
	for r.limit.Slots() < 20 {
		r.window(took)
	}
	r.window(took)
	return r
}

func TestTwoSlowWindowsLowerTheLimitInProportion(t *testing.T) {
	r := atTwenty(t)
	r.window(250 * time.Millisecond)
	r.is(20)
	r.window(250 * time.Millisecond)
	r.is(12) // 20 × 1.5 / 2.5
	if r.last().Reason != adapt.Latency {
		t.Errorf("%v", r.reasons())
	}
	r.window(took) // it has helped
	if c := r.limit.Status().Counted; c[adapt.LatencyUndone] != 0 || r.limit.Slots() > 13 {
		t.Errorf("%v", r.reasons())
	}
}

func TestOneSlowWindowIsNoReason(t *testing.T) {
	r := atTwenty(t)
	for range 5 {
		r.window(250 * time.Millisecond)
		r.window(took)
	}
	r.is(20)
}

func TestTheLimitIsHalvedAtMost(t *testing.T) {
	r := atTwenty(t)
	r.window(2 * time.Second)
	r.window(2 * time.Second)
	r.is(10)
}

func TestACutThatDoesNotHelpIsTakenBackAndTheLatencyIsTheNewBase(t *testing.T) {
	r := atTwenty(t)
	for range 2 {
		r.window(400 * time.Millisecond)
	}
	r.is(10)
	r.window(390 * time.Millisecond)
	r.is(20)
	if r.last().Reason != adapt.LatencyUndone {
		t.Errorf("%v", r.reasons())
	}
	for range 10 {
		r.window(400 * time.Millisecond) // the target is slower by itself
	}
	r.is(20)
	if n := r.limit.Status().Counted[adapt.Latency]; n != 1 {
		t.Errorf("%d cuts, want 1: %v", n, r.reasons())
	}
}

// The target had 20 servers and has 6 now: 20 are more than three times as slow, 10 not twice.
func TestTheBaseDoesNotRiseAfterACutThatHelped(t *testing.T) {
	r := atTwenty(t)
	for range 30 {
		r.window(99 * time.Millisecond) // 20 at once are no slower
	}
	for range 2 {
		r.window(330 * time.Millisecond)
	}
	r.is(10)
	for range 60 {
		r.window(165 * time.Millisecond)
	}
	r.is(10)
}

func TestDeliveriesFromBeforeACutDoNotJudgeIt(t *testing.T) {
	r := atTwenty(t)
	r.window(4 * took)
	r.window(4 * took)
	r.is(10)
	for range 60 { // they began before it
		r.pass(time.Millisecond)
		r.answersBeside(adapt.Delivered, 19, 4*took, true)
	}
	r.window(took)
	if r.limit.Status().Counted[adapt.LatencyUndone] != 0 {
		t.Errorf("%v", r.reasons())
	}
}

func TestACutIsJudgedOnce(t *testing.T) {
	r := atTwenty(t)
	r.window(4 * took)
	r.window(4 * took)
	r.window(took) // it has helped
	r.window(4 * took)
	if r.limit.Status().Counted[adapt.LatencyUndone] != 0 {
		t.Errorf("%v", r.reasons())
	}
}

func TestACutThatDoesNotHelpLeadsToNoStep(t *testing.T) {
	r := newRig(t, 100)
	for r.limit.Slots() < 20 {
		r.window(took)
	}
	before := r.limit.Slots()
	r.delivers(300)
	r.limit.SetMost(r.now, before)
	for range 3 {
		r.window(4 * took)
		r.limit.SetMost(r.now, 100)
	}
	r.is(before)
}

func TestAnOutageLeavesNoCutToJudge(t *testing.T) {
	r := atTwenty(t)
	r.window(4 * took)
	r.window(4 * took)
	r.is(10)
	r.limit.GateClosed(r.now)
	r.is(20)
	r.window(4 * took)
	r.window(4 * took)
	r.is(10) // it is slow still, and cut again
}

func TestASlowWindowEndsTheDoubling(t *testing.T) {
	r := newRig(t, 100)
	for range 3 {
		r.window(took)
	}
	r.is(13)
	r.window(190 * time.Millisecond)
	r.is(13)
	for range 5 {
		r.window(took)
		if r.limit.Slots() != 13 {
			break
		}
	}
	r.is(14)
}

func TestNothingGrowsForTwoSecondsAfterACut(t *testing.T) {
	r := newRig(t, 100)
	for r.limit.Slots() < 20 {
		r.window(took)
	}
	for range 2 {
		r.window(4 * took)
	}
	cut := r.limit.Slots()
	// Windows of 0.5 s that are fast again.
	for range 3 {
		r.pass(500 * time.Millisecond)
		for range 300 {
			r.answersBeside(adapt.Delivered, cut-1, 10*time.Millisecond, true)
		}
		r.is(cut)
	}
	r.pass(time.Second)
	for range 300 {
		r.answersBeside(adapt.Delivered, cut-1, 10*time.Millisecond, true)
	}
	if r.limit.Slots() != cut+1 {
		t.Errorf("after 2 s the limit is %d, was %d", r.limit.Slots(), cut)
	}
}

func TestTheLimitDoesNotRiseWhileDeliveriesAreSlow(t *testing.T) {
	r := newRig(t, 100)
	for range 3 {
		r.window(took)
	}
	before := r.limit.Slots()
	r.window(190 * time.Millisecond) // 1.9 times the base
	r.is(before)
	for range 4 { // 1.6 times the base: the first window may rise, as chance
		before = r.limit.Slots()
		r.window(165 * time.Millisecond)
	}
	r.is(before)
}

func TestALimitOfOneTakesTheLatencyForTheBase(t *testing.T) {
	r := newRig(t, 1)
	for range 2 {
		r.window(took)
	}
	for range 10 {
		r.window(3 * took)
	}
	r.is(1)
	if c := r.limit.Status().Counted; c[adapt.Latency] != 0 {
		t.Errorf("%v", r.reasons())
	}
	r.limit.SetMost(r.now, 50)
	for range 10 {
		r.window(3 * took)
	}
	if r.limit.Slots() < 10 {
		t.Errorf("it stays at %d", r.limit.Slots())
	}
}

func TestTheBaseFollowsATargetThatBecomesFaster(t *testing.T) {
	r := atTwenty(t)
	for range 40 {
		r.window(took / 4)
	}
	for range 2 {
		r.window(took) // four times the new base
	}
	r.is(10)
}

func TestTheBaseRisesSlowlyAndOnlyAtNoGreaterLimit(t *testing.T) {
	r := newRig(t, 20)
	for r.limit.Slots() < 20 {
		r.window(took)
	}
	for range 30 { // the base was seen at 4: what comes at 20 may be the load
		r.window(190 * time.Millisecond)
	}
	r.is(20)
	for range 2 {
		r.window(220 * time.Millisecond)
	}
	if r.limit.Slots() >= 20 {
		t.Error("the base has followed a latency at a greater limit")
	}
}

// windowsUntilItRises counts windows of a latency until the limit rises.
func (r *rig) windowsUntilItRises(each time.Duration) int {
	r.t.Helper()
	before := r.limit.Slots()
	for n := range 100 {
		r.window(each)
		if r.limit.Slots() > before {
			return n
		}
	}
	return 100
}

func TestTheBaseRisesByATwentiethOfAtMost30Percent(t *testing.T) {
	r := newRig(t, 8)
	for r.limit.Slots() < 8 {
		r.window(took)
	}
	for range 30 {
		r.window(99 * time.Millisecond) // 8 at once are no slower
	}
	r.window(175 * time.Millisecond)
	r.limit.SetMost(r.now, 100)
	// The base rises by 1.5 % a window, until 175 ms are 1.5 times as long.
	if n := r.windowsUntilItRises(175 * time.Millisecond); n < 9 || n > 12 {
		t.Errorf("the limit rises after %d windows that are slower by themselves, want 9 to 12", n)
	}
}

func TestALowerLatencyAtALowerLimitTellsNothingOfAGreaterOne(t *testing.T) {
	r := newRig(t, 20)
	for r.limit.Slots() < 20 {
		r.window(took)
	}
	for range 30 {
		r.window(99 * time.Millisecond) // 20 at once are no slower
	}
	r.limit.SetMost(r.now, 8)
	for range 10 {
		r.window(98 * time.Millisecond)
	}
	r.limit.SetMost(r.now, 18)
	r.windowsUntilItRises(took)
	r.window(175 * time.Millisecond)
	r.limit.SetMost(r.now, 20)
	if n := r.windowsUntilItRises(175 * time.Millisecond); n > 12 {
		t.Errorf("the limit rises after %d windows: the base does not rise with more than 8", n)
	}
}

func TestTheBaseFallsByAFifth(t *testing.T) {
	r := atTwenty(t)
	for range 3 { // 100 ms, 90, 82, 75.6
		r.window(took / 2)
	}
	r.window(162 * time.Millisecond) // more than twice 76.7, and not 81
	r.window(162 * time.Millisecond)
	if r.limit.Slots() == 20 {
		t.Error("the base falls by less than a fifth")
	}
	r = atTwenty(t)
	for range 3 {
		r.window(took / 2)
	}
	r.window(140 * time.Millisecond)
	r.window(140 * time.Millisecond)
	r.is(20)
}

func TestARefusalAfterACutByLatencyLeavesNothingToTakeBack(t *testing.T) {
	r := atTwenty(t)
	for range 2 {
		r.window(4 * took)
	}
	r.refuses(adapt.Throttled, 3)
	r.is(3)
	r.window(4 * took)
	r.is(3)
}
