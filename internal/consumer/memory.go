package consumer

import (
	"context"
	"sync"
	"time"
)

const (
	// defaultBudget is Memory's where the process has no limit.
	defaultBudget = 64 << 20
	// leastBudget is what messages get at least, however small the process's limit.
	leastBudget = 4 << 20
	// perMessage is what a message in hand takes beside its body and attributes.
	perMessage = 2 << 10
	// admitWithin is how long an answer waits at most for room: its messages' visibility
	// goes by.
	admitWithin = 5 * time.Second
)

// Budget returns how much of a process's memory limit messages may take, bodies and
// attributes in hand and answers that are being read, with so many slots and queues:
//
//	runtime = 16 MiB                                       the program itself
//	base    = 8 MiB + 40 KiB * slots + 128 KiB * queues    connections, stacks, metrics
//	budget  = (limit - runtime - base) / 2                 at least 4 MiB
//
// The other half is for the garbage collector, which needs as much again. A limit of 0 is
// none: then it is 64 MiB.
func Budget(limit int64, slots, queues int) int64 {
	if limit == 0 {
		return defaultBudget
	}
	return max((limit-RuntimeMemory-BaseMemory(slots, queues))/2, leastBudget)
}

// RuntimeMemory is the part of the limit that Go's own memory limit leaves out: the pages of
// the binary, nearly all of which are resident.
const RuntimeMemory = 16 << 20

// BaseMemory is what a process with so many slots and queues takes beside its messages.
func BaseMemory(slots, queues int) int64 {
	return 8<<20 + 40<<10*int64(slots) + 128<<10*int64(queues)
}

// Memory divides a budget of bytes among the messages of all queues of the process: those
// in hand, and those that receives which are out may bring. It is safe for concurrent use.
type Memory struct {
	budget int

	mu       sync.Mutex // guards what follows
	held     int        // by messages in hand
	promised int        // to receives that are out
	passing  *promise   // the one whose answer is read though it does not fit
	freed    chan struct{}
}

// NewMemory returns a Memory of that many bytes.
func NewMemory(budget int64) *Memory { return &Memory{budget: int(budget)} }

// MemoryUse is how a Memory's budget is used, in bytes.
type MemoryUse struct {
	Budget int64
	// Messages is in hand, Receives is promised to receives that are out.
	Messages, Receives int64
}

// Free is what nothing uses.
func (u MemoryUse) Free() int64 { return max(u.Budget-u.Messages-u.Receives, 0) }

// Use returns how the budget is used.
func (m *Memory) Use() MemoryUse {
	m.mu.Lock()
	defer m.mu.Unlock()
	return MemoryUse{Budget: int64(m.budget), Messages: int64(m.held), Receives: int64(m.promised)}
}

// hold adds to what messages in hand take.
func (m *Memory) hold(bytes int) {
	m.mu.Lock()
	m.held += bytes
	if bytes < 0 {
		m.wake()
	}
	m.mu.Unlock()
}

// wake wakes those who wait for room. The mutex is held.
func (m *Memory) wake() {
	if m.freed != nil {
		close(m.freed)
		m.freed = nil
	}
}

// free is what may be promised.
func (m *Memory) free() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.budget - m.held - m.promised
}

// fits reports whether that much more may be in hand. Receives that are out do not count:
// they may bring nothing.
func (m *Memory) fits(bytes int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.held+bytes <= m.budget
}

// promise is the part of a Memory that a receive has.
type promise struct {
	memory *Memory
	bytes  int // guarded by the memory's mutex
}

// promise gives a receive room for what it is likely to bring.
func (m *Memory) promise(bytes int) *promise {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.promised += bytes
	return &promise{m, bytes}
}

// admit waits until an answer that takes so many bytes fits. One at a time need not wait,
// since it may be larger than the whole budget, and none waits for longer than 5 s or than
// ctx.
func (p *promise) admit(ctx context.Context, bytes int) {
	m := p.memory
	var late <-chan time.Time
	m.mu.Lock()
	defer m.mu.Unlock()
	for bytes > p.bytes && m.held+m.promised+bytes-p.bytes > m.budget {
		if m.passing == nil {
			m.passing = p
			break
		}
		if late == nil {
			timer := time.NewTimer(admitWithin)
			defer timer.Stop()
			late = timer.C
		}
		if m.freed == nil {
			m.freed = make(chan struct{})
		}
		freed := m.freed
		m.mu.Unlock()
		waits := true
		select {
		case <-freed:
		case <-late:
			waits = false
		case <-ctx.Done():
			waits = false
		}
		m.mu.Lock()
		if !waits {
			break
		}
	}
	if bytes > p.bytes {
		m.promised += bytes - p.bytes
		p.bytes = bytes
	}
}

// end takes the promise back: what the receive has brought is in hand.
func (p *promise) end() {
	m := p.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	m.promised -= p.bytes
	p.bytes = 0
	if m.passing == p {
		m.passing = nil
	}
	m.wake()
}
