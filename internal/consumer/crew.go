package consumer

import "sync"

// crew runs tasks on goroutines that it keeps: an SDK call or a delivery grows
// a goroutine's stack, and a new goroutine for each would grow it again.
//
// Its caller bounds how many tasks run simultaneously, and so the goroutines. hire,
// rest and dismiss are called under the consumer's mutex; what runs the tasks is
// not, and is made once a goroutine, so that it can keep what a task can reuse.
type crew[T any] struct {
	runner func() func(*member[T], T)
	idle   []*member[T] // the last to rest is the first to work: its stack is warm
	wg     sync.WaitGroup
}

// member is one goroutine of a crew.
type member[T any] struct {
	tasks chan T
}

func newCrew[T any](runner func() func(*member[T], T)) *crew[T] {
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
		run := c.runner()
		for task := range m.tasks {
			run(m, task)
		}
	})
}

// rest notes that m has done its task. It is called in the same critical section
// that records what came of the task, so that the next hire finds m idle.
func (c *crew[T]) rest(m *member[T]) {
	c.idle = append(c.idle, m)
}

// dismiss ends the idle goroutines. Nothing may be hired after it.
func (c *crew[T]) dismiss() {
	for _, m := range c.idle {
		close(m.tasks)
	}
	c.idle = nil
}
