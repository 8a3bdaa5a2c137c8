package ratelimit

import "time"

// When a held message is tried again.

// again is that, now that c has failed: after its backoff and, in trouble, half of the
// trouble's age. Who needs no proof does not wait for the trouble to end.
func (g *gate) again(now time.Time, c *Case) time.Time {
	pause := backoff(c)
	if !g.troubleSince.IsZero() && !g.convicts.quick(c.id) {
		pause = max(pause, min(maxTroubleAgain, now.Sub(g.troubleSince)/2))
	}
	return g.after(now, c, pause)
}

// hasten has what is held wait no longer than for its backoff: the trouble that made it
// wait for longer is over.
func (g *gate) hasten(now time.Time) {
	for c, left := g.cases.first, g.cases.held; left > 0; c = c.after {
		if !c.held {
			continue
		}
		left--
		if soon := g.after(now, c, backoff(c)); soon.Before(c.next) {
			c.next, g.hastened = soon, true
		}
	}
}

// backoff is a pause by c's own tries.
func backoff(c *Case) time.Duration { return min(firstAgain<<min(c.tries-1, 10), maxAgain) }

// after is when a pause has gone by, with jitter, and what c's target asked for.
func (g *gate) after(now time.Time, c *Case, pause time.Duration) time.Time {
	at := now.Add(time.Duration(float64(pause) * g.draw(c.id, c.tries)))
	if c.notBefore.After(at) {
		return c.notBefore
	}
	return at
}
