package simulation

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"time"
)

// restarts returns how often processes were stopped, killed or stood still during trouble:
// each time costs what is in hand a receive.
func (t *trial) restarts() int {
	n := 0
	for _, p := range t.evidence.processes {
		if t.end(p) < t.plan.trouble {
			n++
		}
		n += len(p.stood)
	}
	return n
}

// disturbedBefore reports whether a process was started, ended or stood still in the
// minute before.
func (t *trial) disturbedBefore(at instant) bool {
	return slices.ContainsFunc(t.evidence.processes, func(p *process) bool {
		within := func(when instant) bool { return when > at-time.Minute && when <= at }
		return within(p.started) || within(t.end(p)) || p.standsIn(at-time.Minute, at)
	})
}

// takenForTheTargets returns when the first process started whose first five messages were
// only told when to come again, which looks like the target's own limit, as docs/pace.md
// says. It is the last instant of all if there is none.
func (t *trial) takenForTheTargets() instant {
	const enough = 5
	type key struct {
		by     *process
		target int
	}
	ended := make(map[key][]*delivery)
	for _, d := range t.evidence.deliveries {
		if d.message >= 0 && d.ended != never {
			ended[key{d.by, d.target}] = append(ended[key{d.by, d.target}], d)
		}
	}
	first := instant(math.MaxInt64)
	for by, all := range ended {
		slices.SortFunc(all, func(a, b *delivery) int { return cmp.Compare(a.ended, b.ended) })
		if len(all) >= enough && !slices.ContainsFunc(all[:enough], func(d *delivery) bool { return !d.refusedAlone() || d.retryAfter == 0 }) {
			first = min(first, by.by.started)
		}
	}
	return first
}

// refusedAlone reports whether an answer is about one message's tenant: a 429, or a 503 that
// says when to come again.
func (d *delivery) refusedAlone() bool {
	return d.status == http.StatusTooManyRequests || d.status == http.StatusServiceUnavailable && d.retryAfter > 0
}

// oneMessagesRefusalStopsNobodyElse: where up to a tenth are refused by themselves, and
// nothing else is wrong, of the good messages sent up to half a minute ago at least 95 % are
// delivered at any time; an oracle has delivered all, since they come at a third of what
// the target takes. And none dies by refusals that are never its fault.
func oneMessagesRefusalStopsNobodyElse(t *trial) {
	if t.plan.refusesAlone() == nil {
		return
	}
	type key struct {
		queue int
		group string
	}
	const soon = 30 * time.Second
	refused, behind := make(map[int]bool), make(map[key]int)
	took := make(map[int]instant)
	faulty := make(map[int]bool) // failed in a way that may be its own fault
	for _, d := range t.evidence.deliveries {
		switch {
		case d.message < 0 || d.ended == never:
		case d.delivered():
			if at, ok := took[d.message]; !ok || d.ended < at {
				took[d.message] = d.ended
			}
		default:
			faulty[d.message] = faulty[d.message] || !d.refusedAlone()
			refused[d.message] = true
			k := key{t.plan.sends[d.message].queue, t.plan.sends[d.message].group}
			if first, ok := behind[k]; !ok || d.message < first {
				behind[k] = d.message
			}
		}
	}
	misled := t.takenForTheTargets()
	for at := time.Minute; at <= t.plan.trouble; at += 10 * time.Second {
		sent, done := 0, 0
		for m, p := range t.plan.sends {
			if first, ok := behind[key{p.queue, p.group}]; p.at > at-soon || refused[m] || ok && t.queue(m).fifo && first < m {
				continue
			}
			sent++
			if when, ok := took[m]; ok && when <= at {
				done++
			}
		}
		if sent < 20 || len(refused) == 0 || t.disturbedBefore(at) || at > misled {
			continue
		}
		t.reaches()
		if float64(done) < 0.95*float64(sent) {
			t.breaks(at, t.evidence.processes[0], "has delivered %d of %d good messages, while %d others are refused", done, sent, len(refused))
			break
		}
	}
	for m := range t.plan.sends {
		if refused[m] && !faulty[m] {
			t.reaches()
		}
		if t.dead[m] && !faulty[m] && t.queue(m).maxReceives > t.restarts()+1 {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d is dead, which was only told to come again later", m)
		}
	}
}

