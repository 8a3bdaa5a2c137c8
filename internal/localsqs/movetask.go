package localsqs

import (
	"slices"
	"time"
)

// Without a rate of its own a task moves movesAtOnce messages every
// moveInterval: fast, and never long under the mutex.
const (
	movesAtOnce  = 1000
	moveInterval = 10 * time.Millisecond
	tasksKept    = 10
)

type taskStatus string

// The statuses of a move task:
//
//	RUNNING -> COMPLETED | FAILED | CANCELLING -> CANCELLED
const (
	taskRunning    taskStatus = "RUNNING"
	taskCompleted  taskStatus = "COMPLETED"
	taskCancelling taskStatus = "CANCELLING"
	taskCancelled  taskStatus = "CANCELLED"
	taskFailed     taskStatus = "FAILED"
)

// moveTask moves messages out of a dead-letter queue, a step at a time, each
// step in the function of a timer. Guarded by the server's mutex.
type moveTask struct {
	s           *Server
	id          uuid
	source      *queue
	destination string // the queue's name; empty: where each message came from
	rate        int    // a second; 0: as fast as it goes
	started     time.Time
	toMove      int
	moved       int
	status      taskStatus
	reason      string
	timer       *time.Timer
}

// start runs the first step soon, so that the caller sees the task run.
func (t *moveTask) start() {
	t.timer = time.AfterFunc(time.Millisecond, t.step)
}

func (t *moveTask) stop() { t.timer.Stop() }

// active reports whether the task has not ended.
func (t *moveTask) active() bool { return t.status == taskRunning || t.status == taskCancelling }

// step moves what one step may, and sets the timer for the next.
func (t *moveTask) step() {
	now := t.s.lock()
	defer t.s.unlock(now)
	switch {
	case t.s.closed || !t.active():
		return
	case t.status == taskCancelling:
		t.status = taskCancelled
		return
	case t.source.closed:
		t.fail(queueDoesNotExist.query)
		return
	}
	atOnce, pause := movesAtOnce, moveInterval
	if t.rate > 0 {
		atOnce, pause = 1, time.Second/time.Duration(t.rate)
	}
	t.source.advance(now)
	for range atOnce {
		m := t.source.oldestVisible()
		if m == nil {
			t.status = taskCompleted
			return
		}
		if !t.move(m, now) {
			return
		}
	}
	if t.source.oldestVisible() == nil {
		t.status = taskCompleted
		return
	}
	t.timer.Reset(pause)
}

func (t *moveTask) fail(reason string) {
	t.status, t.reason = taskFailed, reason
}

// move sends one message on, as SQS does: as a new message, with a new id and a
// retention and receive count that start again.
func (t *moveTask) move(m *message, now instant) bool {
	name := t.destination
	if name == "" {
		if m.source == "" {
			t.fail("CouldNotDetermineMessageSource")
			return false
		}
		name, _ = nameInARN(m.source)
	}
	to, ok := t.s.queues[name]
	if !ok {
		t.fail(queueDoesNotExist.query)
		return false
	}
	t.source.drop(m)
	c := t.s.copyOf(m, now)
	c.id = t.s.ids.uuid(idOfMessage, c.number)
	c.sent = time.Now().UnixMilli()
	c.source = ""
	if to.fifo != nil {
		c.sequence = sequenceBase + c.number
	}
	to.add(c, now, 0)
	t.moved++
	return true
}

// oldestVisible is the message that a receive would take first.
func (q *queue) oldestVisible() *message {
	if q.fifo != nil {
		if q.fifo.head == nil {
			return nil
		}
		return q.fifo.head.first
	}
	if n := q.visible.first(); n != nil {
		return n.m
	}
	return nil
}

// keepTask remembers a task with the latest few of its source.
func (s *Server) keepTask(t *moveTask) {
	tasks := append(s.tasks[t.source.name], t)
	if len(tasks) > tasksKept {
		tasks = slices.Clone(tasks[len(tasks)-tasksKept:])
	}
	s.tasks[t.source.name] = tasks
}
