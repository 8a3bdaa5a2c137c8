package consumer

import (
	"slices"

	"github.com/sqs-poller/poller/internal/message"
)

// group is what is in hand of one message group of a FIFO queue. SQS hands out a
// group's messages in sequence, and no more of them while others are in flight. Here
//
//   - one of the group is delivered at a time, in the sequence of the receives;
//   - the next may start when the one before it was delivered: its delete may
//     still be under way, unless the queue is strict;
//   - one that is held blocks those behind it, so they cost no receive;
//   - when one has failed for good, was rejected or lost, those behind it are released
//     immediately: SQS keeps them behind it, since a released message blocks its group
//     until its delay is over.
//
// On a strict queue the next starts when the delete of the one before it is confirmed, so
// that a crash repeats one message of a group at most. It costs each message of a group a
// round trip to SQS, and deletes in smaller batches.
type group struct {
	id        string
	waiting   []*life // the first is next
	current   *life   // being delivered, or held
	releasing []*life
	deleting  int
	strict    bool // the next waits until what was delivered is deleted
}

// blocked reports whether the group's next message has to wait. What is being released
// is behind those that wait, so it does not block them. On a standard queue nothing does.
func (g *group) blocked() bool {
	return g != nil && (g.current != nil || g.strict && g.deleting > 0)
}

// followers is how many wait behind another.
func (g *group) followers() int {
	if n := len(g.waiting); n > 0 && !g.blocked() {
		return n - 1
	}
	return len(g.waiting)
}

// idle reports whether nothing of the group is in hand.
func (g *group) idle() bool {
	return g.current == nil && len(g.waiting) == 0 && len(g.releasing) == 0 && g.deleting == 0
}

// groups are the groups that have something in hand, by id.
type groups map[string]*group

// of is the group of that id, made where there is none.
func (g groups) of(id string) *group {
	if known, ok := g[id]; ok {
		return known
	}
	fresh := &group{id: id}
	g[id] = fresh
	return fresh
}

// enter puts l where its state says.
func (g *group) enter(l *life) {
	switch l.state {
	case waiting:
		g.waiting = append(g.waiting, l)
	case delivering, held:
		g.current = l
	case releasing:
		g.releasing = append(g.releasing, l)
	case deleting:
		g.deleting++
	}
}

// leave takes l out of where its state says.
func (g *group) leave(l *life) {
	switch l.state {
	case waiting:
		i := slices.Index(g.waiting, l)
		g.waiting = slices.Delete(g.waiting, i, i+1)
	case delivering, held:
		g.current = nil
	case releasing:
		i := slices.Index(g.releasing, l)
		g.releasing = slices.Delete(g.releasing, i, i+1)
	case deleting:
		g.deleting--
	}
}

// releasesBefore reports whether some of it that is before m is in hand and its release is
// still to be sent. One that is before all of those has come again by a release of its own:
// its turn is now.
func (g *group) releasesBefore(m *message.Message) bool {
	return g != nil && slices.ContainsFunc(g.releasing, func(l *life) bool {
		return l.visibleAt.IsZero() && !m.Before(l.message)
	})
}

// behind are those that wait behind l, the first first: on a standard queue, and behind
// what was delivered, there are no such messages. On a strict queue they wait for a rejected
// message until the dead-letter queue has it.
func (g *group) behind(l *life) []*life {
	if g == nil || l.state == deleting && (!g.strict || !l.unsent) || l.state == releasing {
		return nil
	}
	if l.state == waiting {
		return slices.Clone(g.waiting[slices.Index(g.waiting, l)+1:])
	}
	return slices.Clone(g.waiting)
}