// aTargetThatRejectsEverythingKillsNoGoodMessage: once five different messages were rejected
// in a row the next are held, an hour a receive. So where five were before one came twice,
// no message with three receives dies in up to rejectsForHours, with one more for each restart,
// which releases what is in hand, and one for each further process, which believes the first
// five. On a FIFO queue of few groups there may be no five.
func aTargetThatRejectsEverythingKillsNoGoodMessage(t *trial) {
	w := t.plan.wide
	if w == nil || w.rejects == nil || !w.alone || w.rejects.to-w.rejects.from > rejectsForHours {
		return
	}
	if slices.ContainsFunc(t.plan.queues, func(q queuePlan) bool { return q.fifo }) || !t.isFlooded(w.rejects) {
		return
	}
	t.reaches()
	for m := range t.plan.sends {
		if most := t.queue(m).maxReceives; t.dead[m] && t.plan.sends[m].poison == 0 && most >= 3+t.restarts()+len(t.evidence.processes)-1 {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d, a good message, is dead after %d receives", m, most)
		}
	}
}

// isFlooded reports whether each process that was rejected anything was so for five different
// messages before any came twice.
func (t *trial) isFlooded(w *window) bool {
	any := false
	for _, all := range t.finished {
		row := make(map[int]bool)
		for _, d := range all {
			if d.arrived < w.from || d.arrived >= w.to || !d.rejected() {
				continue
			}
			any = true
			if row[d.message] && len(row) < rowThatIsTrouble {
				return false
			}
			row[d.message] = true
		}
	}
	return any
}

