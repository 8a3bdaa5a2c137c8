package simulation

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// noMessageIsStruckForItsNeighbour: a message that has failed only together with all others
// in its requests is not given up, and its process tries it alone next, however often it has
// been received meanwhile, unless no message can have caused the failure. If nothing but batches
// goes wrong, no message dies that never failed by itself: on a FIFO queue with as many receives
// as there are replicas, and one more, since each may release it behind one at fault.
func noMessageIsStruckForItsNeighbour(t *trial) {
	ownFault := func(d *delivery) bool { return !d.delivered() && !d.dissolved() }
	type tried struct {
		by      *process
		message int
	}
	last := make(map[tried]*delivery)
	for _, d := range t.evidence.deliveries {
		key := tried{d.by, d.message}
		if before := last[key]; before != nil && before.apart() && d.inBatch() {
			t.breaks(d.arrived, d.by, "delivers m%d with others, with which it has failed before", d.message)
		}
		last[key] = d
	}
	for _, l := range t.lives {
		if !slices.ContainsFunc(l.starts, (*delivery).dissolved) {
			continue
		}
		t.reaches()
		if l.how != "released" || l.release.seconds == 0 || forRoom(l.release.seconds) || l.stoodStill() {
			continue
		}
		if !slices.ContainsFunc(l.starts, ownFault) {
			t.breaks(l.released, l.by, "gives m%d up, which has failed only together with others", l.message)
		}
	}
	if w := t.plan.wide; w == nil || !w.alone || w.kind != batches {
		return
	}
	failed := make(map[int]bool)
	for _, d := range t.evidence.deliveries {
		failed[d.message] = failed[d.message] || ownFault(d)
	}
	for m := range t.plan.sends {
		t.reaches()
		lost := 1
		if t.queue(m).fifo {
			lost = len(t.plan.replicas)
		}
		if t.dead[m] && !failed[m] && t.queue(m).maxReceives > t.restarts()+lost {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d is dead, which never failed by itself", m)
		}
	}
}

// apart reports whether its request failed in a way that one of its messages may have caused,
// so that each is tried alone.
func (d *delivery) apart() bool {
	return d.dissolved() && d.how != "gone" && d.status != http.StatusTooManyRequests && d.retryAfter == 0 && !d.unseen()
}

// aRefusalForOnesSakeStopsNoNeighbour: where a target refuses all that is in a request for the
// sake of one message (a 429, a Retry-After), and nothing else is wrong, of the others sent up
// to a minute and four Retry-Afters ago at least 95 % are delivered at any time. And none of
// them dies.
//
// A process that starts knows nothing of what the one before it has found out: the time begins
// anew. So it does after a standstill. For a message that a process had in hand when it was killed it does when SQS hands it
// out again. A process that starts behind refused ones takes them for the target's trouble, and
// passes them probe by probe. And on a FIFO queue each of those that were before a message in its group
// when it was sent may be refused twice.
func aRefusalForOnesSakeStopsNoNeighbour(t *trial) {
	w := t.plan.wide
	if w == nil || w.kind != batches || !w.alone || w.refusals == nil {
		return
	}
	soon := time.Minute + 4*w.refusals.retryAfter
	type key struct {
		queue int
		group string
	}
	took := make(map[int]instant)
	for _, d := range t.evidence.deliveries {
		if at, ok := took[d.message]; d.delivered() && (!ok || d.ended < at) {
			took[d.message] = d.ended
		}
	}
	behind := make(map[key]bool) // one that is refused, in its group
	before := make(map[key][]int)
	waits := make(map[int]time.Duration)
	var good []int
	for m, p := range t.plan.sends {
		k := key{p.queue, p.group}
		if behind[k] = behind[k] || t.plan.refuses(m); t.plan.refuses(m) || behind[k] && t.queue(m).fifo {
			continue
		}
		good = append(good, m)
		if !t.queue(m).fifo {
			continue
		}
		for _, other := range before[k] {
			if at, ok := took[other]; !ok || at > p.at {
				waits[m] += 2 * w.refusals.retryAfter
			}
		}
		before[k] = append(before[k], m)
	}
	hidden := t.hiddenByKills()
	for at := soon; at <= t.plan.trouble; at += 10 * time.Second {
		sent, done := 0, 0
		for _, m := range good {
			when, ok := took[m]
			delivered := ok && when <= at
			if t.plan.sends[m].at > at-soon-waits[m] || !delivered && hidden(m, at-soon) {
				continue
			}
			sent++
			if delivered {
				done++
			}
		}
		if sent < 20 || t.disturbedBefore(at) || t.restartedWithin(at, soon) || t.passesRefused(at-soon) {
			continue
		}
		t.reaches()
		if float64(done) < 0.95*float64(sent) {
			t.breaks(at, t.evidence.processes[0], "has delivered %d of %d good messages, while others are refused", done, sent)
			break
		}
	}
	for _, m := range good {
		t.reaches()
		if t.dead[m] && t.queue(m).maxReceives > t.restarts()+1 {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d is dead, which was refused for another's sake", m)
		}
	}
}

// restartedWithin reports whether a process was started, ended or stood still in a time before.
func (t *trial) restartedWithin(at instant, before time.Duration) bool {
	within := func(when instant) bool { return when > at-before && when <= at }
	return slices.ContainsFunc(t.evidence.processes, func(p *process) bool { return within(p.started) || within(t.end(p)) || p.standsIn(at-before, at) })
}

