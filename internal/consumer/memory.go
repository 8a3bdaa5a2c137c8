package consumer

import "sync/atomic"

// defaultMemory is Memory's limit where it has none of its own.
const defaultMemory = 64 << 20

// Memory counts the bytes of the messages in hand, bodies and attributes, over all
// queues of the process. Beyond its limit nothing more is received; the receives
// that are out by then come on top.
type Memory struct {
	// Limit is in bytes; 0 or less: 64 MiB. It is not changed once a consumer runs.
	Limit int64

	held atomic.Int64
}

func (m *Memory) add(n int) { m.held.Add(int64(n)) }

func (m *Memory) bytes() int { return int(m.held.Load()) }

func (m *Memory) limit() int {
	if m.Limit <= 0 {
		return defaultMemory
	}
	return int(m.Limit)
}

// fits reports whether one more message of that size may be received.
func (m *Memory) fits(size float64) bool { return float64(m.bytes())+size <= float64(m.limit()) }
