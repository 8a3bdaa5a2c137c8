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
