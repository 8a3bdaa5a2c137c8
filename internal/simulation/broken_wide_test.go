package simulation

import "time"

// brokenWide break what holds in wider worlds, with batches, and where the concurrency is found.
var brokenWide = []handMade{
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
	{aTargetThatRejectsEverythingKillsNoGoodMessage, 5, func(s *scenario) { // a second process believes the first five anew
		inWide(wider{kind: rejectsEverything, rejects: &window{0, time.Hour, 422}})(s)
		s.queues[0].maxReceives = 4
	}, func(h *history, wrong bool) {
		for m := range h.plan.sends {
			h.tries(m, float64(m), float64(m)+0.1, 422)
		}
		h.dead[0] = true
		if !wrong {
			h.by.exited = seconds(60)
			other := &process{world: h.world, name: "a2", started: seconds(60), drained: never, killed: never, exited: never}
			h.evidence.processes = append(h.evidence.processes, other)
		}
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
	{whatWasNotDeliveredIsReleasedWithItsBackoff, 1, inWide(wider{kind: refusalsOfSome, refusals: &refusals{}}), func(h *history, wrong bool) { // what cannot be deleted is hidden
		h.receives(1, 0)
		h.tries(0, 2, 2.1, 429)
		h.evidence.deliveries[0].retryAfter = 600
		h.tries(0, 3, 3.1, choose(wrong, 429, 200))
		h.changes(10, 600, 0)
	}},
	{memoryIsBounded, 3, inWide(wider{kind: largeMessages, memory: 1 << 20}), func(h *history, wrong bool) {
		for m := range h.plan.sends {
			h.plan.sends[m].size, h.plan.sends[m].attributes = 200<<10, choose(wrong, 200, 100)<<10
		}
		h.receives(1, 0, 1, 2)
		h.receives(2)
	}},
	{memoryIsBounded, 3, inWide(wider{kind: largeMessages, memory: 1 << 20, rejected: "discard"}), func(h *history, wrong bool) { // what is discarded is not
		for m := range h.plan.sends {
			h.plan.sends[m].size = 400 << 10
		}
		h.receives(1, 0, 1, 2)
		h.tries(0, 1.1, 1.2, choose(wrong, 503, 422))
		h.receives(2)
		h.deletes(6, 0)
	}},
	{memoryIsBounded, 3, inWide(wider{kind: largeMessages, memory: 1 << 20, rejected: "dead-letter"}), func(h *history, wrong bool) { // nor what the dead-letter queue has
		for m := range h.plan.sends {
			h.plan.sends[m].size = 400 << 10
		}
		h.receives(1, 0, 1, 2)
		h.tries(0, 1.1, 1.2, 422)
		if !wrong {
			h.deletes(1.5, 0).came = never
		}
		h.receives(2)
		h.deletes(6, 0)
	}},
	{memoryIsBounded, 3, inWide(wider{kind: largeMessages, memory: 1 << 20}), func(h *history, wrong bool) { // nor what was delivered before
		for m := range h.plan.sends {
			h.plan.sends[m].size = 400 << 10
		}
		h.receives(1, 0, 1, 2)
		if wrong {
			h.tries(0, 1.1, 3, 200)
		}
		h.receives(2)
		h.deletes(6, 0)
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
	{noMessageIsStruckForItsNeighbour, 2, func(s *scenario) { // behind one at fault, which each replica has given up
		inWide(wider{kind: batches})(s)
		s.queues[0].fifo = true
	}, func(h *history, wrong bool) {
		h.plan.replicas = make([]replicaPlan, choose(wrong, 2, 3))
		h.tries(0, 1.3, 1.4, 500)
		h.dead[1] = true
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour
		for m := range choose(wrong, 90, 99) {
			h.tries(m, 2, 3, 200)
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour // ten are hidden for long after a kill
		for m := range 90 {
			h.tries(m, 2, 3, 200)
		}
		hidden := upTo(100)[90:]
		h.receives(40, hidden...)
		h.changes(41, choose(wrong, 20, 120), hidden...)
		h.by.killed = seconds(42)
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{retryAfter: 10 * time.Second}}), func(h *history, wrong bool) {
		h.by.started = choose(wrong, seconds(50), seconds(90)) // after which the time begins anew
		for m := range 90 {
			h.tries(m, 2, 3, 200)
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{retryAfter: 10 * time.Second}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour // it stands still, and the time begins anew
		h.by.stood = append(h.by.stood, standstill{from: seconds(5), to: choose(wrong, seconds(50), seconds(90))})
		for m := range 90 {
			h.tries(m, 2, 3, 200)
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{share: 0.5, always: true}}), func(h *history, wrong bool) {
		h.by.started = seconds(5) // behind refused ones, which it has to pass
		for m := range h.plan.sends {
			if h.plan.refuses(m) != wrong {
				h.tries(m, 6, 7, 429)
			}
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 100, inWide(wider{kind: batches, refusals: &refusals{share: 0.5, always: true}}), func(h *history, wrong bool) {
		h.by.started = seconds(5) // the same, with a target of which nothing is refused
		h.plan.targets = append(h.plan.targets, h.plan.targets[0])
		h.plan.queues = append(h.plan.queues, h.plan.queues[0])
		h.plan.queues[1].target = 1
		for m := range h.plan.sends {
			if m%3 == 0 && !h.plan.refuses(m) {
				h.plan.sends[m].queue = 1
				h.tries(m, 5.5, 5.6, 200)
				h.evidence.deliveries[len(h.evidence.deliveries)-1].target = 1
			}
		}
		for m := range h.plan.sends {
			if h.plan.sends[m].queue == 0 && h.plan.refuses(m) != wrong {
				h.tries(m, 6, 7, 429)
			}
		}
	}},
	{aRefusalForOnesSakeStopsNoNeighbour, 40, inWide(wider{kind: batches, refusals: &refusals{retryAfter: 10 * time.Second}}), func(h *history, wrong bool) {
		h.by.started = -time.Hour // one after another of their groups
		h.plan.queues[0].fifo = true
		for m := range h.plan.sends {
			h.plan.sends[m].group = choose(wrong, string('a'+rune(m)), string('a'+rune(m%10)))
			h.tries(m, 2, float64(3+40*(m/10)), 200)
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
