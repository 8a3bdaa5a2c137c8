package ratelimit

import "time"

// Fleet is a budget that this process shares with others. What it gives out, nobody else
// has. A pace that has joined one starts a delivery only with a slot and a token of the
// fleet, beside its own. It is called with the pace's lock held: it must not block, nor
// call the pace.
type Fleet interface {
	// Limits returns what this process may count on: its slots, of which there may be none,
	// and the rate at which it is likely to get tokens.
	Limits() Limits
	// Token reports whether a delivery may start now. If not, due is when one may, or the
	// zero time if that is not known yet: the pace is then woken.
	Token(now time.Time) (due time.Time, ok bool)
	// Take uses the token that Token has just reported.
	Take(now time.Time)
	// Tokens returns how many deliveries could start now, as far as tokens go.
	Tokens(now time.Time) int
	// Free returns how many deliveries the quotas, which are all replicas', allow this process
	// to start by a time, and when that number grows; -1 if there is none.
	Free(at time.Time) (n int, grows time.Time)
	// Quotas returns how far each is used up, by all replicas.
	Quotas(now time.Time) []QuotaUse
	// Told returns what the target has told the other replicas.
	Told() ToldOthers
	// Report says what this process does with its part.
	Report(Use)
}

// Use is what a process does with its part of a fleet's budget.
type Use struct {
	// Running is how many deliveries are running.
	Running int
	// Busy reports whether some queue is not dry.
	Busy bool
	// Lacks is what a delivery that was to start has been refused for, if one has:
	// Token or Slot.
	Lacks Want
	// Told is what the target has told this process.
	Told ToldAll
}

// ToldAll is what holds for all replicas of what the target has told one of them.
type ToldAll struct {
	// Follows reports whether this one keeps to it.
	Follows bool
	// Until is before when nothing starts; zero if that is not so.
	Until time.Time
	// Asks reports whether it asks the target anew, with one delivery, when the time is over.
	Asks bool
}

// ToldOthers is what the target has told some replica of the fleet.
type ToldOthers struct {
	// Until is before when nobody starts; zero if that is not so.
	Until time.Time
	// Asks reports whether this replica is the one that asks anew, and Waits whether it waits
	// for the one that does.
	Asks, Waits bool
}

// JoinFleet makes the pace part of a fleet's. It is called before the first Join.
func (p *Pace) JoinFleet(f Fleet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fleet = f
}

// Wake has the owners of all shares ask again: the fleet has something new.
func (p *Pace) Wake() {
	p.mu.Lock()
	p.hear(time.Now())
	p.mu.Unlock()
	p.wakeAll()
}

// waitsFor is how long a replica waits for another one that asks, if it hears nothing more.
const waitsFor = 2 * time.Second

// hear takes in what the target has told the other replicas.
func (p *Pace) hear(now time.Time) {
	if p.fleet == nil || !p.limits.Follow {
		return
	}
	h, t := p.fleet.Told(), &p.told
	t.others = h.Until
	if until := now.Add(waitsFor); h.Waits && until.After(t.others) {
		t.others = until
	}
	switch {
	case h.Asks && !t.asks && !t.asksForAll:
		t.asks, t.heldAt = true, p.quotas.next
	case t.waitsForAnother && !h.Waits && !h.Asks:
		t.resume(now, true) // the target has taken what another one asked with
	}
	t.asksForAll, t.waitsForAnother = h.Asks, h.Waits
	p.report()
}

// inForce returns the pace's own limits with the concurrency that was found, or the fleet's
// where they are lower. The concurrency is at least 1: without a slot the rate is 0.
func (p *Pace) inForce() Limits {
	all := p.limits
	all.Concurrency = max(p.shared(p.found(all.Concurrency)), 1)
	if p.fleet == nil {
		return all
	}
	fleet := p.fleet.Limits()
	if fleet.Limited && (!all.Limited || fleet.Rate < all.Rate) {
		all.Limited, all.Rate, all.Burst = true, fleet.Rate, max(fleet.Burst, 1)
	}
	if fleet.Concurrency <= 0 {
		all.Limited, all.Rate, all.Burst = true, 0, 1
	}
	return all
}

// slots returns how many deliveries may run.
func (p *Pace) slots() int {
	slots := p.shared(p.found(p.limits.Concurrency))
	if p.told.asks {
		slots = min(slots, 1)
	}
	return slots
}

// shared returns so many slots, or the fleet's where they are fewer.
func (p *Pace) shared(slots int) int {
	if p.fleet == nil {
		return slots
	}
	return min(slots, p.fleet.Limits().Concurrency)
}

// refused notes what a start waits for, or that it waits for nothing.
func (p *Pace) refused(want Want) {
	switch want {
	case Slot, Token, Nothing:
		p.lacks = want
		if p.limits.Limited && p.limits.Rate == 0 {
			p.lacks = Nothing // paused: tokens of the fleet would lapse here
		}
	case Consent, Allowance: // the fleet's token is there
		p.lacks = Nothing
	case Turn: // the share whose turn it is asks next
	}
	p.report()
}

// fleetUsedUp reports whether it is a quota of the fleet's that keeps its tokens from this
// process.
func (p *Pace) fleetUsedUp(now time.Time) bool {
	if p.fleet == nil || p.limits.Limited && p.limits.Rate == 0 {
		return false
	}
	free, _ := p.fleet.Free(now)
	return free == 0
}

// report tells the fleet what this process does.
func (p *Pace) report() {
	if p.fleet == nil {
		return
	}
	use := Use{Running: p.delivering, Busy: p.weights > 0, Told: ToldAll{Follows: p.limits.Follow, Asks: p.told.asks}}
	if p.limits.Follow {
		now := time.Now()
		if from := p.told.ownFrom(now); from.After(now) {
			use.Told.Until = from
		}
	}
	if p.first() != nil {
		use.Lacks = p.lacks
	}
	p.fleet.Report(use)
}
