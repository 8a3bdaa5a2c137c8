package simulation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// life is one message in the hands of one process, as that process sees it: from the answer
// to the receive that returned it to the answer that settled it.
type life struct {
	by       *process
	message  int
	receives []arrival // the same message may come several times
	starts   []*delivery
	ended    instant // never: it was in hand when the process ended
	how      string  // deleted, released or lost
	release  *entry  // how it was released
	released instant // when that was sent
}

type arrival struct {
	handed
	call *sqsCall
}

// newest is the handle of the last of the life's receives.
func (l *life) newest() handle { return l.newestAt(math.MaxInt64).handle }

// newestAt returns the last receive whose answer had arrived by then. A late answer may bring
// an older one after it.
func (l *life) newestAt(at instant) arrival {
	newest := l.receives[0]
	for _, r := range l.receives[1:] {
		if r.call.came <= at && r.receive >= newest.receive {
			newest = r
		}
	}
	return newest
}

// cameAfter reports whether it was received again in a time.
func (l *life) cameAfter(from, to instant) bool {
	return slices.ContainsFunc(l.receives, func(r arrival) bool { return r.served > from && r.call.came <= to })
}

// delivered returns when the target accepted it, or never.
func (l *life) delivered() instant {
	for _, d := range l.starts {
		if d.delivered() {
			return d.ended
		}
	}
	return never
}

// happening is one event in the order in which a process sees them.
type happening struct {
	at       instant
	rank     int
	call     *sqsCall  // whose answer comes
	delivery *delivery // that starts
}

