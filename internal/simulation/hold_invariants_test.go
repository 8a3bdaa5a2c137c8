package simulation

import (
	"net/http"
	"slices"
	"time"
)

// noGoodMessageDiesInAnOutage: with three receives and at most one restart, and one receive more
// for each time that SQS is away for so long that it takes back what is in hand. This is not
// promised for a target that hangs now and then, and so looks slow; nor for a single message
// in a queue whose target answers 500; nor for what is behind poison on a FIFO queue with
// several replicas, each of which may cost it a receive; nor where some deliveries succeed, but
// no retry has yet, or nine of ten deliveries fail: a message that fails each time by chance looks
// like poison.
func noGoodMessageDiesInAnOutage(t *trial) {
	s := t.plan.storm
	if s == nil || s.way == hangs && s.kind != total {
		return
	}
	t.reaches()
	alone := t.alone()
	for m := range t.plan.sends {
		if s.poison && t.queue(m).fifo && len(t.plan.replicas) > 1 {
			continue
		}
		if t.dead[m] && t.plan.sends[m].poison == 0 && t.queue(m).maxReceives >= 3+t.takenBack(m) && !alone[m] && !t.looksLikePoison(m) {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d, a good message, is dead", m)
		}
	}
}

// takenBack is how often SQS was away for so long that m's visibility ended meanwhile: what is in
// hand is extended at half of it.
func (t *trial) takenBack(m int) int {
	n := 0
	for _, w := range t.plan.away {
		if w.to-w.from >= t.queue(m).shortest()/2 {
			n++
		}
	}
	return n
}

// looksLikePoison reports whether m was given up, in a storm that leaves some deliveries well, by a
// process of which no retry in it had succeeded, or nine of ten deliveries had failed since m's
// first; of a target that comes and goes, since any try of m.
func (t *trial) looksLikePoison(m int) bool {
	s, given := t.plan.storm, (*life)(nil)
	for _, l := range t.lives {
		if l.message == m && l.how == "released" {
			given = l
		}
	}
	if s.kind == total || given == nil {
		return false
	}
	retried, since, enough := false, []stretch(nil), choose(s.kind == flapping, 20, 50)
	for _, d := range t.evidence.deliveries {
		if d.by != given.by || d.arrived < s.from || d.ended >= given.released {
			continue
		}
		retried = retried || d.number > 0 && d.delivered()
		if d.message == m && (len(since) == 0 || s.kind == flapping) {
			since = append(since, stretch{})
		}
		for i := range since {
			since[i].tries++
			if d.delivered() {
				since[i].delivered++
			}
		}
	}
	return !retried || slices.ContainsFunc(since, func(n stretch) bool { return n.tries >= enough && 10*n.delivered < n.tries })
}

// stretch counts deliveries from some moment on.
type stretch struct{ tries, delivered int }

// alone returns the messages that were given up after five minutes with hardly any others in
// the queue: an outage of 500s or timeouts of a quiet queue is taken for poison.
func (t *trial) alone() map[int]bool {
	alone := make(map[int]bool)
	for _, l := range t.lives {
		if l.how == "released" && len(l.starts) > 0 && l.released-l.starts[0].ended >= 5*time.Minute && !l.starts[0].delivered() {
			alone[l.message] = true
			if p := t.plan.sends[l.message]; t.plan.queues[p.queue].fifo {
				for m, other := range t.plan.sends { // those behind it go back with it
					alone[m] = alone[m] || other.queue == p.queue && other.group == p.group
				}
			}
		}
	}
	return alone
}

// nothingButAnOutage reports whether it is a storm of up to 11 hours without poison or a restart,
// in which SQS is well.
func (t *trial) nothingButAnOutage() bool {
	s := t.plan.storm
	return s != nil && !s.poison && s.restarts == 0 && len(t.plan.away) == 0 && s.to-s.from <= 11*time.Hour
}

