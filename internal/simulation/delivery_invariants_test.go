package simulation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

func nothingIsDeletedBeforeItWasDelivered(t *trial) {
	took := make(map[*process]map[int]instant) // when a message was first delivered by a process
	for _, d := range t.evidence.deliveries {
		if !d.delivered() && (t.plan.onRejected() == "retry" || !d.rejected()) {
			continue
		}
		if took[d.by] == nil {
			took[d.by] = make(map[int]instant)
		}
		if at, ok := took[d.by][d.message]; !ok || d.ended < at {
			took[d.by][d.message] = d.ended
		}
	}
	for _, c := range t.evidence.calls {
		if c.action != "DeleteMessageBatch" {
			continue
		}
		for _, e := range c.entries {
			t.reaches()
			if at, ok := took[c.by][e.message]; !ok || at > c.sent {
				t.breaks(c.sent, c.by, "deletes m%d, which its target has not taken", e.message)
			} else if t.plan.onRejected() == "dead-letter" && !t.everDelivered[e.message] && !t.dead[e.message] {
				t.breaks(c.sent, c.by, "deletes m%d, which was rejected and is not in the dead-letter queue", e.message)
			}
		}
	}
}

// everyMessageEndsDeliveredOrDead, and soon after the trouble, except for poison that
// nothing is left to prove, and what is behind it in its group.
func everyMessageEndsDeliveredOrDead(t *trial) {
	took := make(map[int]bool)
	for _, d := range t.evidence.deliveries {
		if d.delivered() || t.plan.onRejected() == "discard" && d.rejected() {
			took[d.message] = true
		}
	}
	left := 0
	for m := range t.plan.sends {
		t.reaches()
		if took[m] || t.dead[m] {
			continue
		}
		left++
		if t.healed != never || !t.nobodyProves(m) {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d was in good time neither delivered nor is it dead", m)
		}
	}
	for _, q := range t.plan.queues {
		if visible, inFlight, delayed, _ := t.sqs.Depth(q.name); t.healed == never && left == 0 && visible+inFlight+delayed > 0 {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and what was delivered is in %s still", q.name)
		}
	}
}

// nobodyProves reports whether a process has held m, which is poison, or poison before it in
// its group, for an hour, and hardly delivered anything since it first failed: that is
// held like in an outage.
func (t *trial) nobodyProves(m int) bool {
	behind := func(other int) bool {
		a, b := t.plan.sends[m], t.plan.sends[other]
		return m == other || other < m && t.queue(m).fifo && a.queue == b.queue && a.group == b.group
	}
	return slices.ContainsFunc(t.lives, func(l *life) bool {
		if t.plan.sends[l.message].poison == 0 || !behind(l.message) || len(l.starts) == 0 {
			return false
		}
		failed, until := l.starts[0].ended, l.ended
		if until == never {
			until = t.end(l.by)
		}
		proofs := 0
		for _, d := range t.evidence.deliveries {
			if d.by == l.by && d.arrived > failed && d.delivered() {
				proofs++
			}
		}
		return proofs < 3 && until-failed >= time.Hour
	})
}

func noMoreDeliveriesAtOnceThanSlots(t *trial) {
	t.eachTarget(func(p *process, target int, starts []*delivery) {
		var running []*delivery
		for _, d := range starts {
			running = slices.DeleteFunc(running, func(r *delivery) bool { return r.ended != never && r.ended <= d.arrived })
			running = append(running, d)
			if len(running) >= paceAt(p.paces[target], d.arrived).Concurrency {
				t.reaches()
			}
			if limits := paceAt(p.paces[target], d.arrived); len(running) > limits.Concurrency {
				t.breaks(d.arrived, p, "delivers m%d beside %d others; it has %d slots", d.message, len(running)-1, limits.Concurrency)
			}
		}
	})
}