// undeletedMessagesAreBounded: at slots + 100 messages that are delivered but not deleted,
// nothing new is started; what was being delivered then, one per slot, may be added.
func undeletedMessagesAreBounded(t *trial) {
	type change struct {
		at instant
		by int
	}
	type key struct {
		by    *process
		queue int
	}
	changes := make(map[key][]change)
	for _, l := range t.lives {
		took := l.delivered()
		if took == never {
			continue
		}
		k := key{l.by, t.plan.sends[l.message].queue}
		changes[k] = append(changes[k], change{took, 1})
		if l.ended != never {
			changes[k] = append(changes[k], change{max(l.ended, took), -1})
		}
	}
	for k, all := range changes {
		slots := 0 // of messages
		target := t.plan.queues[k.queue].target
		for _, p := range k.by.paces[target] {
			slots = max(slots, p.limits.Concurrency*t.plan.targets[target].batchSize())
		}
		slices.SortFunc(all, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
		n, most := 0, slots+100+slots
		for _, c := range all {
			if n += c.by; n > slots+100-10 {
				t.reaches()
			}
			if n > most {
				t.breaks(c.at, k.by, "has %d messages of q%d in hand that are delivered and not deleted; at most %d may be", n, k.queue, most)
				break
			}
		}
	}
}

// defaultMemory is the bound where none is set.
const defaultMemory = 64 << 20

// memoryIsBounded: once bodies and attributes in hand have reached the bound, no receive goes
// out, so they are at most the bound plus what the receives bring that are under way. A queue
// with nothing in hand may ask for one message all the same.
func memoryIsBounded(t *trial) {
	type change struct {
		at    instant
		by    int
		queue int
		sent  *sqsCall
	}
	bound := t.plan.memory()
	if bound == 0 {
		bound = defaultMemory
	}
	changes := make(map[*process][]change)
	for _, l := range t.lives {
		send := t.plan.sends[l.message]
		size := send.size + send.attributes
		for _, s := range t.inHand(l) {
			changes[l.by] = append(changes[l.by],
				change{at: s.from, by: size, queue: send.queue}, change{at: s.to, by: -size, queue: send.queue})
		}
	}
	for p, all := range changes {
		for _, c := range t.byWhom[p] {
			if c.action == "ReceiveMessage" {
				all = append(all, change{at: c.sent, sent: c})
			}
		}
		slices.SortFunc(all, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
		bytes := 0
		inHand := make(map[int]int) // bytes by queue
		for _, c := range all {
			bytes += c.by
			inHand[c.queue] += c.by
			if bytes >= bound {
				t.reaches()
			}
			if c.sent != nil && bytes >= bound && (c.sent.asked > 1 || inHand[c.sent.queue] > 0) {
				t.breaks(c.at, p, "receives with %d bytes in hand; the bound is %d", bytes, bound)
				break
			}
		}
	}
}

// span is a stretch of time.
type span struct{ from, to instant }

// inHand is when the process of l had its body in hand. What can neither be extended nor
// released leaves it when its visibility ends, and nobody sees it; and it may come again.
func (t *trial) inHand(l *life) (all []span) {
	gone := l.ended
	if d := l.delivered(); d != never {
		gone = d // what is left is a receipt handle, until the delete is confirmed
	}
	if n := len(l.starts); n > 0 && l.how == "deleted" && t.plan.onRejected() == "discard" && l.starts[n-1].rejected() {
		gone = min(gone, l.starts[n-1].ended) // the same
	}
	if l.how == "deleted" && len(l.starts) == 0 {
		return nil // the process knew that it was delivered: the same
	}
	if gone == never {
		gone = math.MaxInt64
	}
	for _, r := range l.receives {
		all = append(all, span{r.call.came, max(r.call.came, r.served+r.call.visibility-dateNoise)})
	}
	for _, m := range t.mentions[l.by][l.message] {
		c, e := m.call, m.entry
		own := slices.ContainsFunc(l.receives, func(r arrival) bool { return r.handle == e.handle })
		if own && c.action == deleteCall {
			gone = min(gone, c.sent) // the same: the dead-letter queue has what was rejected
		}
		if own && e.code == "" && c.wentWell() && t.isExtension(c, e) {
			all = append(all, span{c.sent, c.sent + time.Duration(e.seconds)*time.Second})
		}
	}
	for _, d := range l.starts {
		all = append(all, span{d.arrived, choose(d.ended == never, math.MaxInt64, d.ended)})
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	n := 0
	for _, s := range all[1:] {
		if s.from <= all[n].to {
			all[n].to = max(all[n].to, s.to)
		} else {
			n++
			all[n] = s
		}
	}
	all = slices.DeleteFunc(all[:n+1], func(s span) bool { return s.from >= gone })
	for i := range all {
		all[i].to = min(all[i].to, gone)
	}
	return all
}

// whatWasNotProcessedHasNoStrike: a message of which the target saw no try is not given up,
// and does not die where nothing else was wrong.
func whatWasNotProcessedHasNoStrike(t *trial) {
	unseen := make(map[*process]bool)
	for _, d := range t.evidence.deliveries {
		if d.message < 0 {
			unseen[d.by] = true
		}
	}
	if len(unseen) == 0 {
		return
	}
	failed := make(map[int]bool)
	for _, d := range t.evidence.deliveries {
		failed[d.message] = failed[d.message] || d.message >= 0 && !d.delivered()
	}
	for _, l := range t.lives {
		if !unseen[l.by] || l.stoodStill() {
			continue
		}
		t.reaches()
		if l.how == "released" && len(l.starts) == 0 && l.release.seconds > 0 && !forRoom(l.release.seconds) {
			t.breaks(l.released, l.by, "gives m%d up, of which its target has seen no try", l.message)
		}
	}
	if w := t.plan.wide; w == nil || !w.alone || w.kind != goAways && w.kind != hangingConnects {
		return
	}
	for m := range t.plan.sends {
		t.reaches()
		if t.dead[m] && !failed[m] && t.queue(m).maxReceives > t.restarts()+1 {
			t.breaks(t.stopped, t.evidence.processes[0], "and the others are done, and m%d is dead, of which no target has seen a try that failed", m)
		}
	}
}

// aKillRepeatsOneMessageOfAGroup at most: the next of a group starts when the delete of the
// one before is confirmed, where the queue is set to be strict.
func aKillRepeatsOneMessageOfAGroup(t *trial) {
	type key struct {
		queue int
		group string
	}
	for _, p := range t.evidence.processes {
		if p.killed == never {
			continue
		}
		repeated := make(map[key]map[int]bool)
		for _, l := range t.lives {
			took := l.delivered()
			if l.by != p || took == never || took > p.killed || l.ended != never || !t.queue(l.message).strict {
				continue
			}
			k := key{t.plan.sends[l.message].queue, t.plan.sends[l.message].group}
			for _, d := range t.evidence.deliveries {
				if d.message == l.message && d.arrived > p.killed {
					if repeated[k] == nil {
						repeated[k] = make(map[int]bool)
					}
					repeated[k][l.message] = true
				}
			}
		}
		for k, all := range repeated {
			t.reaches()
			if len(all) > 1 {
				t.breaks(p.killed, p, "is killed, and %d messages of group %s are delivered again", len(all), k.group)
			}
		}
	}
}
