// Package ratelimit decides when the next delivery to a target may start. A pace
// combines slots, tokens and quotas: a slot is the right to run one delivery, a token
// the right to start one now, and a quota is how many may start in any window of a
// given length. Where it adapts, package adapt finds how many slots there are.
//
// At most as many deliveries run concurrently as there are slots, in any window at most
// rate × window + burst are started, and in no quota's window more than it allows. This
// holds across pauses, rate changes and retries, since every start counts.
//
// The package starts no goroutines and never blocks. Each queue joins a target's
// pace and gets a Share. It calls Start, and if that says no, calls it again when a
// delivery ends, at Due, or when its wake function is called. Nothing waits inside
// the package: a waiter in rate.Limiter does not notice a change of rate, and one
// that began at rate 0 never wakes.
package ratelimit

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/sqs-poller/poller/internal/adapt"
)

// Limits are a target's limits.
type Limits struct {
	// Concurrency is how many deliveries may run concurrently, at least 1.
	Concurrency int
	// Limited reports whether Rate and Burst apply.
	Limited bool
	// Rate is how many deliveries may start per second; 0 pauses.
	Rate float64
	// Burst is how many may start simultaneously after a lull, at least 1.
	Burst int
	// Quotas are the target's quotas; the zero value is none.
	Quotas [MaxQuotas]Quota
	// Follow reports whether what the target says of its limits is kept to.
	Follow bool
	// Adaptive reports whether the concurrency is found, with Concurrency as the maximum.
	Adaptive bool
}

// Try is one delivery as the pace knows it, from its start to its end.
type Try struct {
	number int
	began  time.Time
	beside int // how many others ran then
	most   int // the most others that ran at once within the same moment
}

// Want is what a start is waiting for.
type Want uint8

// What a start can wait for.
const (
	// Nothing means that it may start.
	Nothing Want = iota
	// Slot means that all slots are taken.
	Slot
	// Token means that the rate is used up, or 0.
	Token
	// Allowance means that a quota, or what the target says that it takes, is used up.
	Allowance
	// Consent means that only the caller's own condition is not met.
	Consent
	// Turn means that another queue of the target goes first; it has been woken.
	Turn
)

// A token used up to this much late counts as used on time. A timer fires up to a
// millisecond late, several on a busy machine, and a bucket of one token cannot make up
// for it: at 50/s a millisecond would cost 5 % of the rate. The bound is exact by the
// tokens' clock; by the wall clock a window can hold what its length plus this allows,
// which up to 250/s is a quarter of a delivery.
const (
	minLateness = time.Millisecond
	maxLateness = 10 * time.Millisecond
)

// lateness is a quarter of the time between two tokens, within these bounds.
func lateness(perSecond float64) time.Duration {
	return min(max(time.Duration(float64(time.Second)/4/perSecond), minLateness), maxLateness)
}

// longest is how far Due looks ahead. At a rate so low that its next token is beyond the
// range of time.Duration, the caller asks again after it.
const longest = 24 * time.Hour

// Pace is the pace of one target. It is safe for concurrent use.
type Pace struct {
	adapts atomic.Bool // whether adapt is set

	mu         sync.Mutex // guards what follows
	limits     Limits
	bucket     *rate.Limiter // nil if there is no rate limit
	fleet      Fleet         // nil if the budget is not shared with other processes
	lacks      Want          // what the last refused start waits for: Token, Slot, or Nothing
	delivering int
	due        time.Time // when the last refused token will be available; zero if none was refused
	quotas     quotas
	told       told
	adapt      *adapt.Limit // nil if the concurrency is not found
	moment     []*Try       // that began last and run; while the concurrency is found
	closings   int          // of the gate, when adapting last looked; -1 before it has
	free       time.Time    // when quotas and target allow the start that they refused last; zero if they refused none
	shares     []*Share
	wanting    turns   // those that want to start
	wished     uint64  // wishes to start so far
	weights    float64 // of those that are not dry
	virtual    float64 // turn of the share that started last
}

// New returns the pace of one target, with a full bucket.
func New(limits Limits) *Pace {
	p := new(Pace)
	p.set(time.Now(), limits)
	return p
}

// Set changes the limits. Saved tokens are kept, up to the new burst, and so is what has
// been used of the quotas: of a greater one, as far back as the greatest until now. Running
// deliveries are not ended when the concurrency is lowered; it takes effect once enough
// of them have ended.
func (p *Pace) Set(now time.Time, limits Limits) {
	p.mu.Lock()
	p.set(now, limits)
	p.mu.Unlock()
	p.wakeAll()
}

func (p *Pace) set(now time.Time, limits Limits) {
	limits.Concurrency = max(limits.Concurrency, 1)
	limits.Burst = max(limits.Burst, 1)
	limits.Rate = max(limits.Rate, 0)
	p.limits = limits
	p.due, p.free = time.Time{}, time.Time{}
	p.quotas.set(now, limits.Quotas)
	p.setAdaptive(now)
	if !limits.Follow {
		p.told = told{}
	}
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

// token reports whether a token is available, and the time at which to take it.
func (p *Pace) token(now time.Time) (at time.Time, ok bool) {
	at, ok = p.ownToken(now)
	if ok && p.fleet != nil {
		p.due, ok = p.fleet.Token(now)
	}
	return at, ok
}

// take uses the token that is available at a time.
func (p *Pace) take(now, at time.Time) {
	if p.bucket != nil {
		p.bucket.AllowN(at, 1)
	}
	if p.fleet != nil {
		p.fleet.Take(now)
	}
	p.due = time.Time{}
}

// ownToken is token for the pace's own bucket.
func (p *Pace) ownToken(now time.Time) (at time.Time, ok bool) {
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

// Quotas returns how far each quota is used up, the shortest window first: by all replicas
// where the pace is part of a fleet's.
func (p *Pace) Quotas(now time.Time) []QuotaUse {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fleet != nil {
		return p.fleet.Quotas(now)
	}
	return p.quotas.uses(now)
}

// Limits returns the limits in force.
func (p *Pace) Limits() Limits {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inForce()
}

// Delivering returns how many deliveries are running.
func (p *Pace) Delivering() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delivering
}
