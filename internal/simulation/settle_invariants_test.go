package simulation

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// everythingReceivedIsSettledOrReported: whatever SQS has not confirmed as settled is in the
// drained process's count of abandoned messages. One that was lost from a batch may come again
// while its request still connects, which no server sees: then it was never given up.
func everythingReceivedIsSettledOrReported(t *trial) {
	missing := make(map[*process]int)
	for _, l := range t.lives {
		if l.ended == never || l.how == "lost" && !t.comesAgainToItsRequest(l) {
			missing[l.by]++
		}
	}
	for _, p := range t.evidence.processes {
		if p.killed != never || p.drained == never {
			continue
		}
		t.reaches()
		if n := missing[p]; int64(n) > p.summary.Abandoned {
			t.breaks(p.exited, p, "has left %d messages neither deleted nor released, and reports %d", n, p.summary.Abandoned)
		}
		if p.summary.Abandoned > 0 && t.undisturbed(p, p.started, p.exited) {
			t.breaks(p.exited, p, "has abandoned %d messages though SQS was well", p.summary.Abandoned)
		}
	}
}

// comesAgainToItsRequest reports whether l, which was lost while connections hung, came again
// before its request can have timed out.
func (t *trial) comesAgainToItsRequest(l *life) bool {
	timeout := t.plan.targets[t.queue(l.message).target].timeout
	return t.plan.dialsHangAt(l.ended) && slices.ContainsFunc(t.lives, func(again *life) bool {
		came := again.receives[0].call.came
		return again.by == l.by && again.message == l.message && came > l.ended && came <= l.ended+timeout
	})
}

// callsCarryTheNewestHandle of the message's current life. A call that is sent at the same
// instant as a newer receive is answered may come before it: after a standstill, everything
// that has arrived is seen at the same instant.
func callsCarryTheNewestHandle(t *trial) {
	type key struct {
		by      *process
		message int
	}
	lives := make(map[key][]*life)
	for _, l := range t.lives {
		k := key{l.by, l.message}
		lives[k] = append(lives[k], l)
	}
	for _, c := range t.evidence.calls {
		for _, e := range c.entries {
			newest, sameInstant := 0, false
			for _, l := range lives[key{c.by, e.message}] {
				if l.receives[0].call.came <= c.sent {
					newest = l.newestAt(c.sent).receive
					sameInstant = l.newestAt(c.sent).call.came == c.sent && e.handle == l.newestAt(c.sent-1).handle
				}
			}
			if newest > 1 {
				t.reaches()
			}
			if e.receive != newest && !sameInstant {
				t.breaks(c.sent, c.by, "sends %s for m%d with the handle of receive %d; it has that of receive %d", c.action, e.message, e.receive, newest)
			}
		}
	}
}

// holding is what SQS knows of a message while a process has it.
type holding struct {
	by       *process // nil: nobody
	handle   handle
	since    instant
	deadline instant
	stolen   bool
}

