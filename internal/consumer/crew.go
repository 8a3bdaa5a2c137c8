package consumer

import (
	"sync"
	"time"
)

// crew runs tasks on goroutines that it keeps for a while: a call or a delivery grows a
// goroutine's stack, and a new goroutine for each would grow it again.
//
// Its caller bounds how many tasks run simultaneously, and so the goroutines. hire,
// rest, shrink and dismiss are called under the consumer's mutex; what runs the tasks is
// not, and is made once a goroutine, so that it can keep what a task can reuse.
type crew[T any] struct {
	runner func() worker[T]
	idle   []*member[T] // the last to rest is the first to work: its stack is warm
	wg     sync.WaitGroup
}

// worker is what runs a goroutine's tasks, and ends with it.
type worker[T any] struct {
	run func(*member[T], T)
	end func() // nil: there is nothing to end
}

// member is one goroutine of a crew.
type member[T any] struct {
	tasks chan T
	since time.Time // when it began to rest
}

// restless is how long a member rests before it may go.
const restless = 30 * time.Second

func newCrew[T any](runner func() worker[T]) *crew[T] {
	return &crew[T]{runner: runner}
}

// hire has a task run by an idle goroutine, or by a new one.
func (c *crew[T]) hire(task T) {
	if n := len(c.idle) - 1; n >= 0 {
		m := c.idle[n]
		c.idle = c.idle[:n]
		m.tasks <- task // never blocks: an idle member's channel is empty
		return
	}
	m := &member[T]{tasks: make(chan T, 1)}
	m.tasks <- task
	c.wg.Go(func() {
		worker := c.runner()
		for task := range m.tasks {
			worker.run(m, task)
		}
		if worker.end != nil {
			worker.end()
		}
	})
}

// rest notes that m has done its task. It is called in the same critical section
// that records what came of the task, so that the next hire finds m idle.
func (c *crew[T]) rest(now time.Time, m *member[T]) {
	m.since = now
	c.idle = append(c.idle, m)
}

// shrink ends those that have rested for long: after a peak a queue keeps only the
// goroutines that it needs.
func (c *crew[T]) shrink(now time.Time) {
	n := 0
	for n < len(c.idle) && now.Sub(c.idle[n].since) >= restless {
		close(c.idle[n].tasks)
		n++
	}
	if n > 0 {
		c.idle = append([]*member[T](nil), c.idle[n:]...)
	}
}

// dismiss ends the idle goroutines. Nothing may be hired after it.
func (c *crew[T]) dismiss() {
	for _, m := range c.idle {
		close(m.tasks)
	}
	c.idle = nil
}