// anOutageBurnsNoReceives: in an outage of up to 11 hours that no message can have caused
// (refused connections, 429s), every message is received once, whoever has it. The same holds
// in a total outage of any kind if enough messages are tried for the gate to close; if not, an
// answer for which one strike is enough may cost one more; where the target comes and goes, so
// may three requests that it has read before it closed their connections.
func anOutageBurnsNoReceives(t *trial) {
	s := t.plan.storm
	if !t.nothingButAnOutage() {
		return
	}
	crowd := t.plan.targets[0].crowd
	blameless := (s.way == refusesDials || s.way == answers429) && (crowd == nil || crowd.status == http.StatusTooManyRequests)
	if !blameless && s.kind != total {
		return
	}
	t.reaches()
	most := 1
	if !blameless && (s.way == hangs || s.way == answers500 || s.way == answers404) && !t.busy() {
		most = 2
	}
	alone := t.alone()
	for _, l := range t.lives {
		broken := 0
		for _, d := range l.starts {
			if d.ended != never && d.status == 0 {
				broken++
			}
		}
		alone[l.message] = alone[l.message] || s.kind != total && l.how == "released" && broken >= 3
	}
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

// busy reports whether a storm lasts, and that each process that tries the target in it tries
// five different messages before trouble of any length would close the gate.
func (t *trial) busy() bool {
	s, soon := t.plan.storm, time.Second
	if s.way == hangs {
		soon = t.plan.targets[0].timeout
	}
	if s.to-s.from < soon+15*time.Second {
		return false
	}
	tried, within := make(map[*process]bool), make(map[*process]map[int]bool)
	for _, d := range t.evidence.deliveries {
		if d.message < 0 || d.arrived < s.from || d.arrived >= s.to {
			continue
		}
		tried[d.by] = true
		if d.arrived < s.from+soon {
			if within[d.by] == nil {
				within[d.by] = make(map[int]bool)
			}
			within[d.by][d.message] = true
		}
	}
	for p := range tried {
		if len(within[p]) < 5 {
			return false
		}
	}
	return true
}

// poisonEndsInTheDeadLetterQueue once the target is well, through the queue's redrive.
func poisonEndsInTheDeadLetterQueue(t *trial) {
	if t.plan.storm == nil || t.healed == never {
		return
	}
	for m := range t.plan.sends {
		if t.plan.sends[m].poison != 0 {
			t.reaches()
		}
		if t.plan.sends[m].poison != 0 && !t.dead[m] {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d, which is poison, is not dead", m)
		}
	}
}

// soonAfter is how long after the storm a process retries its target, at most: messages too
// few to close its gate are held individually, after a 429 for up to 30 s and half of that.
func (t *trial) soonAfter(p *process) time.Duration {
	target, s := &t.plan.targets[0], t.plan.storm
	longest := 15 * time.Second
	if tried, first := t.triedInTheStorm(p); s.way == answers429 && tried > 0 && first < 5 {
		longest = 45 * time.Second
	}
	return longest + target.timeout + target.retryAfter*3/2 + time.Second
}

// triedInTheStorm is how many different messages these processes tried during the storm, and how
// many of those for the first time: the retries of others do not close a gate.
func (t *trial) triedInTheStorm(by ...*process) (tried, first int) {
	type try struct {
		by      *process
		message int
	}
	before, all, fresh := make(map[try]bool), make(map[int]bool), make(map[int]bool)
	for _, d := range t.evidence.deliveries { // in the order in which they arrived
		k := try{d.by, d.message}
		if !slices.Contains(by, d.by) || d.arrived >= t.plan.storm.to {
			continue
		}
		if d.arrived >= t.plan.storm.from {
			all[d.message] = true
			fresh[d.message] = fresh[d.message] || !before[k]
		} else {
			before[k] = true
		}
	}
	for _, is := range fresh {
		if is {
			first++
		}
	}
	return len(all), first
}

// theGateOpensSoon: after a total outage each process that has something in hand delivers
// within the longest gap between probes (10 s, times one half to one and a half, or what the
// target asked for) plus the duration of a probe that was under way.
func theGateOpensSoon(t *trial) {
	s := t.plan.storm
	if s == nil || s.kind != total || s.poison || len(t.plan.away) > 0 {
		return
	}
	for _, p := range t.evidence.processes {
		within := t.soonAfter(p)
		deadline := s.to + within
		if p.started > s.to || t.end(p) < deadline || p.drained != never && p.drained < deadline {
			continue
		}
		has, delivered := false, false
		for _, l := range t.lives {
			if l.by == p && l.receives[0].call.came < s.to && (l.ended == never || l.ended > s.to) {
				t.reaches()
			}
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

// theBacklogOfAnOutageIsDeliveredSoon: after a total outage the pace is back within 5 s, or
// five rounds, of the first delivery. So everything sent before the end of the outage is
// delivered by then plus twice the time that it takes. Each replica finds out for itself, and
// each message does where they are too few to close the gate.
func theBacklogOfAnOutageIsDeliveredSoon(t *trial) {
	s := t.plan.storm
	if !t.nothingButAnOutage() || s.kind != total {
		return
	}
	target := &t.plan.targets[0]
	took := make(map[int]instant)
	back := s.to
	together := len(t.plan.replicas) == 1
	for _, p := range t.evidence.processes {
		back = max(back, s.to+t.soonAfter(p))
		_, first := t.triedInTheStorm(p)
		together = together && first >= 5
	}
	for _, d := range t.evidence.deliveries {
		if d.delivered() && took[d.message] == 0 {
			took[d.message] = d.ended
			if d.arrived >= s.to && t.plan.sends[d.message].at < s.to && together {
				back = min(back, d.arrived)
			}
		}
	}
	alone := t.alone()
	var backlog time.Duration
	for m := range t.plan.sends {
		if t.plan.sends[m].at >= s.to || took[m] != 0 && took[m] < s.to {
			continue
		}
		t.reaches()
		one := target.slowest + 20*time.Millisecond
		if !t.queue(m).fifo { // a FIFO queue may have one group
			one /= time.Duration(target.limits.Concurrency)
		}
		if target.limits.Limited {
			one = max(one, time.Duration(float64(time.Second)/target.limits.Rate))
		}
		backlog += one
	}
	deadline := back + max(5*time.Second, 5*target.slowest) + 2*backlog + target.retryAfter
	if s.way == hangs {
		deadline += target.timeout // what hung at its end hangs on
	}
	for m := range t.plan.sends {
		if t.plan.sends[m].at < s.to && (took[m] == 0 || took[m] > deadline) && !alone[m] && !t.dead[m] {
			t.breaks(deadline, t.evidence.processes[0], "and the others have not delivered m%d, %v after the outage", m, deadline-s.to)
			return
		}
	}
}

// anOutageIsTriedFewTimes: what is in hand when it begins is tried twice at most, plus five
// tries before the gate closes, and then probes.
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
	if tried, _ := t.triedInTheStorm(t.evidence.processes...); !t.busy() || tried < 10 || slices.ContainsFunc(t.plan.queues, func(q queuePlan) bool { return q.fifo }) {
		// Held messages are tried one by one: too few to close the gate, where some fail now and
		// then by chance, or the heads of as many groups as there are slots.
		probes += float64(slots+4) * (s.to - s.from).Seconds() / 5
	}
	most := 2*slots + 25 + int(probes)
	tries := make(map[*process]int)
	for _, d := range t.evidence.deliveries {
		if d.arrived >= s.from && d.arrived < s.to {
			tries[d.by]++
		}
	}
	for p, n := range tries {
		t.reaches()
		if n > most {
			t.breaks(s.to, p, "has tried %d times in an outage of %v; at most %d may be", n, s.to-s.from, most)
		}
	}
}
