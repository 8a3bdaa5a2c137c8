package simulation

import (
	"slices"
	"time"
)

const (
	// promptly is how long after it is due a call may be sent: one that failed in part makes
	// the others wait for 0.1 s, and one that is out with the same message has to return
	// first.
	promptly = 500 * time.Millisecond
	// longestPause is how long calls of one kind pause after one that failed as a whole.
	longestPause = 7 * time.Second
	// deniedPause is how long they pause after one that was denied.
	deniedPause = 31 * time.Second
	deleteCall  = "DeleteMessageBatch"
	changeCall  = "ChangeMessageVisibilityBatch"
)

// wentWell reports whether a call was answered soon, and not all of what it asked for failed:
// SQS is well, whatever became of single entries.
func (c *sqsCall) wentWell() bool {
	const soon = 100 * time.Millisecond
	if c.fate.kind != plain || c.stood || c.fate.before > soon || c.fate.after > soon || c.told != "" || c.came == never {
		return false
	}
	return slices.ContainsFunc(c.entries, func(e entry) bool { return e.code == "" })
}

// settlesWell reports whether no call that settles or extends went wrong as a whole.
func (t *trial) settlesWell(p *process, queue int, from, to instant) bool {
	if t.plan.wide != nil && len(t.plan.wide.calls) > 0 {
		from -= deniedPause
	}
	return !p.standsIn(from, to) && !slices.ContainsFunc(t.byWhom[p], func(c *sqsCall) bool {
		settles := c.queue == queue && (c.action == deleteCall || c.action == changeCall)
		toDeadLetters := c.queue < 0 && c.action == "SendMessageBatch" && !c.well()
		return (settles && !c.wentWell() || toDeadLetters) && c.overlaps(from, to, t)
	})
}

// asks finds the first call about a message that its process sends in a time.
func (t *trial) asks(l *life, from, to instant, action ...string) bool {
	return slices.ContainsFunc(t.mentions[l.by][l.message], func(m mention) bool {
		return m.call.sent >= from && m.call.sent <= to && slices.Contains(action, m.call.action)
	})
}

// oneFailedEntryDelaysNoOther: while no call fails as a whole, delivered messages are deleted
// when their linger is over, and rejected ones are released, however many entries of other
// calls fail; and a failed entry is sent again just as promptly.
func oneFailedEntryDelaysNoOther(t *trial) {
	const releaseLinger = 100 * time.Millisecond
	for _, l := range t.lives {
		queue := t.plan.sends[l.message].queue
		deleteLinger := min(5*time.Second, t.plan.queues[queue].longest()/6)
		due := func(from, at instant, action, why string) {
			t.reaches()
			until := at + promptly
			if t.end(l.by) <= until || l.ended != never && l.ended <= until || t.asks(l, from, until, action) {
				return
			}
			if t.settlesWell(l.by, queue, from-longestPause, until) {
				t.breaks(until, l.by, "has not sent a %s for m%d, which %s at %.3f s", action, l.message, why, from.Seconds())
			}
		}
		for _, d := range l.starts {
			switch {
			case d.ended == never:
			case d.delivered():
				due(d.ended, d.ended+deleteLinger, deleteCall, "was delivered")
			case t.waitsAtItsStop(l, d.ended, d.ended+releaseLinger+promptly):
			case t.plan.onRejected() != "retry", t.mayBeHeld(d):
			case d.rejected() && (!t.queue(l.message).fifo || t.queue(l.message).maxReceives == 0):
				due(d.ended, d.ended+releaseLinger, changeCall, "was rejected")
			}
		}
		for _, m := range t.mentions[l.by][l.message] {
			if m.call.action == changeCall && t.waitsAtItsStop(l, m.call.came, m.call.came+promptly) {
				continue
			}
			if c, e := m.call, m.entry; e.handle == l.newest() && e.code != "" && !slices.Contains(lost, e.code) && !t.isExtension(c, e) {
				// A delivered message lingers from then; one that is received again later, from that receive.
				lingers := max(l.delivered(), l.receives[0].call.came) + deleteLinger
				if n := len(l.starts); n > 0 && c.action == deleteCall { // so does what is discarded
					lingers = max(lingers, l.starts[n-1].ended+deleteLinger)
					if t.plan.onRejected() == "dead-letter" && l.starts[n-1].rejected() { // from its letter
						lingers = max(lingers, c.came+deleteLinger)
					}
				}
				due(c.came, max(c.came, lingers), c.action, "failed in a call")
			}
		}
	}
}

// waitsAtItsStop reports whether the release of l may have to wait in that time: at a stop it stays
// while receives are out that could return it.
func (t *trial) waitsAtItsStop(l *life, from, to instant) bool {
	return l.by.drained != never && l.by.drained <= to && slices.ContainsFunc(t.byWhom[l.by], func(c *sqsCall) bool {
		return c.action == "ReceiveMessage" && c.queue == t.plan.sends[l.message].queue && c.sent <= to && (c.came == never || c.came >= from)
	})
}

// dateNoise is how much too old an answer may look according to its Date.
const dateNoise = 2 * time.Second

// whatIsInHandIsExtendedAtHalfItsVisibility: while calls go well, a message that was
// received, or extended, is settled or extended by half of the time that it was hidden for.
func whatIsInHandIsExtendedAtHalfItsVisibility(t *trial) {
	for _, l := range t.lives {
		queue := t.plan.sends[l.message].queue
		hidden := func(at instant, lasts time.Duration, asked instant) {
			until := at + lasts/2 + promptly
			if l.ended == never || l.ended > until-promptly {
				t.reaches()
			}
			if t.end(l.by) <= until || l.ended != never && l.ended <= until || t.asks(l, asked, until, deleteCall, changeCall) {
				return
			}
			if slices.ContainsFunc(l.receives, func(r arrival) bool { return r.call.came > at && r.call.came <= until }) {
				return // it came again
			}
			if until-l.receives[len(l.receives)-1].served >= longestInFlight {
				return // what is delivered is only deleted
			}
			if t.settlesWell(l.by, queue, at-longestPause, until) {
				t.breaks(until, l.by, "has not extended m%d, hidden for %v at %.3f s", l.message, lasts, at.Seconds())
			}
		}
		for _, r := range l.receives {
			// One whose answer was later than its visibility belongs to nobody any more.
			if r.handle == l.newestAt(r.call.came).handle && r.call.came < r.served+r.call.visibility-dateNoise {
				hidden(r.call.came, r.call.visibility, r.call.came)
			}
		}
		for _, m := range t.mentions[l.by][l.message] {
			if c, e := m.call, m.entry; e.handle == l.newest() && e.code == "" && c.wentWell() && t.isExtension(c, e) {
				hidden(c.sent, time.Duration(e.seconds)*time.Second, c.sent+1)
			}
		}
	}
}

// isExtension is the other of isRelease.
func (t *trial) isExtension(c *sqsCall, e *entry) bool {
	return c.action == changeCall && !t.isRelease(c, e)
}
