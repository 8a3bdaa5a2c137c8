package simulation

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// stormOf is a total storm of ten seconds, in one of the ways.
func stormOf(way int) func(*scenario) {
	return func(s *scenario) { s.storm = &storm{window: window{10 * time.Second, 20 * time.Second, way}} }
}

func inWide(w wider) func(*scenario) {
	return func(s *scenario) {
		w.alone, s.wide, s.trouble = true, &w, 3*time.Minute
	}
}

// upTo are the numbers below n.
func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// handMade has for each invariant one history that breaks it, and one like it that does not.
var handMade = []struct {
	holds    func(*trial)
	messages int
	plan     func(*scenario)
	happens  func(h *history, wrong bool)
}{
	{nothingIsDeletedBeforeItWasDelivered, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, choose(wrong, 500, 200))
		h.deletes(1.5, 0)
	}},
	{everyMessageEndsDeliveredOrDead, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, choose(wrong, 500, 200))
	}},
	{everythingReceivedIsSettledOrReported, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.stopsAtTen(11)
		if !wrong {
			h.changes(10.5, 0, 0)
		}
	}},
	{everythingReceivedIsSettledOrReported, 6, inWide(wider{rejected: "dead-letter"}), func(h *history, wrong bool) { // the sixth in a row is held, and may be released to make room
		h.receives(1, 0, 1, 2, 3, 4, 5)
		for m := range 6 {
			h.tries(m, 1.1+float64(m)/10, 1.15+float64(m)/10, 422)
		}
		hidden := choose(wrong, 0, 5)
		for m := range 6 {
			if m != hidden {
				h.deletes(2+float64(m)/10, m)
			}
		}
		h.changes(3, 900, hidden)
		h.stopsAtTen(11)
	}},
	{noMoreDeliveriesAtOnceThanSlots, 2, func(s *scenario) { s.targets[0].limits.Concurrency = 1 }, func(h *history, wrong bool) {
		h.tries(0, 1, 2, 200)
		h.tries(1, choose(wrong, 1.9, 2.1), 3, 200)
	}},
	{noMoreStartsThanTheRateAllows, 2, func(s *scenario) {
		s.targets[0].limits.Limited, s.targets[0].limits.Rate = true, 1
	}, func(h *history, wrong bool) {
		h.tries(0, 1, 1.01, 200)
		h.tries(1, choose(wrong, 1.5, 2), 3, 200)
	}},
	{noQuotaIsEverPassed, 3, func(s *scenario) {
		s.targets[0].limits.Quotas[0] = ratelimit.Quota{N: 2, Window: time.Minute}
	}, func(h *history, wrong bool) {
		h.tries(0, 1, 1.01, 200)
		h.tries(1, 2, 2.01, 200)
		h.tries(2, choose(wrong, 60.9, 61), 62, 200)
	}},
	{noQuotaIsEverPassed, 3, func(s *scenario) { // across a change
		s.targets[0].limits.Quotas[0] = ratelimit.Quota{N: 9, Window: time.Minute}
	}, func(h *history, wrong bool) {
		limits := h.plan.targets[0].limits
		limits.Quotas[0].N = 2
		h.by.paces[0] = append(h.by.paces[0], pace{seconds(30), limits})
		h.tries(0, 1, 1.01, 200)
		h.tries(1, 2, 2.01, 200)
		h.tries(2, choose(wrong, 60.9, 61), 62, 200)
	}},
	{aQuotaCostsNoReceive, 1, inWide(wider{kind: quotasOfTargets}), func(h *history, wrong bool) {
		h.receives(1, 0)
		if wrong {
			h.receives(31, 0)
		}
	}},
	{aToldLimitIsKept, 3, inWide(wider{kind: limitsTold}), func(h *history, wrong bool) {
		h.tries(0, 1, 2, 200)
		h.evidence.deliveries[0].told = &told{1, 10 * time.Second}
		h.tries(1, 3, 4, 200)
		h.tries(2, choose(wrong, 11.5, 12), 13, 200)
	}},
	{aToldLimitIsKept, 2, inWide(wider{kind: limitsTold}), func(h *history, wrong bool) { // one runs
		h.tries(0, choose(wrong, 1, 2.1), 5, 200)
		h.tries(1, 1.5, 2, 200)
		h.evidence.deliveries[1].told = &told{1, 10 * time.Second}
		if wrong {
			h.tries(1, 6, 7, 200)
		}
	}},
	{aToldLimitIsKept, 1, func(s *scenario) {
		inWide(wider{kind: limitsTold})(s)
		s.targets[0].limit = &limitPlan{n: 20}
	}, func(h *history, wrong bool) {
		h.tries(0, 1, 2, choose(wrong, 429, 200))
		h.evidence.deliveries[0].limited = wrong
	}},
	{groupsAreDeliveredInOrderOneAtATime, 2, func(s *scenario) { s.queues[0].fifo = true }, func(h *history, wrong bool) {
		h.tries(0, 1, 2, 200)
		h.tries(1, choose(wrong, 1.9, 2.1), 3, 200)
	}},
	{whatWasDeliveredIsNotDeliveredAgain, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 200)
		h.deletes(1.5, 0)
		again := choose(wrong, 50.0, 70)
		h.receives(again, 0)
		h.tries(0, again+1, again+2, 200)
	}},
	{whatIsInHandStaysExtended, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		if !wrong {
			h.changes(16, 30, 0)
		}
		h.deletes(32, 0)
	}},
	{whatIsInHandIsExtendedAtHalfItsVisibility, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.changes(choose(wrong, 20.0, 16), 30, 0)
		h.deletes(30, 0)
	}},
	{oneFailedEntryDelaysNoOther, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 200)
		h.deletes(choose(wrong, 7.0, 6), 0)
	}},
	{oneFailedEntryDelaysNoOther, 2, nil, func(h *history, wrong bool) { // that failed in a call
		h.receives(1, 0, 1)
		h.tries(0, 1.1, 1.2, 200)
		h.tries(1, 1.1, 1.2, 200)
		h.deletes(2, 0, 1).entries[0].code = "InternalError"
		h.deletes(choose(wrong, 9.0, 6.2), 0)
	}},
	{changedAttributesAreFollowed, 0, nil, func(h *history, wrong bool) {
		h.call(0.5, "GetQueueAttributes").visibility = 30 * time.Second
		h.receives(1).visibility = choose(wrong, 20*time.Second, 30*time.Second)
	}},
	{noDeliveryStartsWithTooLittleVisibility, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, choose(wrong, 27.0, 25), 28, 200)
	}},
	{noDeliveryStartsWithTooLittleVisibility, 1, inWide(wider{kind: lateReceives}), func(h *history, wrong bool) {
		c := h.receives(1, 0)
		c.came = seconds(21) // the answer was late, and its Date says so
		h.tries(0, choose(wrong, 27.5, 25), 28, 200)
	}},
	{aMessageInHandIsDeliveredOnce, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, choose(wrong, 200, 500))
		h.tries(0, 1.5, 1.6, 200)
	}},
	{callsCarryTheNewestHandle, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.receives(40, 0)
		h.deletes(41, 0).entries[0].receive = choose(wrong, 1, 2)
	}},
	{callsCarryTheNewestHandle, 1, nil, func(h *history, wrong bool) { // both answers are seen at once
		first, second := h.receives(1, 0), h.receives(24, 0)
		first.came = seconds(choose(wrong, 40.0, 41))
		second.came = seconds(choose(wrong, 40.0, 41))
		h.call(41, changeCall, entry{handle: handle{0, 1}, seconds: 30})
	}},
	{whatWasNotDeliveredIsReleasedWithItsBackoff, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 500)
		h.changes(2, choose(wrong, 2, 1), 0)
	}},
	{nothingIsGivenUpWithoutProof, 2, nil, func(h *history, wrong bool) {
		h.receives(1, 0, 1)
		h.tries(0, 1.1, 1.2, 500)
		h.tries(1, choose(wrong, 1.05, 1.15), 1.3, 200)
		h.changes(2, 1, 0)
	}},
	{nothingIsGivenUpWithoutProof, 2, nil, func(h *history, wrong bool) { // a 429 never
		h.receives(1, 0, 1)
		h.tries(0, 1.1, 1.2, choose(wrong, 429, 500))
		h.tries(1, 1.15, 1.3, 200)
		h.changes(2, 1, 0)
	}},
	{noGoodMessageDiesInAnOutage, 1, stormOf(answers503), func(h *history, wrong bool) {
		h.plan.sends[0].poison = choose(wrong, 0, 500)
		h.dead[0] = true
	}},
	{anOutageBurnsNoReceives, 1, stormOf(refusesDials), func(h *history, wrong bool) {
		h.receives(1, 0)
		if wrong {
			h.receives(50, 0)
		}
	}},
	{poisonEndsInTheDeadLetterQueue, 1, stormOf(answers503), func(h *history, wrong bool) {
		h.plan.sends[0].poison = 500
		h.dead[0] = !wrong
	}},
	{theGateOpensSoon, 1, stormOf(answers503), func(h *history, wrong bool) {
		h.receives(12, 0)
		h.tries(0, choose(wrong, 45.0, 30), 46, 200)
	}},
	{theBacklogOfAnOutageIsDeliveredSoon, 6, stormOf(answers429), func(h *history, wrong bool) { // too few for either gate to close
		other := &process{world: h.world, name: "b1", drained: never, killed: never, exited: never}
		h.evidence.processes = append(h.evidence.processes, other)
		for m := range 6 {
			h.tries(m, 11, 12, 429)
			h.tries(m, 57, 58, 200)
			if m < 3 && !wrong {
				h.evidence.deliveries[2*m].by = other
			}
		}
	}},
	{theBacklogOfAnOutageIsDeliveredSoon, 1, stormOf(answers503), func(h *history, wrong bool) {
		h.tries(0, choose(wrong, 60.0, 40), 61, choose(wrong, 200, 500))
		h.tries(0, choose(wrong, 61.0, 30), choose(wrong, 62.0, 31), 200)
	}},
	{anOutageIsTriedFewTimes, 1, stormOf(answers503), func(h *history, wrong bool) {
		for i := range choose(wrong, 200, 40) {
			h.tries(0, 10+float64(i)/100, 10+float64(i)/100+0.005, 503)
		}
	}},
	{drainsEndInTimeAndStrandNothing, 0, nil, func(h *history, wrong bool) {
		h.stopsAtTen(choose(wrong, 40.0, 36))
	}},
	{drainsEndInTimeAndStrandNothing, 1, nil, func(h *history, wrong bool) {
		h.receives(5, 0)
		h.stopsAtTen(12)
		if !wrong {
			h.changes(10.5, 0, 0)
		}
	}},
	{aStopCostsAMessageOneReceive, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.changes(2, 0, 0)
		h.receives(3, 0)
		h.stopsAtTen(12)
		h.changes(10.5, 0, 0)
		if wrong {
			h.receives(11, 0)
		}
	}},
	{whatIsInHandIsBounded, 60, func(s *scenario) { s.calm = true }, func(h *history, wrong bool) {
		h.receives(1, upTo(choose(wrong, 60, 30))...)
	}},
	{fewRequestsAMessage, 1, func(s *scenario) { s.calm = true }, func(h *history, wrong bool) {
		for i := range choose(wrong, 30, 15) {
			h.receives(float64(i))
		}
		h.tries(0, 100, 101, 200)
	}},
	{anIdleQueueCostsOneLongPollAtATime, 0, func(s *scenario) { s.calm = true }, func(h *history, wrong bool) {
		h.idled = 0
		for i := range choose(wrong, 200, 180) {
			h.receives(float64(i))
		}
	}},
	{oneMessagesRefusalStopsNobodyElse, 100, inWide(wider{kind: refusalsOfSome, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour
		h.tries(0, 1, 1.1, 429)
		for m := 1; m < choose(wrong, 90, 99); m++ {
			h.tries(m, 2, 3, 200)
		}
	}},
	{oneMessagesRefusalStopsNobodyElse, 1, inWide(wider{kind: refusalsOfSome, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.tries(0, 1, 1.1, choose(wrong, 429, 503))
		h.dead[0] = true
	}},
	{aTargetThatRejectsEverythingKillsNoGoodMessage, 10, inWide(wider{kind: rejectsEverything, rejects: &window{0, time.Hour, 422}}), func(h *history, wrong bool) {
		for m := range h.plan.sends {
			h.tries(m, float64(m), float64(m)+0.1, 422)
		}
		h.plan.sends[7].poison = choose(wrong, 0, 422)
		h.dead[7] = true
	}},
	{undeletedMessagesAreBounded, 130, nil, func(h *history, wrong bool) {
		for m := range h.plan.sends {
			h.receives(float64(m), m)
			h.tries(m, float64(m)+0.1, float64(m)+0.2, 200)
			if !wrong && m%10 == 9 {
				h.deletes(float64(m)+0.5, m)
			}
		}
	}},
	{memoryIsBounded, 3, inWide(wider{kind: largeMessages, memory: 1 << 20}), func(h *history, wrong bool) {
		for m := range h.plan.sends {
			h.plan.sends[m].size, h.plan.sends[m].attributes = 200<<10, choose(wrong, 200, 100)<<10
		}
		h.receives(1, 0, 1, 2)
		h.receives(2)
	}},
	{whatWasNotProcessedHasNoStrike, 1, nil, func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(-1, 1.1, 1.1, 0)
		h.changes(2, choose(wrong, 1, 0), 0)
	}},
	{whatWasNotProcessedHasNoStrike, 1, inWide(wider{kind: goAways, goAway: 1}), func(h *history, wrong bool) {
		h.receives(1, 0)
		h.tries(-1, 1.1, 1.1, 0)
		h.dead[0] = wrong
	}},
	{aKillRepeatsOneMessageOfAGroup, 2, func(s *scenario) {
		inWide(wider{kind: goAways})(s)
		s.queues[0].fifo, s.queues[0].strict = true, true
	}, func(h *history, wrong bool) {
		h.receives(1, 0, 1)
		h.tries(0, 1.1, 1.2, 200)
		if !wrong {
			h.deletes(1.3, 0)
		}
		h.tries(1, 1.4, 1.5, 200)
		h.by.killed = seconds(2)
		h.tries(0, 40, 41, 200) // by whomever
		h.tries(1, 41, 42, 200)
	}},
	{noMessageIsStruckForItsNeighbour, 2, inWide(wider{kind: batches}), func(h *history, wrong bool) { // nobody was tried alone
		h.receives(1, 0, 1)
		h.triesAll(1.1, 1.2, 500, 500, 0, 1)
		if !wrong {
			h.tries(0, 1.3, 1.4, 500)
		}
		h.tries(1, 1.5, 1.6, 200)
		h.changes(2, 1, 0)
	}},
	{noMessageIsStruckForItsNeighbour, 3, inWide(wider{kind: batches}), func(h *history, wrong bool) { // tried with others again
		h.receives(1, 0, 1, 2)
		h.triesAll(1.1, 1.2, 500, 500, 0, 1)
		if wrong {
			h.triesAll(1.3, 1.4, 200, 200, 0, 2)
		} else {
			h.tries(0, 1.3, 1.4, 200)
		}
	}},
	{noMessageIsStruckForItsNeighbour, 3, inWide(wider{kind: batches}), func(h *history, wrong bool) { // and was lost and received again meanwhile
		h.receives(1, 0, 1)
		h.triesAll(1.1, 12, 500, 500, 0, 1)
		h.receives(11.995, 0, 2)
		if wrong {
			h.triesAll(12.1, 12.2, 200, 200, 0, 2)
		} else {
			h.tries(0, 12.1, 12.2, 500)
		}
	}},
	{noMessageIsStruckForItsNeighbour, 3, inWide(wider{kind: batches}), func(h *history, wrong bool) { // and was released
		h.receives(1, 0, 1)
		h.triesAll(1.1, 1.2, 500, 500, 0, 1)
		h.changes(2, 0, 0)
		h.receives(3, 0, 2)
		if !wrong {
			h.tries(0, 3.1, 3.2, 500)
		}
		h.triesAll(3.3, 3.4, 200, 200, 0, 2)
	}},
	{noMessageIsStruckForItsNeighbour, 2, inWide(wider{kind: batches}), func(h *history, wrong bool) {
		h.triesAll(1.1, 1.2, 500, 500, 0, 1)
		h.tries(0, 1.3, 1.4, 500)
		h.dead[choose(wrong, 1, 0)] = true
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour
		for m := range choose(wrong, 90, 99) {
			h.tries(m, 2, 3, 200)
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 2, inWide(wider{kind: batches, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.dead[0] = wrong
	}},
	{aBatchIsOneTokenAndOneSlot, 3, func(s *scenario) { s.targets[0].batch = &batchPlan{most: 2} }, func(h *history, wrong bool) {
		if wrong {
			h.triesAll(1, 2, 200, 200, 0, 1, 2)
		} else {
			h.triesAll(1, 2, 200, 200, 0, 1)
		}
	}},
	{aBatchIsOneTokenAndOneSlot, 2, func(s *scenario) {
		s.targets[0].batch, s.queues[0].fifo = &batchPlan{most: 2}, true
	}, func(h *history, wrong bool) { // two of a group
		h.plan.sends[1].group = choose(wrong, "g", "another")
		h.triesAll(1, 2, 200, 200, 0, 1)
	}},
	{aBatchIsOneTokenAndOneSlot, 3, func(s *scenario) {
		inWide(wider{kind: batches})(s)
		s.targets[0].batch = &batchPlan{most: 3}
	}, func(h *history, wrong bool) { // one is left behind
		h.receives(1, 0, 1, 2)
		h.triesAll(1.5, 1.6, 200, 200, 0, 1)
		h.tries(2, choose(wrong, 1.7, 1.5), 1.8, 200)
	}},
	{noMoreDeliveriesAtOnceThanSlots, 3, func(s *scenario) { s.targets[0].limits.Concurrency = 1 }, func(h *history, wrong bool) { // a batch is one
		h.triesAll(1, 2, 200, 200, 0, 1)
		h.tries(2, choose(wrong, 1.9, 2.1), 3, 200)
	}},
	{adaptingKillsNoGoodMessage, 1, func(s *scenario) { s.targets[0].capacities = []capacity{{most: 1, status: 429}} }, func(h *history, wrong bool) {
		h.tries(0, 1, 2, 429)
		if wrong {
			h.dead = map[int]bool{0: true}
		}
	}},
	{theLimitFoundIsNearTheTruth, 400, func(s *scenario) { s.targets[0].capacities = []capacity{{most: 1, status: 429}} }, func(h *history, wrong bool) {
		for i := range 400 {
			begins := float64(i) / 10
			h.tries(i, begins, begins+choose(wrong, 0.09, 0.1), 200)
		}
	}},
	{theLimitFoundIsNearTheTruth, 400, func(s *scenario) {
		s.targets[0].capacities, s.targets[0].limits.Concurrency = []capacity{{most: 1}}, 10
		s.targets[0].fastest, s.targets[0].slowest = 100*time.Millisecond, 100*time.Millisecond
	}, func(h *history, wrong bool) {
		for i := range 400 {
			begins := float64(i) / 10
			h.tries(i, begins, begins+choose(wrong, 0.23, 0.21), 200)
		}
	}},
}

func choose[T any](first bool, a, b T) T {
	if first {
		return a
	}
	return b
}

func nameOf(invariant func(*trial)) string {
	for _, i := range invariants {
		if reflect.ValueOf(i.holds).Pointer() == reflect.ValueOf(invariant).Pointer() {
			return i.name
		}
	}
	return ""
}

func TestTheJudgeFindsEachInvariantBroken(t *testing.T) {
	t.Parallel()
	tried := make(map[string]bool)
	for n, made := range handMade {
		name := nameOf(made.holds)
		tried[name] = true
		t.Run(fmt.Sprintf("%d %s", n, name), func(t *testing.T) {
			t.Parallel()
			for _, wrong := range []bool{true, false} {
				h := newHistory(t, made.messages, made.plan)
				made.happens(h, wrong)
				trial := newTrial(h.world)
				made.holds(trial)
				switch {
				case wrong && len(trial.broken) == 0:
					t.Error("the history breaks it, and the judge sees nothing")
				case wrong && trial.reached == 0:
					t.Error("the history breaks it, and does not count as one that reaches it")
				case !wrong && len(trial.broken) > 0:
					t.Errorf("the history does not break it, and the judge says: %v", trial.broken)
				}
			}
		})
	}
	for _, i := range invariants {
		if !tried[i.name] {
			t.Errorf("no history breaks %q", i.name)
		}
	}
}
