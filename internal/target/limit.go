package target

import (
	"context"
	"sync"
	"time"
)

// limits makes the contexts of deliveries: each ends with the engine's, or when the
// time-out is over. One that has not ended is used again by a later delivery. To
// context.WithTimeout a delivery would owe a tenth of what it allocates.
type limits struct {
	timeout time.Duration
	idle    sync.Pool // of *limit
}

// limit is one such context, for one delivery at a time.
type limit struct {
	ctx    context.Context //nolint:containedctx // kept to be used again
	end    context.CancelFunc
	timer  *time.Timer
	unhook func() bool // from the engine's context
}

// begin gives one whose context ends when ctx does, or after the time-out. It
// carries none of ctx's values.
func (l *limits) begin(ctx context.Context) *limit {
	one, ok := l.idle.Get().(*limit)
	if ok {
		one.timer.Reset(l.timeout)
	} else {
		one = &limit{}
		one.ctx, one.end = context.WithCancel(context.WithoutCancel(ctx))
		one.timer = time.AfterFunc(l.timeout, one.end)
	}
	one.unhook = context.AfterFunc(ctx, one.end)
	return one
}

// release takes it back. Only one that nothing can end any more is used again.
func (l *limits) release(one *limit) {
	stopped, unhooked := one.timer.Stop(), one.unhook()
	if stopped && unhooked {
		l.idle.Put(one)
		return
	}
	one.end()
}
