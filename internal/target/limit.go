package target

import (
	"context"
	"sync"
	"time"
)

// limits makes the contexts of deliveries: each ends with the engine's, or when the
// time-out is over. One that has not ended serves the next delivery of the same engine's
// context: the engine has one for each delivery that it makes at once, and keeps them. To
// context.WithTimeout a delivery would owe a tenth of what it allocates.
type limits struct {
	timeout time.Duration

	mu   sync.Mutex                 // guards idle
	idle map[context.Context]*limit // by the engine's context that they end with
}

// limit is one such context, for one delivery at a time.
type limit struct {
	ctx    context.Context //nolint:containedctx // kept to be used again
	end    context.CancelFunc
	timer  *time.Timer
	engine context.Context //nolint:containedctx // whose end is its end
	unhook func() bool     // from that
}

// begin gives one whose context ends when ctx does, or after the time-out. It
// carries none of ctx's values.
func (l *limits) begin(ctx context.Context) *limit {
	l.mu.Lock()
	one := l.idle[ctx]
	delete(l.idle, ctx)
	l.mu.Unlock()
	if one != nil {
		one.timer.Reset(l.timeout)
		return one
	}
	one = &limit{engine: ctx}
	one.ctx, one.end = context.WithCancel(context.Background()) //nolint:forbidigo // of no values: net/http looks for its own up the whole chain
	one.timer = time.AfterFunc(l.timeout, one.end)
	one.unhook = context.AfterFunc(ctx, func() { l.forget(one) })
	return one
}

// release takes it back. Only one that has not ended is used again, and only if the
// delivery was clean: after an error net/http leaves a context of its own behind, which
// would stay as long as this one.
func (l *limits) release(one *limit, clean bool) {
	if !one.timer.Stop() || !clean || !l.keep(one) {
		one.unhook()
		one.end()
	}
}

// keep has one serve the next delivery, if the engine's context has not ended and keeps
// no other.
func (l *limits) keep(one *limit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.engine.Err() != nil || l.idle[one.engine] != nil { // once it has ended, forget has been here or will be
		return false
	}
	if l.idle == nil {
		l.idle = make(map[context.Context]*limit)
	}
	l.idle[one.engine] = one
	return true
}

// forget ends one whose engine's context has ended.
func (l *limits) forget(one *limit) {
	l.mu.Lock()
	if l.idle[one.engine] == one {
		delete(l.idle, one.engine)
	}
	l.mu.Unlock()
	one.end()
}
