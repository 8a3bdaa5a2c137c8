package simulation

// brokenStorms break what holds in outages and drains, and what limits receives.
var brokenStorms = []handMade{
	{noGoodMessageDiesInAnOutage, 1, stormOf(answers503), func(h *history, wrong bool) {
		h.plan.sends[0].poison = choose(wrong, 0, 500)
		h.dead[0] = true
	}},
	{noGoodMessageDiesInAnOutage, 1, func(s *scenario) { // in which SQS was away, too
		stormOf(answers503)(s)
		s.queues[0].maxReceives = 3
	}, func(h *history, wrong bool) {
		h.plan.away = []window{{from: seconds(12), to: seconds(choose(wrong, 13.0, 40))}}
		h.dead[0] = true
	}},
	{noGoodMessageDiesInAnOutage, 6, func(s *scenario) { // in an outage in which some succeed, but no retry yet
		stormOf(answers404)(s)
		s.storm.kind = partial
	}, func(h *history, wrong bool) {
		h.receives(9, upTo(6)...)
		h.tries(0, 11, 12, 404)
		h.tries(1, 11, 12, 404)
		h.tries(1, 12.1, choose(wrong, 12.9, 13.1), 200)
		h.tries(2, 12.1, 12.2, 200)
		h.changes(13, 1, 0)
		h.dead[0] = true
	}},
	{noGoodMessageDiesInAnOutage, 30, func(s *scenario) { // or hardly any after many had
		stormOf(answers500)(s)
		s.storm.kind = flapping
	}, func(h *history, wrong bool) {
		h.receives(9, upTo(30)...)
		h.tries(0, 11, 11.1, 500)
		for m := 1; m < 21; m++ {
			h.tries(m, 11, 11.1, 500)
			h.tries(m, 11.2, 11.3, 200)
		}
		for i := range 24 {
			at := 12 + float64(i)/10
			h.tries(choose(i%2 == 0, 0, 21), at, at+0.1, choose(wrong && i%6 == 5, 200, 500))
		}
		h.changes(20, 1, 0)
		h.dead[0] = true
	}},
	{noGoodMessageDiesInAnOutage, 2, func(s *scenario) { // where hardly anything succeeds
		stormOf(answers404)(s)
		s.storm.kind = flapping
	}, func(h *history, wrong bool) {
		h.receives(9, 0, 1)
		h.tries(1, 11, 11.1, 404)
		h.tries(1, 11.2, 11.3, 200)
		for i := range 60 {
			at := 12 + float64(i)/10
			h.tries(0, at, at+0.1, 404)
			h.tries(1, at, at+0.1, choose(wrong && i%3 == 0, 200, 404))
		}
		h.changes(20, 1, 0)
		h.dead[0] = true
	}},
	{anOutageBurnsNoReceives, 1, stormOf(refusesDials), func(h *history, wrong bool) {
		h.receives(1, 0)
		if wrong {
			h.receives(50, 0)
		}
	}},
	{anOutageBurnsNoReceives, 1, func(s *scenario) { // where requests are read, and their connections closed
		stormOf(refusesDials)(s)
		s.storm.kind = flapping
	}, func(h *history, wrong bool) {
		h.receives(10, 0)
		for i := range choose(wrong, 2, 3) {
			h.tries(0, 11+float64(i), 11.1+float64(i), 0)
		}
		h.changes(15, 0, 0)
		h.receives(16, 0)
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
	{theBacklogOfAnOutageIsDeliveredSoon, 5, stormOf(answers429), func(h *history, wrong bool) { // and too few in one process
		for m := range choose(wrong, 5, 4) {
			h.tries(m, 11, 12, 429)
			h.tries(m, choose(m == 0, 31.0, 57), choose(m == 0, 32.0, 58), 200)
		}
		h.tries(4, 58, 59, 200)
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
	{aStopCostsAMessageOneReceive, 1, nil, func(h *history, wrong bool) { // that came for the first time
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
	{whatIsInHandIsBounded, 60, func(s *scenario) { s.calm = true }, func(h *history, wrong bool) { // four of six receives look slow
		for i := range 6 {
			c := h.receives(1+float64(i)/100, upTo(60)[10*i:10*i+10]...)
			if !wrong && i < 4 {
				c.came = seconds(1.1)
			}
		}
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
}
