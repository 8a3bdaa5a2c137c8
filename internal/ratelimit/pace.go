// Package ratelimit says when the next delivery to a target may start. The
// pace is slots and tokens together: a slot is the right to one delivery at a
// time, a token the right to start one now.
//
// It promises that never more deliveries run at once than there are slots, and
// that in any window never more are started than rate × window + burst: across
// a pause, a change of rate, and retries, since every start takes a token.
//
// It owns no goroutine and never waits. Whoever starts deliveries (one owner a
// target) asks Start, and when that says no, asks again when a delivery ends,
// at Due, or when the function given to OnChange is called. Nobody queues for
// tokens inside: a waiter inside rate.Limiter is not reached by a change of the
// rate, and one that began at rate 0 never wakes.
package ratelimit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are what a target can take.
type Limits struct {
	// Concurrency is how many deliveries may run at once, at least 1.
	Concurrency int
	// Limited says that Rate and Burst are in force; without it there is no rate.
	Limited bool
	// Rate is how many deliveries may start a second; 0 pauses.
	Rate float64
	// Burst is how many may start at once after a lull, at least 1.
	Burst int
}

// Want is what a start has to wait for.
type Want uint8

// What a start can want.
const (
	// Nothing: it may start.
	Nothing Want = iota
	// Slot: as many deliveries run as may.
	Slot
	// Token: the rate is used up, or 0.
	Token
)

// lateness is what a token may be used after its time without being counted as
// used later. A timer fires up to a millisecond late, and a bucket of one token
// has no room to make up for that: at 50/s it would cost 2.5 % of the rate. By
// the clock of the tokens the bound is exact; by the clock on the wall a window
// can hold what its length plus a millisecond allows.
const lateness = time.Millisecond

// longest is the farthest that Due looks ahead: a rate so small that its next
// token lies beyond what a time.Duration holds is asked again after it.
const longest = 24 * time.Hour

// Pace is the pace of one target. It may be used from several goroutines.
type Pace struct {
	mu         sync.Mutex // guards what follows
	limits     Limits
	bucket     *rate.Limiter // nil: no rate
	delivering int
	due        time.Time // when the token that was last refused will be there; zero: none refused
	changed    func()
}

// New makes the pace of one target, its bucket full.
func New(limits Limits) *Pace {
	p := &Pace{changed: func() {}}
	p.set(time.Now(), limits)
	return p
}

// OnChange has f called, outside of all locks, after each Set. It replaces the
// function given before.
func (p *Pace) OnChange(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed = f
}

// Set changes the limits from now on. Tokens saved up are kept, up to the new
// burst. Deliveries that run are not ended when the concurrency falls: it is in
// force once enough of them have ended.
func (p *Pace) Set(now time.Time, limits Limits) {
	p.mu.Lock()
	p.set(now, limits)
	changed := p.changed
	p.mu.Unlock()
	changed()
}

func (p *Pace) set(now time.Time, limits Limits) {
	limits.Concurrency = max(limits.Concurrency, 1)
	limits.Burst = max(limits.Burst, 1)
	limits.Rate = max(limits.Rate, 0)
	p.limits = limits
	p.due = time.Time{}
	switch {
	case !limits.Limited:
		p.bucket = nil
	case p.bucket == nil:
		p.bucket = rate.NewLimiter(rate.Limit(limits.Rate), limits.Burst)
	default:
		p.bucket.SetLimitAt(now, rate.Limit(limits.Rate))
		p.bucket.SetBurstAt(now, limits.Burst)
	}
}

// Start takes a slot and a token and says Nothing, or takes neither and says
// what is wanting. After Nothing the caller starts one delivery at once and
// calls End when it has ended.
func (p *Pace) Start(now time.Time) Want {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.delivering >= p.limits.Concurrency {
		return Slot
	}
	if p.bucket != nil && !p.takeToken(now) {
		return Token
	}
	p.delivering++
	return Nothing
}

func (p *Pace) takeToken(now time.Time) bool {
	if p.limits.Rate == 0 {
		p.due = time.Time{}
		return false
	}
	at := now
	if late := now.Sub(p.due); !p.due.IsZero() && late >= 0 && late <= lateness {
		at = p.due
	}
	if p.bucket.AllowN(at, 1) {
		p.due = time.Time{}
		return true
	}
	missing := min((1-p.bucket.TokensAt(at))/p.limits.Rate, longest.Seconds())
	p.due = at.Add(max(time.Duration(math.Ceil(missing*float64(time.Second))), 1))
	return false
}

// End gives the slot of one delivery back.
func (p *Pace) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delivering--
}

// Due is when the token that Start last refused will be there; zero when none
// was refused since the last start, or when the rate is 0.
func (p *Pace) Due() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.due
}

// Usable is how many deliveries could start now: idle slots, or fewer tokens.
func (p *Pace) Usable(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := max(p.limits.Concurrency-p.delivering, 0)
	if p.bucket == nil {
		return idle
	}
	if p.limits.Rate == 0 {
		return 0
	}
	return min(idle, max(int(p.bucket.TokensAt(now)), 0))
}

// Limits gives what is in force.
func (p *Pace) Limits() Limits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limits
}

// Delivering is how many deliveries run.
func (p *Pace) Delivering() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delivering
}
