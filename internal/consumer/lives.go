package consumer

import "time"

// lives are all messages in hand, by MessageId and in the sequence of the receives, with
// the groups of a FIFO queue that they make up.
type lives struct {
	byKey       map[ledgerKey]*life
	first, last *life
	count       [states]int
	memory      *Memory
	groups      groups // of a FIFO queue
	seq         uint64
	// followers wait behind another of their group.
	followers int
}

func newLives(memory *Memory) lives {
	return lives{memory: memory, byKey: make(map[ledgerKey]*life), groups: make(groups)}
}

func (v *lives) size() int { return len(v.byKey) }

func (v *lives) add(l *life) {
	v.seq++
	l.seq = v.seq
	v.byKey[l.key] = l
	v.count[l.state]++
	v.memory.hold(l.size)
	l.previous = v.last
	if v.last == nil {
		v.first = l
	} else {
		v.last.next = l
	}
	v.last = l
	v.enter(l)
}

func (v *lives) move(l *life, to state, now time.Time) {
	v.leave(l)
	v.count[l.state]--
	v.count[to]++
	l.state = to
	l.since = now
	v.enter(l)
}

// enter and leave keep the group in step with the state, and count the followers.
func (v *lives) enter(l *life) {
	if g := l.group; g != nil {
		v.followers -= g.followers()
		g.enter(l)
		v.followers += g.followers()
	}
}

func (v *lives) leave(l *life) {
	if g := l.group; g != nil {
		v.followers -= g.followers()
		g.leave(l)
		v.followers += g.followers()
	}
}

func (v *lives) remove(l *life) {
	v.leave(l)
	if l.group != nil && l.group.idle() {
		delete(v.groups, l.group.id)
	}
	delete(v.byKey, l.key)
	v.count[l.state]--
	v.memory.hold(-l.size)
	if l.previous == nil {
		v.first = l.next
	} else {
		l.previous.next = l.next
	}
	if l.next == nil {
		v.last = l.previous
	} else {
		l.next.previous = l.previous
	}
	l.previous, l.next = nil, nil
}

// dropBody frees the body and the attributes of a message that is not delivered again.
func (v *lives) dropBody(l *life) {
	v.memory.hold(perMessage - l.size)
	l.size = perMessage
	l.message.Body, l.message.Attributes = "", nil
}

// has reports whether l is (still) in hand.
func (v *lives) has(l *life) bool { return v.byKey[l.key] == l }

// oldestAge is the age of the oldest message not yet delivered; 0 if there is none.
func (v *lives) oldestAge(now time.Time, k *clock) time.Duration {
	var oldest time.Duration
	for l := v.first; l != nil; l = l.next {
		if l.state == waiting || l.state == delivering || l.state == held {
			oldest = max(oldest, k.age(now, l.message))
		}
	}
	return oldest
}