// lost are the codes with which SQS says that a handle is no longer valid.
var lost = []string{"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}

// trial is what the judge works on.
type trial struct {
	*world
	evidence *evidence
	lives    []*life
	// strays are deliveries of messages that were not in hand.
	strays []*delivery
	byWhom map[*process][]*sqsCall
	// mentions are the entries of each message in each process's calls.
	mentions map[*process]map[int][]mention
	stolen   map[handle]instant
	// everDelivered are the messages that some process has delivered.
	everDelivered map[int]bool
	// finished are the deliveries of each process, in the order of their end.
	finished map[*process][]*delivery
	// last are, in wider worlds, the entries after which a process did nothing more with their
	// handle, although it was time to extend it.
	last   map[*sqsCall]map[handle]bool
	broken []string
	// reached is how often the invariant under judgment was exercised.
	reached int
}

// mention is one message's entry in a call.
type mention struct {
	call  *sqsCall
	entry *entry
}

func newTrial(w *world) *trial {
	t := &trial{world: w, evidence: &w.evidence, byWhom: make(map[*process][]*sqsCall), mentions: make(map[*process]map[int][]mention), stolen: make(map[handle]instant), everDelivered: make(map[int]bool)}
	for _, s := range w.evidence.steals {
		t.stolen[s.handle] = s.at
	}
	events := make(map[*process][]happening)
	for _, c := range w.evidence.calls {
		t.byWhom[c.by] = append(t.byWhom[c.by], c)
		for i := range c.entries {
			if t.mentions[c.by] == nil {
				t.mentions[c.by] = make(map[int][]mention)
			}
			m := c.entries[i].message
			t.mentions[c.by][m] = append(t.mentions[c.by][m], mention{c, &c.entries[i]})
		}
		switch {
		case c.came == never:
		case c.action == "ReceiveMessage":
			events[c.by] = append(events[c.by], happening{at: c.came, rank: 1, call: c})
		default:
			events[c.by] = append(events[c.by], happening{at: c.came, rank: 0, call: c})
		}
	}
	for _, d := range w.evidence.deliveries {
		if d.delivered() {
			t.everDelivered[d.message] = true
		}
		if d.message >= 0 {
			events[d.by] = append(events[d.by], happening{at: d.arrived, rank: 2, delivery: d})
		}
	}
	t.finished = t.byEnd()
	t.findLast()
	for _, p := range w.evidence.processes {
		all := events[p]
		slices.SortStableFunc(all, func(a, b happening) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
		t.follow(p, all)
	}
	return t
}

// follow finds a process's lives.
func (t *trial) follow(p *process, all []happening) {
	hand, gone := make(map[int]*life), make(map[int]*life)
	type release struct {
		call  *sqsCall
		entry *entry
	}
	releases := make(map[handle]release)
	for _, c := range t.byWhom[p] {
		for i := range c.entries {
			if e := &c.entries[i]; t.isRelease(c, e) {
				if _, ok := releases[e.handle]; !ok {
					releases[e.handle] = release{c, e}
				}
			}
		}
	}
	for _, h := range all {
		switch {
		case h.delivery != nil:
			if l := hand[h.delivery.message]; l != nil {
				l.starts = append(l.starts, h.delivery)
			} else {
				t.strays = append(t.strays, h.delivery)
			}
		case h.call.action == "ReceiveMessage":
			for _, m := range h.call.brought {
				l := hand[m.message]
				// One that is older than what is in hand came in a late answer.
				if l != nil && m.receive >= l.newest().receive {
					// A FIFO queue hands out nothing that is in flight, so the release is done. So it
					// is, as far as the process can tell, once the delay that it asked for is over.
					back := time.Duration(0)
					r, ok := releases[l.newest()]
					if ok && !t.queue(m.message).fifo {
						back = time.Duration(r.entry.seconds) * time.Second
					}
					if ok && r.call.sent+back <= h.at {
						l.how, l.release, l.released, l.ended = "released", r.entry, r.call.sent, h.at
						l = nil
					}
				}
				if was := gone[m.message]; l == nil && was != nil && was.runs(h.at) {
					// Lost from a batch whose request continued for the others, and back before that ended.
					l = was
					l.how, l.ended, hand[m.message] = "", never, l
				}
				if l == nil {
					l = &life{by: p, message: m.message, ended: never}
					hand[m.message] = l
					t.lives = append(t.lives, l)
				}
				l.receives = append(l.receives, arrival{m, h.call})
			}
		case h.call.told == "":
			for i := range h.call.entries {
				e := &h.call.entries[i]
				l := hand[e.message]
				if l == nil || l.newest() != e.handle {
					continue
				}
				switch {
				case slices.Contains(lost, e.code):
					l.how, gone[e.message] = "lost", l
				case e.code != "":
					continue
				case h.call.action == "DeleteMessageBatch":
					l.how = "deleted"
				case t.isRelease(h.call, e):
					l.how, l.release, l.released = "released", e, h.call.sent
				default:
					continue
				}
				l.ended = h.at
				delete(hand, e.message)
			}
		}
	}
}

// runs reports whether a delivery of it is running at a time.
func (l *life) runs(at instant) bool {
	n := len(l.starts)
	return n > 0 && (l.starts[n-1].ended == never || l.starts[n-1].ended > at)
}

// isRelease distinguishes a release from an extension: in these worlds no message is released
// for as long as its queue's shortest visibility, except to make room or for a long
// Retry-After.
func (t *trial) isRelease(c *sqsCall, e *entry) bool {
	return c.action == "ChangeMessageVisibilityBatch" && (t.last[c][e.handle] ||
		forRoom(e.seconds) && !t.doneBefore(c, e) || e.seconds == int(longRetryIn/time.Second) || e.seconds < int(t.plan.queues[c.queue].shortest().Seconds()))
}

// doneBefore reports whether the process had only to delete the message by then, since it was
// delivered or rejected: what cannot be deleted is hidden for an hour, too. While the target
// rejects everything, what it rejects is held, and may be released to make room.
func (t *trial) doneBefore(c *sqsCall, e *entry) bool {
	return slices.ContainsFunc(t.evidence.deliveries, func(d *delivery) bool {
		return d.by == c.by && d.message == e.message && d.ended <= c.sent &&
			(d.delivered() || d.rejected() && t.plan.onRejected() != "retry" && t.rejectedInARow(d) <= rowThatIsTrouble)
	})
}

// findLast distinguishes, in wider worlds, a release for the time that a target asked for from
// an extension: what is extended is extended again, or settled, at half of it.
func (t *trial) findLast() {
	t.last = make(map[*sqsCall]map[handle]bool)
	if t.plan.wide == nil {
		return
	}
	for p, all := range t.mentions {
		for _, mentions := range all {
			last := make(map[handle]mention)
			for _, m := range mentions {
				if now, ok := last[m.entry.handle]; !ok || m.call.sent >= now.call.sent {
					last[m.entry.handle] = m
				}
			}
			for h, m := range last {
				c, e := m.call, m.entry
				again := c.sent + time.Duration(e.seconds)*time.Second/2 + 5*time.Second
				if c.action != "ChangeMessageVisibilityBatch" || e.code != "" || t.end(p) <= again || p.drained != never && p.drained <= again ||
					time.Duration(e.seconds)*time.Second <= t.plan.queues[c.queue].longest() || e.seconds == heldFor || !t.toldToWait(p, h.message, e.seconds) || t.doneBefore(c, e) {
					continue
				}
				if t.last[c] == nil {
					t.last[c] = make(map[handle]bool)
				}
				t.last[c][h] = true
			}
		}
	}
}

// heldFor is what an extension of what is held asks for, in seconds.
const heldFor = 120

// toldToWait reports whether a target has told a process to bring a message again after so
// many seconds or more.
func (t *trial) toldToWait(p *process, message, seconds int) bool {
	return slices.ContainsFunc(t.finished[p], func(d *delivery) bool { return d.message == message && d.retryAfter >= seconds })
}

// byEnd are the deliveries of each process that have ended, in the order of their end.
func (t *trial) byEnd() map[*process][]*delivery {
	all := make(map[*process][]*delivery)
	for _, d := range t.evidence.deliveries {
		if d.message >= 0 && d.ended != never {
			all[d.by] = append(all[d.by], d)
		}
	}
	for _, some := range all {
		slices.SortStableFunc(some, func(a, b *delivery) int { return cmp.Compare(a.ended, b.ended) })
	}
	return all
}

// rowThatIsTrouble is how many different messages must be rejected in a row, without a success
// in between, for further rejections to be held like failures.
const rowThatIsTrouble = 5

// mayBeHeld reports whether a rejection may be held: the target rejects everything.
func (t *trial) mayBeHeld(d *delivery) bool {
	return !d.rejected() || t.rejectedInARow(d) >= rowThatIsTrouble
}

// rejectedInARow is how many different messages were rejected when d ended, and nothing delivered
// since the first of them. Of those of one instant nobody knows which was first: only one more
// than rowThatIsTrouble is certain, so it counts no further.
func (t *trial) rejectedInARow(d *delivery) int {
	all := t.finished[d.by]
	end, _ := slices.BinarySearchFunc(all, d.ended, func(x *delivery, at instant) int { return cmp.Compare(x.ended, at) })
	for end < len(all) && all[end].ended == d.ended {
		end++
	}
	row := make(map[int]bool)
	for i := end - 1; i >= 0 && len(row) <= rowThatIsTrouble; i-- {
		switch x := all[i]; {
		case x.target != d.target:
		case x.delivered():
			return len(row)
		case x.rejected():
			row[x.message] = true
		}
	}
	return len(row)
}
