package simulation

import "time"

// noGoodMessageDiesInAnOutage: with three receives and one restart at most. Of a
// target that hangs now and then, and so looks like one that is slow, that is not
// promised; nor of one message alone in a queue of a target that answers 500.
func noGoodMessageDiesInAnOutage(t *trial) {
	s := t.plan.storm
	if s == nil || s.way == hangs && s.kind != total {
		return
	}
	alone := t.alone()
	for m := range t.plan.sends {
		if t.dead[m] && !t.plan.sends[m].poison && t.queue(m).maxReceives >= 3 && !alone[m] {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d, a good message, is dead", m)
		}
	}
}

// alone are the messages that were given up after five minutes, with hardly anybody else
// in the queue: a quiet queue's outage by 500s or time-outs is taken for poison.
func (t *trial) alone() map[int]bool {
	alone := make(map[int]bool)
	for _, l := range t.lives {
		if l.how == "released" && len(l.starts) > 0 && l.released-l.starts[0].ended >= 5*time.Minute && !l.starts[0].delivered() {
			alone[l.message] = true
		}
	}
	return alone
}

// anOutageBurnsNoReceives: in a total outage of up to 11 hours each message is received
// once, whoever has it. An answer that one strike is enough for may cost one more, where
// too few messages are in trouble for the gate to close.
func anOutageBurnsNoReceives(t *trial) {
	s := t.plan.storm
	if s == nil || s.kind != total || s.poison || s.restarts > 0 || len(t.plan.away) > 0 || s.to-s.from > 11*time.Hour {
		return
	}
	most := 1
	if s.way == hangs || s.way == answers500 || s.way == answers404 {
		most = 2
	}
	alone := t.alone()
	receives := make(map[int]int)
	for _, x := range t.evidence.executed {
		if x.call == nil || x.call.action != "ReceiveMessage" {
			continue
		}
		for _, i := range x.items {
			if receives[i.message]++; receives[i.message] == most+1 && !alone[i.message] {
				t.breaks(x.at, x.call.by, "receives m%d for the %d. time", i.message, most+1)
			}
		}
	}
}

// poisonEndsInTheDeadLetterQueue, once the target is well: by the queue's redrive.
func poisonEndsInTheDeadLetterQueue(t *trial) {
	if t.plan.storm == nil || t.healed == never {
		return
	}
	for m := range t.plan.sends {
		if t.plan.sends[m].poison && !t.dead[m] {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d, which is poison, is not dead", m)
		}
	}
}

// theGateOpensSoon: after a total outage each process that has something in hand
// delivers within the longest gap between probes, which is drawn from half to one and
// a half times 10 s, or what the target asked for, and the time of a probe that was
// under way.
func theGateOpensSoon(t *trial) {
	s := t.plan.storm
	if s == nil || s.kind != total || s.poison || len(t.plan.away) > 0 {
		return
	}
	target := &t.plan.targets[0]
	within := 15*time.Second + target.timeout + target.retryAfter*3/2 + time.Second
	deadline := s.to + within
	for _, p := range t.evidence.processes {
		if p.started > s.to || t.end(p) < deadline || p.drained != never && p.drained < deadline {
			continue
		}
		has, delivered := false, false
		for _, l := range t.lives {
			has = has || l.by == p && l.receives[0].call.came < s.to && (l.ended == never || l.ended > deadline)
		}
		for _, d := range t.evidence.deliveries {
			delivered = delivered || d.by == p && d.delivered() && d.arrived >= s.to && d.arrived <= deadline
		}
		if has && !delivered {
			t.breaks(deadline, p, "has delivered nothing for %v though the target is well and messages are in hand", within)
		}
	}
}

// anOutageIsTriedFewTimes: what is in hand at its begin twice at most, ten tries in
// the time before the gate closes, and then probes.
func anOutageIsTriedFewTimes(t *trial) {
	s := t.plan.storm
	if s == nil || s.kind != total || s.poison {
		return
	}
	slots := t.plan.targets[0].limits.Concurrency
	probes := 2 * min((s.to-s.from).Seconds(), 10)
	for at := 10.0; at < (s.to - s.from).Seconds(); {
		at += min(at/10, 10) / 2
		probes++
	}
	most := 2*slots + 40 + int(probes)
	tries := make(map[*process]int)
	for _, d := range t.evidence.deliveries {
		if d.arrived >= s.from && d.arrived < s.to {
			tries[d.by]++
		}
	}
	for p, n := range tries {
		if n > most {
			t.breaks(s.to, p, "has tried %d times in an outage of %v; at most %d may be", n, s.to-s.from, most)
		}
	}
}
