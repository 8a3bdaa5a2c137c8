package target

import (
	"context"
	"sync"
	"time"
)

// limits creates the contexts of deliveries. Each ends with the engine's context or at the
// timeout. One that has not ended is reused for the next delivery with the same engine
// context, of which the engine has one per concurrent delivery. context.WithTimeout would
// account for a tenth of a delivery's allocations.
type limits struct {
	timeout time.Duration

	mu   sync.Mutex                 // guards idle
	idle map[context.Context]*limit // by the engine's context
}

// limit is a reusable context for one delivery at a time.
type limit struct {
	ctx    context.Context //nolint:containedctx // kept to be reused
	end    context.CancelFunc
	timer  *time.Timer
	engine context.Context //nolint:containedctx // ctx ends with it
	unhook func() bool     // removes the hook on engine
}

// begin returns a limit whose context ends when ctx does or after the timeout. It carries
// none of ctx's values.
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
	one.ctx, one.end = context.WithCancel(context.Background()) //nolint:forbidigo // without values: net/http searches the whole chain for its own
	one.timer = time.AfterFunc(l.timeout, one.end)
	one.unhook = context.AfterFunc(ctx, func() { l.forget(one) })
	return one
}

// release takes it back. It is reused only if it has not ended and the delivery was clean:
// after an error net/http leaves a child context behind, which would live as long as this
// one.
func (l *limits) release(one *limit, clean bool) {
	if !one.timer.Stop() || !clean || !l.keep(one) {
		one.unhook()
		one.end()
	}
}

// keep stores one for the next delivery, if the engine's context has not ended and has no
// other.
func (l *limits) keep(one *limit) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if one.engine.Err() != nil || l.idle[one.engine] != nil { // if it has ended, forget has run or will run
		return false
	}
	if l.idle == nil {
		l.idle = make(map[context.Context]*limit)
	}
	l.idle[one.engine] = one
	return true
}

// forget ends the limit of an engine's context that has ended.
func (l *limits) forget(one *limit) {
	l.mu.Lock()
	if l.idle[one.engine] == one {
		delete(l.idle, one.engine)
	}
	l.mu.Unlock()
	one.end()
}
