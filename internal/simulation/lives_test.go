package simulation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// life is one message in the hands of one process, as that process sees it: from
// the receive's answer that brought it to the answer that settled it.
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

// newestAt is the last receive of those whose answer had come. One that was late may
// bring an older one after it.
func (l *life) newestAt(at instant) arrival {
	newest := l.receives[0]
	for _, r := range l.receives[1:] {
		if r.call.came <= at && r.receive >= newest.receive {
			newest = r
		}
	}
	return newest
}

// cameAfter says that it was received again in a time.
func (l *life) cameAfter(from, to instant) bool {
	return slices.ContainsFunc(l.receives, func(r arrival) bool { return r.served > from && r.call.came <= to })
}

// delivered is when the target took it; never if it did not.
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

// lost are the codes by which SQS says that a handle is no longer good.
var lost = []string{"ReceiptHandleIsInvalid", "InvalidParameterValue", "MessageNotInflight"}

// trial is what the judge works on.
type trial struct {
	*world
	evidence *evidence
	lives    []*life
	// strays are deliveries of what was not in hand.
	strays []*delivery
	byWhom map[*process][]*sqsCall
	// mentions are the entries of each message in each process's calls.
	mentions map[*process]map[int][]mention
	stolen   map[handle]instant
	broken   []string
}

// mention is one message's entry in a call.
type mention struct {
	call  *sqsCall
	entry *entry
}

func newTrial(w *world) *trial {
	t := &trial{world: w, evidence: &w.evidence, byWhom: make(map[*process][]*sqsCall), mentions: make(map[*process]map[int][]mention), stolen: make(map[handle]instant)}
	w.evidence.doubt()
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
		if d.message >= 0 {
			events[d.by] = append(events[d.by], happening{at: d.arrived, rank: 2, delivery: d})
		}
	}
	for _, p := range w.evidence.processes {
		all := events[p]
		slices.SortStableFunc(all, func(a, b happening) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank)) })
		t.follow(p, all)
	}
	return t
}

// follow finds a process's lives.
func (t *trial) follow(p *process, all []happening) {
	hand := make(map[int]*life)
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
				// One that is older than what is in hand came by an answer that was late.
				if l != nil && m.receive >= l.newest().receive {
					// A FIFO queue hands out nothing that is in flight: the release is done. So it
					// is, as far as the process can tell, after the delay that it asked for.
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
					l.how = "lost"
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

// isRelease tells a release from an extension: in these worlds no message is released
// for as long as its queue's shortest visibility, but to make room and for a long
// Retry-After.
func (t *trial) isRelease(c *sqsCall, e *entry) bool {
	return c.action == "ChangeMessageVisibilityBatch" &&
		(e.seconds == roomDelay || e.seconds == int(longRetryIn/time.Second) || e.seconds < int(t.plan.queues[c.queue].shortest().Seconds()))
}