// hiddenByKills returns whether SQS still hid a message, or one before it in its group, at an
// instant, because a process had it in hand when it was killed.
func (t *trial) hiddenByKills() func(m int, at instant) bool {
	until := make(map[int]instant)
	for _, l := range t.lives {
		if l.by.killed == never || l.ended != never {
			continue
		}
		for _, r := range l.receives {
			until[l.message] = max(until[l.message], r.served+r.call.visibility)
		}
		for _, e := range t.mentions[l.by][l.message] {
			if e.call.action == changeCall && e.entry.handle == l.newest() {
				until[l.message] = max(until[l.message], e.call.sent+time.Duration(e.entry.seconds)*time.Second)
			}
		}
	}
	return func(m int, at instant) bool {
		for hidden, end := range until {
			q, p := t.plan.sends[hidden], t.plan.sends[m]
			if end > at && (hidden == m || hidden < m && q.queue == p.queue && q.group == p.group && t.queue(m).fifo) {
				return true
			}
		}
		return false
	}
}

// passesRefused reports whether at an instant a process still passes, probe by probe, the
// refused messages behind which it started: they were the first five that it tried, and a
// probe comes after a tenth of the time since, between 1 and 10 s, or the Retry-After.
func (t *trial) passesRefused(at instant) bool {
	const enough = 5
	good := func(m int) bool { return !t.plan.refuses(m) }
	for _, p := range t.evidence.processes {
		for target := range t.plan.targets {
			tried := make(map[int]bool)
			for _, d := range t.evidence.deliveries {
				if d.by == p && d.target == target && len(tried) < enough {
					tried[d.message] = true
				}
			}
			if len(tried) < enough || slices.ContainsFunc(slices.Collect(maps.Keys(tried)), good) {
				continue
			}
			var lasts time.Duration
			for m, s := range t.plan.sends {
				if t.queue(m).target == target && s.at < p.started && !good(m) {
					lasts += max(min(max(lasts/10, time.Second), 10*time.Second), t.plan.wide.refusals.retryAfter)
				}
			}
			if p.started <= at && at < p.started+lasts {
				return true
			}
		}
	}
	return false
}

// aBatchIsOneTokenAndOneSlot: slots, rate and quotas count requests (see eachTarget and
// arrivals). A request carries at most so many messages, all of one queue, none twice, at
// most one of a FIFO group, at most 6 MB. And while nothing has failed it leaves nothing
// behind that waits and would fit.
func aBatchIsOneTokenAndOneSlot(t *trial) {
	failing := make(map[*process]instant) // since when
	for _, d := range t.evidence.deliveries {
		if at, ok := failing[d.by]; !d.delivered() && (!ok || d.arrived < at) {
			failing[d.by] = d.arrived
		}
	}
	for _, d := range t.evidence.deliveries {
		if !d.inBatch() || !d.leads() {
			continue
		}
		t.reaches()
		q := d.request
		if n, most := len(q.all), t.plan.targets[d.target].batchSize(); n > most {
			t.breaks(d.arrived, d.by, "delivers %d messages in one request; at most %d may be", n, most)
		}
		size, has, groups := 0, make(map[int]bool), make(map[string]bool)
		for _, each := range q.all {
			p := t.plan.sends[each.message]
			switch fifo := t.queue(each.message).fifo; {
			case has[each.message]:
				t.breaks(d.arrived, d.by, "delivers m%d twice in one request", each.message)
			case p.queue != t.plan.sends[d.message].queue:
				t.breaks(d.arrived, d.by, "delivers m%d and m%d, of another queue, in one request", d.message, each.message)
			case fifo && groups[p.group]:
				t.breaks(d.arrived, d.by, "delivers two messages of group %s in one request", p.group)
			}
			has[each.message], groups[p.group] = true, true
			size += p.size + p.attributes
		}
		if size > maxAnswer {
			t.breaks(d.arrived, d.by, "delivers %d bytes in one request", size)
		}
		if at, ok := failing[d.by]; !ok || at > d.arrived {
			t.leavesNothingBehind(d)
		}
	}
}

// leavesNothingBehind looks for what waited, and would have fit into d's request.
func (t *trial) leavesNothingBehind(d *delivery) {
	const (
		sure = 50 * time.Millisecond // the request may have been made a moment ago
	)
	w, queue := t.plan.wide, t.plan.sends[d.message].queue
	q := &t.plan.queues[queue]
	if w == nil || !w.alone || w.kind != batches || q.fifo || len(d.request.all) == t.plan.targets[d.target].batchSize() ||
		d.by.drained != never && d.by.drained <= d.arrived || !t.undisturbed(d.by, d.arrived-q.longest(), d.arrived) {
		return
	}
	for _, l := range t.lives {
		came := l.receives[0].call.came
		if l.by != d.by || t.plan.sends[l.message].queue != queue || came > d.arrived-sure || came < d.arrived-q.shortest()/2 ||
			l.ended != never && l.ended <= d.arrived || len(l.starts) > 0 && l.starts[0].arrived <= d.arrived {
			continue
		}
		t.breaks(d.arrived, d.by, "delivers %d messages in one request, and leaves m%d behind", len(d.request.all), l.message)
		return
	}
}