// noMoreStartsThanTheRateAllows: each window from one start to another has at most what had
// been saved up when it began (the burst at that time) plus the integral of the rate. A token
// may be used late by a quarter of the time to the next one, but 1 to 10 ms, without counting
// as used later (package ratelimit), so a window may have that much more.
func noMoreStartsThanTheRateAllows(t *trial) {
	t.eachTarget(func(p *process, target int, starts []*delivery) {
		paces := p.paces[target]
		room, n, fastest := math.Inf(1), 0, 0.0
		earned, since, k := 0.0, paces[0].from, 0
		for _, d := range starts {
			for k+1 < len(paces) && paces[k+1].from <= d.arrived {
				earned += rateOf(paces[k]) * (paces[k+1].from - since).Seconds()
				since = paces[k+1].from
				k++
				if !paces[k-1].limits.Limited {
					room, n, fastest, earned = math.Inf(1), 0, 0, 0 // windows begin anew after a time without a rate
				}
			}
			if !paces[k].limits.Limited || p.standsIn(d.arrived, d.arrived) || t.plan.dialsHangAt(d.arrived) {
				continue
			}
			at := earned + rateOf(paces[k])*(d.arrived-since).Seconds()
			fastest = max(fastest, rateOf(paces[k]))
			// The most that may have started by now, of all windows that began before.
			room = min(room, float64(paces[k].limits.Burst)+float64(n)-at)
			n++
			if n > 1 {
				t.reaches()
			}
			if over := float64(n) - at - room; over > max(0.25, 0.001*fastest)+1e-6 {
				t.breaks(d.arrived, p, "starts m%d, %.3f tokens over what rate and burst allow", d.message, over)
				return
			}
		}
	})
}

func rateOf(p pace) float64 {
	if !p.limits.Limited {
		return 0
	}
	return p.limits.Rate
}

// eachTarget goes through every process's starts at every target, in their order. A batch
// is one start.
// Refused connections are left out: net/http may dial, and then use a connection
// that has become idle.
func (t *trial) eachTarget(look func(p *process, target int, starts []*delivery)) {
	all := make(map[*process][][]*delivery)
	for _, d := range t.evidence.deliveries {
		if d.message < 0 || !d.leads() {
			continue
		}
		if all[d.by] == nil {
			all[d.by] = make([][]*delivery, len(t.plan.targets))
		}
		all[d.by][d.target] = append(all[d.by][d.target], d)
	}
	for _, p := range t.evidence.processes {
		for target, starts := range all[p] {
			slices.SortStableFunc(starts, func(a, b *delivery) int { return cmp.Compare(a.arrived, b.arrived) })
			look(p, target, starts)
		}
	}
}

func paceAt(paces []pace, at instant) (l struct {
	Concurrency int
	Burst       int
},
) {
	for _, p := range paces {
		if p.from <= at {
			l.Concurrency, l.Burst = p.limits.Concurrency, p.limits.Burst
		}
	}
	return l
}

// groupsAreDeliveredInOrderOneAtATime: when a message of a group starts, every earlier one
// has been delivered or has used up its receives; and a process delivers one message of a
// group at a time.
func groupsAreDeliveredInOrderOneAtATime(t *trial) {
	type key struct {
		queue int
		group string
	}
	groups := make(map[key][]int)
	for m, s := range t.plan.sends {
		if t.plan.queues[s.queue].fifo {
			groups[key{s.queue, s.group}] = append(groups[key{s.queue, s.group}], m)
		}
	}
	all := slices.DeleteFunc(slices.Clone(t.evidence.deliveries), func(d *delivery) bool { return d.message < 0 })
	slices.SortStableFunc(all, func(a, b *delivery) int { return cmp.Compare(a.arrived, b.arrived) })
	// A rejected message that is discarded or sent to the dead-letter queue is finished, as is
	// a delivered one before its delete. (With strict groups the next one waits for that.)
	done := func(d *delivery) bool {
		to := t.plan.onRejected()
		return d.delivered() || d.rejected() && (to == "discard" || to == "dead-letter" && !t.queue(d.message).strict)
	}
	took := make(map[int]instant)
	for _, d := range all {
		if done(d) {
			if at, ok := took[d.message]; !ok || d.ended < at {
				took[d.message] = d.ended
			}
		}
	}
	running := make(map[*process]map[key]*delivery)
	for _, d := range all {
		k := key{t.plan.sends[d.message].queue, t.plan.sends[d.message].group}
		group, ok := groups[k]
		if !ok {
			continue
		}
		for _, earlier := range group {
			if earlier >= d.message {
				break
			}
			t.reaches()
			if at, ok := took[earlier]; (!ok || at > d.arrived) && !t.dead[earlier] {
				t.breaks(d.arrived, d.by, "delivers m%d, and m%d, before it in group %s, is not delivered", d.message, earlier, k.group)
				break
			}
		}
		if running[d.by] == nil {
			running[d.by] = make(map[key]*delivery)
		}
		if r := running[d.by][k]; r != nil && (r.ended == never || r.ended > d.arrived) {
			t.breaks(d.arrived, d.by, "delivers m%d while m%d of its group %s is being delivered", d.message, r.message, k.group)
		}
		running[d.by][k] = d
	}
}