// eachHolding replays what SQS did to one message after another, and calls end when
// somebody's hold of it is over: at is when something else happened to the message, or never.
func (t *trial) eachHolding(end func(h holding, at instant)) map[int][]holding {
	type event struct {
		at    instant
		rank  int
		item  entry
		call  *sqsCall
		steal bool
		rival bool
	}
	events := make(map[int][]event)
	for _, x := range t.evidence.executed {
		rank := 1
		if x.call == nil || x.call.action == "ReceiveMessage" {
			rank = 2
		}
		for _, i := range x.items {
			if i.code == "" {
				events[i.message] = append(events[i.message], event{at: x.at, rank: rank, item: i, call: x.call, rival: x.call == nil})
			}
		}
	}
	for _, s := range t.evidence.steals {
		events[s.message] = append(events[s.message], event{at: s.at, rank: 0, item: entry{handle: s.handle}, steal: true})
	}
	history := make(map[int][]holding)
	for m, all := range events {
		slices.SortStableFunc(all, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
		var h holding
		change := func(at instant, to holding) {
			if h.by != nil {
				end(h, at)
			}
			h = to
			to.since = at
			history[m] = append(history[m], to)
		}
		for _, e := range all {
			switch {
			case e.rival:
				change(e.at, holding{stolen: true})
			case e.steal:
				change(e.at, holding{stolen: true})
			case e.call.action == "ReceiveMessage":
				change(e.at, holding{by: e.call.by, handle: e.item.handle, since: e.at, deadline: e.at + e.call.visibility})
			case e.item.handle != h.handle || h.by == nil:
				// with an old handle: nothing has happened
			case e.call.action == "DeleteMessageBatch", t.isRelease(e.call, &e.item):
				change(e.at, holding{})
			default:
				deadline := e.at + time.Duration(e.item.seconds)*time.Second
				if e.at-e.call.sent > slow {
					// Done late, it may have overtaken a newer one: the process cannot know.
					deadline = max(deadline, h.deadline)
				}
				h.deadline = deadline
				history[m] = append(history[m], holding{by: h.by, handle: h.handle, since: e.at, deadline: h.deadline})
			}
		}
		if h.by != nil {
			end(h, never)
		}
	}
	return history
}

// whatIsInHandStaysExtended: no visibility runs out in the hands of a live process unless its
// calls about that message failed.
func whatIsInHandStaysExtended(t *trial) {
	t.eachHolding(func(h holding, at instant) {
		if at == never || at-h.since >= t.queue(h.handle.message).shortest() {
			t.reaches()
		}
		if at != never && at < h.deadline {
			return
		}
		p, q := h.by, t.queue(h.handle.message)
		if p.standsIn(h.deadline-q.longest(), h.deadline) || t.end(p) <= h.deadline || p.drained != never && p.exited <= h.deadline {
			return
		}
		from := h.deadline - q.longest()
		for _, c := range t.byWhom[p] {
			concerns := c.action == "ReceiveMessage" && c.queue == t.plan.sends[h.handle.message].queue && c.came == never
			for _, b := range c.brought {
				concerns = concerns || b.handle == h.handle
			}
			for _, e := range c.entries {
				concerns = concerns || e.message == h.handle.message
			}
			// While extensions are refused, one call at a time finds out whether they still are.
			concerns = concerns || c.action == changeCall && c.queue == t.plan.sends[h.handle.message].queue && c.told != ""
			if concerns && !c.well() && c.overlaps(from, h.deadline, t) {
				return
			}
			// A lost answer brought nothing.
			if c.action == "ReceiveMessage" && !c.well() && c.overlaps(h.since, h.since+1, t) && len(c.brought) == 0 {
				return
			}
		}
		if l := t.lifeOf(h); l == nil || t.isGivenBack(l, h.deadline) {
			return
		}
		t.breaks(h.deadline, p, "has let the visibility of m%d/r%d run out", h.handle.message, h.handle.receive)
	})
}

// lifeOf returns the life that a receive began or continued; nil: its answer never reached
// the process.
func (t *trial) lifeOf(h holding) *life {
	for _, l := range t.lives {
		if l.by == h.by && l.message == h.handle.message && slices.ContainsFunc(l.receives, func(r arrival) bool { return r.handle == h.handle }) {
			return l
		}
	}
	return nil
}

// isGivenBack reports whether at a time the message was being released: its visibility
// is not extended any more, since it is to end. Of what was given up, or no target
// has seen (a refused connect, a FIFO group given back behind its head), that is
// known only from a release that went wrong.
func (t *trial) isGivenBack(l *life, at instant) bool {
	if l.by.drained != never && l.by.drained <= at {
		return true
	}
	if slices.ContainsFunc(l.starts, func(d *delivery) bool { return d.rejected() && d.ended <= at }) {
		return true
	}
	q := t.queue(l.message)
	if len(l.starts) == 0 && !q.fifo && !t.wasRefused(l, q.target, at) {
		return false
	}
	return slices.ContainsFunc(t.byWhom[l.by], func(c *sqsCall) bool {
		return c.action == "ChangeMessageVisibilityBatch" && !c.well() && c.overlaps(l.receives[0].call.came-time.Minute, at, t)
	})
}

// noDeliveryStartsWithTooLittleVisibility: less than the smaller of the timeout and half of
// the visibility, counted from when SQS handed the message out.
func noDeliveryStartsWithTooLittleVisibility(t *trial) {
	history := t.eachHolding(func(holding, instant) {})
	for _, l := range t.lives {
		q := t.queue(l.message)
		need := min(t.plan.targets[q.target].timeout, q.shortest()/2)
		for _, d := range l.starts {
			var h, last holding // of anybody; of the last who had it
			for _, other := range history[l.message] {
				if other.since <= d.arrived {
					h = other
				}
				if other.since <= d.arrived && (other.by != nil || other.stolen) {
					last = other
				}
			}
			newest := l.newestAt(d.arrived).handle
			if l.by.standsIn(d.arrived, d.arrived) {
				continue // it began in the standstill, as far as the bubble can show one
			}
			if h.by != l.by || h.handle != newest {
				if h.by == nil && last.by == l.by && last.handle == newest {
					t.breaks(d.arrived, l.by, "delivers m%d, which it has settled already", l.message)
				}
				continue // it was taken away meanwhile
			}
			t.reaches()
			if left := h.deadline - d.arrived; left < need {
				t.breaks(d.arrived, l.by, "delivers m%d with %v of visibility left; it needs %v", l.message, left, need)
			}
		}
	}
}

// mayHaveComeAnew reports whether the process may have dropped the message when its
// visibility ran out, which nobody sees, and released it untried when it came anew.
func (l *life) mayHaveComeAnew() bool {
	return l.release.seconds == 0 && l.receives[len(l.receives)-1].call.came > l.starts[len(l.starts)-1].ended
}

// stoodStill reports whether its process did while it had the message: what it tried then
// has timed out, and nobody has seen it.
func (l *life) stoodStill() bool { return l.by.standsIn(l.receives[0].call.sent, l.released) }

// isTooLongInFlight reports whether the message was given back since its 12 hours in flight
// were nearly over.
func (l *life) isTooLongInFlight() bool {
	return l.release.seconds == 0 && l.released-l.receives[len(l.receives)-1].served >= longestInFlight
}

// longestInFlight is for how long a message in flight is extended: what SQS allows, less what it
// takes to give it back.
const longestInFlight = 12*time.Hour - 5*time.Minute - time.Minute

// forRoom reports whether a release by so many seconds makes room: a quarter of an hour, or
// that doubled up to an hour.
func forRoom(seconds int) bool { return seconds == 900 || seconds == 1800 || seconds == 3600 }

// whatWasNotDeliveredIsReleasedWithItsBackoff, and what was not tried at once.
func whatWasNotDeliveredIsReleasedWithItsBackoff(t *trial) {
	for _, l := range t.lives {
		if l.how != "released" {
			continue
		}
		if l.stoodStill() {
			continue // tries that were held by it are not seen
		}
		q := t.queue(l.message)
		target := &t.plan.targets[q.target]
		got := l.release.seconds
		if len(l.starts) == 0 {
			t.reaches()
			if got != 0 && !t.wasRefused(l, q.target, l.released) {
				t.breaks(l.released, l.by, "releases m%d for %d s though it was not tried", l.message, got)
			}
			continue
		}
		d := l.starts[len(l.starts)-1]
		if d.delivered() {
			t.breaks(l.released, l.by, "releases m%d, which was delivered", l.message)
		}
		if got == 0 && l.by.drained != never && l.released >= l.by.drained || forRoom(got) || l.isTooLongInFlight() {
			continue // given back at the stop, to make room, or since SQS lets nobody have it longer
		}
		if l.mayHaveComeAnew() {
			continue
		}
		t.reaches()
		fits := false
		var why string
		for _, r := range l.receives {
			longest := min(float64(target.backoffMax), float64(target.backoff)*math.Pow(2, float64(r.count-1)))
			low, high := int(math.Ceil(longest/2/1e9)), int(math.Ceil(longest/1e9))
			if d.retryAfter > 0 {
				low, high = d.retryAfter, d.retryAfter
				if t.plan.wide != nil {
					low = 1 // to make room, with what is left of it
				}
			}
			for _, most := range t.maxReceivesSaid(l, d.ended) {
				if most > 0 && r.count >= most {
					fits = fits || got == 0
				} else {
					fits = fits || got >= low && got <= high
				}
			}
			why = fmt.Sprintf("%d to %d s", low, high)
		}
		if !fits {
			t.breaks(l.released, l.by, "releases m%d for %d s and not for %s", l.message, got, why)
		}
	}
}

// maxReceivesSaid are the maxReceiveCounts by which the process may have decided on a
// release: what SQS had said at the end of the last try, and has said from then on.
func (t *trial) maxReceivesSaid(l *life, from instant) []int {
	said := []int{0}
	var last instant
	for _, c := range t.byWhom[l.by] {
		if c.queue != t.plan.sends[l.message].queue || c.action != "GetQueueAttributes" || c.told != "" || c.came == never || c.came > l.released {
			continue
		}
		if c.came >= from {
			said = append(said, c.maxReceives)
		} else if c.came >= last {
			last, said[0] = c.came, c.maxReceives
		}
	}
	return said
}

// wasRefused reports whether the target refused connects while a message was in hand, or one hung
// that had begun before: it may have been tried.
func (t *trial) wasRefused(l *life, target int, until instant) bool {
	return slices.ContainsFunc(t.evidence.deliveries, func(d *delivery) bool {
		ended := d.arrived
		if d.how == "hangs" {
			ended += t.plan.targets[target].timeout
		}
		return d.message < 0 && d.by == l.by && d.target == target && ended >= l.receives[0].call.came && d.arrived <= until
	})
}
