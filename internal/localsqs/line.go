package localsqs

import "slices"

// node is a message's place in a line.
type node struct {
	m          *message
	prev, next *node
	key        int64
	index      int // in the heap, or one of the two below
}

const (
	notInLine = -1 - iota
	inList
)

// line keeps messages in the order of a key, ties in the order in which the
// messages came. Keys mostly arrive in order (a send is newer than the last, a
// visibility ends after the one before), so what comes in order is kept in a
// list, O(1), and only what comes out of order in a heap, O(log n). The first is
// the smaller of the two heads. The zero value is empty.
type line struct {
	head, tail *node
	heap       []*node
	n          int
}

func (a *node) before(b *node) bool {
	if a.key != b.key {
		return a.key < b.key
	}
	return a.m.number < b.m.number
}

// first is the node with the smallest key, nil if the line is empty.
func (l *line) first() *node {
	switch {
	case len(l.heap) == 0:
		return l.head
	case l.head == nil || l.heap[0].before(l.head):
		return l.heap[0]
	default:
		return l.head
	}
}

func (l *line) push(n *node, key int64) {
	n.key = key
	l.n++
	if l.tail == nil || l.tail.before(n) {
		n.index = inList
		n.prev, n.next = l.tail, nil
		if l.tail == nil {
			l.head = n
		} else {
			l.tail.next = n
		}
		l.tail = n
		return
	}
	n.index = len(l.heap)
	l.heap = append(l.heap, n)
	l.up(n.index)
}

func (l *line) remove(n *node) {
	if n.index == notInLine {
		return
	}
	l.n--
	if n.index == inList {
		if n.prev == nil {
			l.head = n.next
		} else {
			n.prev.next = n.next
		}
		if n.next == nil {
			l.tail = n.prev
		} else {
			n.next.prev = n.prev
		}
		n.prev, n.next = nil, nil
	} else {
		l.removeFromHeap(n.index)
	}
	n.index = notInLine
}

func (l *line) removeFromHeap(i int) {
	last := len(l.heap) - 1
	moved := l.heap[last]
	l.heap[last] = nil
	l.heap = l.heap[:last]
	if i < last {
		l.heap[i] = moved
		moved.index = i
		l.up(i)
		l.down(moved.index)
	}
	if c := cap(l.heap); c > 1024 && last < c/4 {
		l.heap = slices.Clone(l.heap)
	}
}

func (l *line) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !l.heap[i].before(l.heap[parent]) {
			return
		}
		l.swap(i, parent)
		i = parent
	}
}

func (l *line) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(l.heap) {
			return
		}
		if right := child + 1; right < len(l.heap) && l.heap[right].before(l.heap[child]) {
			child = right
		}
		if !l.heap[child].before(l.heap[i]) {
			return
		}
		l.swap(i, child)
		i = child
	}
}

func (l *line) swap(i, j int) {
	l.heap[i], l.heap[j] = l.heap[j], l.heap[i]
	l.heap[i].index, l.heap[j].index = i, j
}

// all lists the messages of the line, in no order.
func (l *line) all() []*message {
	out := make([]*message, 0, l.n)
	for n := l.head; n != nil; n = n.next {
		out = append(out, n.m)
	}
	for _, n := range l.heap {
		out = append(out, n.m)
	}
	return out
}
