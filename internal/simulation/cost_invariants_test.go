package simulation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// whatIsInHandIsBounded: if nothing goes wrong, at most slots + min(0.2 s × pace, 500)
// + 2 × 10 messages are not yet delivered; on a FIFO queue, plus those that wait behind
// their group's head, up to ten per slot and receive. Of receives that look slow, only ten
// messages count: others are sent in their place.
func whatIsInHandIsBounded(t *trial) {
	if !t.plan.calm {
		return
	}
	t.reaches()
	target := &t.plan.targets[0]
	fastest := time.Hour
	for _, d := range t.evidence.deliveries {
		if d.delivered() {
			fastest = min(fastest, d.ended-d.arrived)
		}
	}
	slots := float64(target.limits.Concurrency)
	pace := slots / fastest.Seconds()
	if target.limits.Limited {
		pace = min(pace, target.limits.Rate)
	}
	bound := int(slots + min(math.Ceil(0.2*pace), 500) + 20)
	if t.plan.queues[0].fifo {
		bound += 10*int(slots) + 10
	}
	type change struct {
		at   instant
		by   int
		slow bool
	}
	overtaken := t.overtaken()
	var changes []change
	for _, l := range t.lives {
		slow := overtaken[l.receives[0].call]
		changes = append(changes, change{l.receives[0].call.came, 1, slow})
		out := l.ended
		if took := l.delivered(); took != never {
			out = took
		}
		if out != never {
			changes = append(changes, change{out, -1, slow})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.by, b.by)) })
	soon, late := 0, 0
	for _, c := range changes {
		if c.slow {
			late += c.by
		} else {
			soon += c.by
		}
		if n := soon + min(late, 10); n > bound {
			t.breaks(c.at, t.evidence.processes[0], "has %d messages in hand that are not delivered; at most %d may be", n, bound)
			return
		}
	}
}

// overtaken are the receives that may look slow: they have been out for two of the shortest
// round trips when one that was sent later comes back full.
func (t *trial) overtaken() map[*sqsCall]bool {
	var full []*sqsCall
	shortest := never
	for _, c := range t.evidence.calls {
		if c.action == "ReceiveMessage" && c.came != never && len(c.brought) > 0 && len(c.brought) == c.asked {
			full = append(full, c)
			shortest = min(shortest, c.came-c.sent)
		}
	}
	slow := make(map[*sqsCall]bool)
	for _, c := range t.evidence.calls {
		if c.action == "ReceiveMessage" && slices.ContainsFunc(full, func(later *sqsCall) bool {
			return later.by == c.by && later.queue == c.queue && later.sent > c.sent && later.came < c.came && later.came-c.sent > 2*shortest
		}) {
			slow[c] = true
		}
	}
	return slow
}

// fewRequestsAMessage: with a backlog, and if nothing goes wrong, 0.22 receives and deletes
// per message from 5/s on. A FIFO queue's deletes do not wait for each other.
func fewRequestsAMessage(t *trial) {
	if !t.plan.calm || t.plan.queues[0].fifo {
		return
	}
	t.reaches()
	lastDelivery := instant(0)
	n := 0
	for _, d := range t.evidence.deliveries {
		if d.delivered() {
			lastDelivery = max(lastDelivery, d.ended)
			n++
		}
	}
	requests := 0
	for _, c := range t.evidence.calls {
		if (c.action == "ReceiveMessage" || c.action == "DeleteMessageBatch") && c.sent <= lastDelivery {
			requests++
		}
	}
	// Until the first delivery has succeeded each receive asks for one message, up to
	// five; and the last ones, up to sixteen, find the queue empty.
	if most := 0.22*float64(n) + 20; float64(requests) > most {
		t.breaks(lastDelivery, t.evidence.processes[0], "has sent %d receives and deletes for %d messages; at most %.0f may be", requests, n, most)
	}
}

// anIdleQueueCostsOneLongPollAtATime, and one GetQueueAttributes an hour; its dead-letter
// queue one every five minutes.
func anIdleQueueCostsOneLongPollAtATime(t *trial) {
	if t.idled == never {
		return
	}
	t.reaches()
	polls, depths := 0, 0
	for _, c := range t.evidence.calls {
		if c.sent < t.idled || c.sent > t.idled+idleTail {
			continue
		}
		switch c.action {
		case "ReceiveMessage":
			polls++
		default:
			depths++
		}
	}
	wait := min(max((t.plan.drain-5*time.Second).Truncate(time.Second), time.Second), 20*time.Second)
	if most := int(idleTail/wait) + 2; polls > most {
		t.breaks(t.idled, t.evidence.processes[0], "has sent %d receives in an idle hour; at most %d may be", polls, most)
	}
	most := 2
	if t.plan.queues[0].maxReceives > 0 {
		most += int(idleTail/(5*time.Minute)) + 1
	}
	if depths > most {
		t.breaks(t.idled, t.evidence.processes[0], "has sent %d other calls in an idle hour", depths)
	}
}
