package consumer

import "time"

// delete has a message deleted, which is remembered from now on: if it comes again,
// it is deleted again.
func (h *hand) delete(now time.Time, l *life) {
	h.depart(now, l)
	h.dropBody(l)
	h.ledger.enter(l.key)
	h.deletes.add(l)
}

// depart takes l from the way of deliveries, so that the next of its group may start.
func (h *hand) depart(now time.Time, l *life) {
	h.holding.drop(l)
	h.gate.Leave(&l.try)
	h.move(l, deleting, now)
	h.speed.add(now, h.demand.deliversWithin())
	if g := l.group; g != nil {
		if len(g.waiting) > 0 && !g.blocked() {
			h.queueUp(g.waiting[0])
		} else {
			l.urgent = true
		}
	}
}

// settle takes out of hand what SQS has confirmed to be deleted or released.
func (h *hand) settle(now time.Time, l *life) {
	if l.state == deleting {
		h.ledger.deleted(l.key, now.Add(2*l.visibility))
		h.ledger.expire(now)
	}
	if l.outcome != doneUntried {
		h.spared.through(l.key)
	}
	h.stats.settled[l.outcome]++
	if l.state == deleting {
		h.backlog.settle()
	} else {
		h.backlog.release(now, l.visibleAt)
	}
	if l.outcome == doneDeadLettered || l.state == releasing && h.lastReceive(l.message) {
		h.dead.count(now)
	}
	h.remove(l)
	h.unblock(l)
}