// whatWasDeliveredIsNotDeliveredAgain, by the same process, until two visibilities
// after it has left its hands.
func whatWasDeliveredIsNotDeliveredAgain(t *trial) {
	type key struct {
		by      *process
		message int
	}
	until := make(map[key]instant)
	for _, l := range t.lives {
		k := key{l.by, l.message}
		remembered, known := until[k]
		known = known && l.receives[0].call.came < remembered
		if known {
			t.reaches()
		}
		for _, d := range l.starts {
			if known && d.arrived < remembered {
				t.breaks(d.arrived, l.by, "delivers m%d, which it has delivered before", l.message)
			}
		}
		took := l.delivered()
		if slices.ContainsFunc(l.starts, (*delivery).unseen) {
			delete(until, k)
			continue
		}
		if took == never && !known {
			continue
		}
		if took == never && len(l.starts) > 0 {
			delete(until, k) // it was rightly delivered again, and failed
			continue
		}
		if l.ended == never {
			until[k] = time.Duration(math.MaxInt64)
		} else {
			until[k] = max(l.ended, took) + 2*t.queue(l.message).shortest()
		}
	}
}

// lapsed reports whether l came again in a time by a receive before which its visibility
// had ended.
func (t *trial) lapsed(l *life, from, to instant) bool {
	return slices.ContainsFunc(l.receives, func(again arrival) bool {
		if again.served <= from || again.call.came > to {
			return false
		}
		var last arrival // each receive hides a message anew, whatever it was extended by before
		for _, r := range l.receives {
			if r.served < again.served && r.served >= last.served {
				last = r
			}
		}
		if last.call == nil {
			return false
		}
		deadline := last.served + last.call.visibility
		for _, m := range t.mentions[l.by][l.message] {
			if c, e := m.call, m.entry; c.sent < again.served && c.came > last.served && e.code == "" && c.wentWell() && t.isExtension(c, e) {
				deadline = max(deadline, c.sent+time.Duration(e.seconds)*time.Second)
			}
		}
		return deadline <= again.served+dateNoise
	})
}

// releaseOver reports whether l came again in a time, after the delay of a release that was sent in
// it: SQS may have carried it out, although nobody was told.
func (t *trial) releaseOver(l *life, from, to instant) bool {
	return slices.ContainsFunc(t.mentions[l.by][l.message], func(m mention) bool {
		over := m.call.sent + time.Duration(m.entry.seconds)*time.Second
		return m.call.sent >= from && t.isRelease(m.call, m.entry) && l.cameAfter(over, to)
	})
}

// aMessageInHandIsDeliveredOnce: while it fails it is held and retried, one try after
// another, however often it is received in the meantime.
func aMessageInHandIsDeliveredOnce(t *trial) {
	for _, d := range t.strays {
		t.reaches()
		t.breaks(d.arrived, d.by, "delivers m%d, which it does not have in hand", d.message)
	}
	for _, l := range t.lives {
		for i := 1; i < len(l.starts); i++ {
			t.reaches()
			switch before, d := l.starts[i-1], l.starts[i]; {
			case before.unseen():
			case before.delivered():
				t.breaks(d.arrived, l.by, "delivers m%d, which it has delivered and holds in hand", l.message)
			case before.ended == never || before.ended > d.arrived:
				t.breaks(d.arrived, l.by, "delivers m%d twice at once", l.message)
			case before.rejected() && t.queue(l.message).fifo && l.cameAfter(before.ended, d.arrived):
				// Its visibility had ended: a FIFO queue hands out nothing that is in flight.
			case before.rejected() && t.lapsed(l, before.ended, d.arrived):
				// Its release had not worked until its visibility ended.
			case before.rejected() && t.releaseOver(l, before.ended, d.arrived):
				// It came again after the delay of a release that may have worked.
			case before.rejected() && !t.mayBeHeld(before):
				t.breaks(d.arrived, l.by, "delivers m%d again, which was rejected", l.message)
			}
		}
	}
}
