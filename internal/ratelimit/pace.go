// Package ratelimit says when the next delivery to a target may start. The
// pace is slots and tokens together: a slot is the right to one delivery at a
// time, a token the right to start one now.
//
// It promises that never more deliveries run at once than there are slots, and
// that in any window never more are started than rate × window + burst: across
// a pause, a change of rate, and retries, since every start takes a token.
//
// It owns no goroutine and never waits. Whoever starts deliveries joins, which
// gives a Share: one a queue. It asks Start, and when that says no, asks again
// when a delivery ends, at Due, or when its wake function is called. Nobody queues
// for tokens inside: a waiter inside rate.Limiter is not reached by a change of
// the rate, and one that began at rate 0 never wakes.
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
	// Consent: slot, token and turn are there, and the caller's own condition is not met.
	Consent
	// Turn: another queue of the target goes first; it has been woken.
	Turn
)

// A token may be used after its time, for so long, without being counted as used later.
// A timer fires up to a millisecond late, on a busy machine by several, and a bucket of
// one token has no room to make up for that: at 50/s a millisecond would cost 5 % of the
// rate. By the clock of the tokens the bound is exact; by the clock on the wall a window
// can hold what its length plus this allows, which up to 250/s is a quarter of a delivery.
const (
	minLateness = time.Millisecond
	maxLateness = 10 * time.Millisecond
)

// lateness is a quarter of the time between two tokens, within these.
func lateness(perSecond float64) time.Duration {
	return min(max(time.Duration(float64(time.Second)/4/perSecond), minLateness), maxLateness)
}

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
	shares     []*Share
	virtual    float64 // the turn of the share that started last
}

// New makes the pace of one target, its bucket full.
func New(limits Limits) *Pace {
	p := new(Pace)
	p.set(time.Now(), limits)
	return p
}

// Set changes the limits from now on. Tokens saved up are kept, up to the new
// burst. Deliveries that run are not ended when the concurrency falls: it is in
// force once enough of them have ended.
func (p *Pace) Set(now time.Time, limits Limits) {
	p.mu.Lock()
	p.set(now, limits)
	p.mu.Unlock()
	p.wakeAll(nil)
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

// token reports whether there is a token, and the time at which to take it.
func (p *Pace) token(now time.Time) (at time.Time, ok bool) {
	if p.bucket == nil {
		return now, true
	}
	if p.limits.Rate == 0 {
		p.due = time.Time{}
		return now, false
	}
	at = now
	if late := now.Sub(p.due); !p.due.IsZero() && late >= 0 && late <= lateness(p.limits.Rate) {
		at = p.due
	}
	have := p.bucket.TokensAt(at)
	if have >= 1 {
		return at, true
	}
	missing := min((1-have)/p.limits.Rate, longest.Seconds())
	p.due = at.Add(max(time.Duration(math.Ceil(missing*float64(time.Second))), 1))
	return at, false
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
