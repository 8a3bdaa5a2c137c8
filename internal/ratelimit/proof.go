package ratelimit

import (
	"math"
	"time"
)

// learn keeps rho: over every try that is a retry, of this process or of the queue,
// how many were delivered. Tries while the gate is closed say nothing of retrying,
// nor do those after a 429 of the same message: they work because the crowd is gone.
func (g *gate) learn(c *Case, a Answer) {
	if c.tries < 2 && c.receives < 2 || c.whileShut || a == Rejected || c.throttled {
		return
	}
	x := 0.0
	if a == Delivered {
		x = 1
	}
	g.rho += rhoWeight * (x - g.rho)
}

// welcome keeps how many newcomers are delivered: messages that nothing is known
// against, at their first try. Where few are, that a message fails again says as little
// of it, and rho may not tell, since poison is retried most.
func (g *gate) welcome(c *Case, a Answer) {
	if c.tries != 1 || c.whileShut || a == Rejected || a == Throttled || g.convicts.has(c.id) {
		return
	}
	x := 0.0
	if a == Delivered {
		x = 1
	}
	g.newcomersN++
	g.newcomers += max(1/float64(g.newcomersN), newcomersWeight) * (x - g.newcomers)
}

// mostlyWorks says that the target takes enough newcomers for a message that fails again
// to be the one at fault.
func (g *gate) mostlyWorks() bool { return g.newcomers >= minNewcomers }

// strike is the proof: a delivery that began after a suspect's failed try was
// delivered, so the failure was the suspect's. At most one strike a try.
func (g *gate) strike(proof *Case) {
	for c := g.cases.first; c != nil && g.cases.suspects > 0; c = c.after {
		if c == proof || !c.suspect || !c.held || !c.failedBegan.Before(proof.began) {
			continue
		}
		g.cases.suspect(c, false)
		if g.struck(c, c.failed) {
			g.decide(c, GivenUp)
		}
	}
}

// struck gives c a strike, and says whether it is proven now to be at fault.
func (g *gate) struck(c *Case, a Answer) bool {
	c.strikes++
	g.strikes++
	if c.strikes < g.enough(a) {
		return false
	}
	g.convicts.add(c.id)
	return true
}

// unaided says what c's failure proves without another's success: again, that it is a
// strike as it has one, and proven, that it is given up at once as it was before, after as
// many tries as it would need strikes. Neither while it may be the target; then it takes
// as long as it takes a message alone. Without this, poison at the end of a backlog, which
// nobody is left to prove once more, would be held like an outage.
func (g *gate) unaided(now time.Time, c *Case, a Answer) (again, proven bool) {
	if c.strikes == 0 && !g.convicts.has(c.id) || !g.mostAreKnown() {
		return false, false
	}
	works, waited := g.mostlyWorks(), c.waited(now)
	again = c.strikes > 0 && (works || waited)
	proven = g.enough(a) == a.strikes() && c.tries >= a.strikes() && (works && g.convicts.pass(c.id) || waited)
	return again, proven
}

// mostAreKnown says that too few for an outage fail of which it is not known whether they
// are at fault.
func (g *gate) mostAreKnown() bool {
	if len(g.inTrouble) >= unprovenBelow {
		return false
	}
	unknown := 0
	for c := g.cases.first; c != nil && unknown < unprovenBelow; c = c.after {
		if c.held && c.strikes == 0 && !g.convicts.has(c.id) {
			unknown++
		}
	}
	return unknown < unprovenBelow
}

// enough is how many strikes make a message given up. Where retrying works, more are
// needed: so many that one which retrying would deliver is given up once in a
// thousand times. Where it never works, these are poison.
func (g *gate) enough(a Answer) int {
	n := a.strikes()
	if n == 0 {
		return math.MaxInt
	}
	return g.lucky(n)
}

// lucky is how many failures in a row, but at least n, are more than bad luck where
// retrying works as well as here.
func (g *gate) lucky(n int) int {
	if g.rho >= minRho && g.rho <= maxRho {
		n = max(n, min(maxStrikes, int(math.Ceil(math.Log(doubt)/math.Log(1-g.rho)))))
	}
	return n
}

func (g *gate) decide(c *Case, v Verdict) {
	c.verdict = v
	c.share.verdicts = true
	g.cases.hold(c, false)
	g.cases.suspect(c, false)
}

// lonely says that something fails, and that there is hardly anybody else to prove whose
// fault it is.
func (g *gate) lonely() bool {
	return g.cases.held > 0 && g.cases.held < unprovenBelow && len(g.inTrouble) < unprovenBelow && !g.troubleSince.IsZero()
}

// unprovenDue says that it has waited in vain for somebody.
func (g *gate) unprovenDue(now time.Time) bool {
	return g.lonely() && now.Sub(g.troubleSince) >= unprovenAfter
}
