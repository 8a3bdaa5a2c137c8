package simulation

import (
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// brokenLives break what holds for every message and for the pace.
var brokenLives = []handMade{
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
	{everythingReceivedIsSettledOrReported, 1, inWide(wider{hangs: []window{{0, 5 * time.Second, 0}}}), func(h *history, wrong bool) {
		h.receives(1, 0) // lost, and back while its request may still connect
		gone := h.newest(30, []int{0})
		gone[0].code = "MessageNotInflight"
		h.call(2, changeCall, gone...)
		h.receives(choose(wrong, 9.0, 3), 0)
		h.deletes(9.5, 0)
		h.stopsAtTen(11)
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
	{aToldLimitIsKept, 3, inWide(wider{kind: limitsTold}), func(h *history, wrong bool) { // until the next answer, though it may not be heard
		h.tries(0, 1, 2, 200)
		h.evidence.deliveries[0].told = &told{1, 20 * time.Second}
		h.tries(1, 3, 4, 200)
		if !wrong {
			h.evidence.deliveries[1].told = &told{1, 2 * time.Second}
		}
		h.by.stood = append(h.by.stood, standstill{from: seconds(4.5), to: seconds(6)})
		h.tries(2, 12, 13, 200)
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
	{whatWasDeliveredIsNotDeliveredAgain, 1, nil, func(h *history, wrong bool) { // nor if it is released meanwhile
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 200)
		h.deletes(1.5, 0)
		again := choose(wrong, 50.0, 70)
		h.receives(again, 0)
		h.changes(again+1, 0, 0)
		h.receives(80, 0)
		h.tries(0, 81, 82, 200)
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
	{whatIsInHandIsExtendedAtHalfItsVisibility, 1, nil, func(h *history, wrong bool) { // what is delivered after nearly 12 hours
		h.stopped = 13 * time.Hour
		h.receives(0, 0)
		last := choose(wrong, 11.5, 11.95) * 3600
		for at := 10.0; at < last; at += 50 {
			h.changes(at, 120, 0)
		}
		h.tries(0, last+10, last+11, 200)
		h.deletes(last+80, 0)
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
	{oneFailedEntryDelaysNoOther, 1, nil, func(h *history, wrong bool) { // nor does a receive that is out, but at a stop
		h.receives(1, 0)
		h.receives(2, 0)
		h.tries(0, 10.1, 10.2, 422)
		h.changes(17, 1, 0)
		if !wrong {
			h.receives(15).sent = 9 * time.Second
		}
		h.stopsAtTen(18)
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
	{aMessageInHandIsDeliveredOnce, 1, nil, func(h *history, wrong bool) { // a release that was not answered
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 400)
		h.changes(1.3, 2, 0)
		h.evidence.calls[1].came = never
		h.receives(1.5, 0)
		h.receives(choose(wrong, 2.0, 5), 0)
		h.tries(0, 5.1, 5.2, 200)
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
	{whatWasNotDeliveredIsReleasedWithItsBackoff, 1, nil, func(h *history, wrong bool) { // which waited for a connect that hung
		h.evidence.deliveries = append(h.evidence.deliveries, &delivery{by: h.by, message: -1, arrived: seconds(3), ended: seconds(3), how: choose(wrong, "refused", "hangs")})
		h.receives(4, 0)
		h.changes(5, 900, 0)
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
	{nothingIsGivenUpWithoutProof, 1, nil, func(h *history, wrong bool) { // unless it may have been before, in a standstill
		h.receives(1, 0)
		h.tries(0, 1.1, 1.2, 429)
		h.by.stood = append(h.by.stood, standstill{from: seconds(2), to: seconds(3)})
		h.changes(choose(wrong, 1.5, 4), 1, 0)
		h.receives(6, 0)
		h.tries(0, 6.1, 6.2, 500)
		h.changes(7, 1, 0)
	}},
}
