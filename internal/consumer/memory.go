package consumer

import "sync/atomic"

// Memory counts the bytes of bodies in hand, over all queues of the process: the
// bound of 64 MiB, and a receive a poll, is one for all of them.
type Memory struct{ held atomic.Int64 }

func (m *Memory) add(n int) { m.held.Add(int64(n)) }

func (m *Memory) bytes() int { return int(m.held.Load()) }
