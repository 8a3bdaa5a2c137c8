package ratelimit

import "time"

// look makes the changes that are due by time alone, and those that a failure
// brings. It says whether anything has changed.
func (g *gate) look(now time.Time) {
	if g.state == Closed {
		return
	}
	if due := g.closesAt(); !due.IsZero() && !now.Before(due) {
		g.shut(now)
		return
	}
	if g.state == HalfOpen && !g.fresh && now.Sub(g.since) >= halfOpenFor {
		g.change(now, Open, reasonElapsed)
	}
	if g.unprovenDue(now) {
		for c := g.cases.first; c != nil; {
			next := c.after
			if c.held && c.failed == Failed && c.waited(now) {
				g.decide(c, GivenUp)
			}
			c = next
		}
	}
}

// closesAt is when the gate closes if nothing succeeds before; zero: too few
// messages are in trouble.
func (g *gate) closesAt() time.Time {
	if len(g.inTrouble) < closingMessages || g.troubleSince.IsZero() || g.state == Closed {
		return time.Time{}
	}
	return g.troubleSince.Add(g.troubleTime())
}

// troubleTime is how long trouble must last to close the gate.
func (g *gate) troubleTime() time.Duration {
	twice := time.Duration(2 * g.took * float64(time.Second))
	return min(max(twice, minTrouble), maxTrouble)
}

// wary says that the gate is about to close: enough messages are in trouble, and so
// many tries have failed since anything worked that, going by how well retrying works
// here, it is the target. Only the time is wanting that deliveries in flight are given
// to prove the contrary. Until it is over, all that is in hand would be tried two or
// three times for nothing; a few tries find a success as well.
func (g *gate) wary() bool {
	if len(g.inTrouble) < closingMessages || g.troubleSince.IsZero() || g.state == Closed {
		return false
	}
	failed := 0
	for _, n := range g.answers {
		failed += n
	}
	return failed >= g.lucky(closingMessages)
}

// drains says that c's success is no sign that the target can be tried: it began
// before the trouble, and all that was started since has failed already. A target that
// goes away answers old requests to the end while it refuses new ones; if each of those
// ended the trouble, a hand full would be tried before the gate closes. One that answers
// 429 is there: each success makes room for another.
func (g *gate) drains(c *Case) bool {
	if !c.began.Before(g.troubleSince) || g.mostly() == Throttled {
		return false
	}
	for other := g.cases.first; other != nil; other = other.after {
		if other.running && other.began.After(g.troubleSince) {
			return false
		}
	}
	return true
}

// waryGap is the time between two starts while the gate is wary.
func (g *gate) waryGap() time.Duration { return g.troubleTime() / waryTries }

// shut closes the gate. Nobody is suspect any more: it is the target's fault.
func (g *gate) shut(now time.Time) {
	for c := g.cases.first; c != nil && g.cases.suspects > 0; c = c.after {
		g.cases.suspect(c, false)
	}
	g.probing = nil
	g.probeAnswered = g.cases.heldWithAnswer > 0
	mostly := g.mostly()
	g.change(now, Closed, mostly.String())
	g.scheduleProbe(now, 0)
	news := &g.news[len(g.news)-1]
	news.Since, news.Messages, news.NextProbe, news.Mostly = g.troubleSince, len(g.inTrouble), g.nextProbe, mostly
}

// mostly is the answer that most of the failures in trouble had.
func (g *gate) mostly() Answer {
	most := Failed
	for a, n := range g.answers {
		if n > g.answers[most] {
			most = Answer(a)
		}
	}
	return most
}

func (g *gate) scheduleProbe(now time.Time, retryAfter time.Duration) {
	g.probes++
	g.told = nil
	gap := min(max(now.Sub(g.troubleSince)/10, minProbe), maxProbe)
	g.nextProbe = now.Add(max(time.Duration(float64(gap)*g.draw("probe", g.probes)), retryAfter))
}

// halfOpen opens the gate a little: one delivery at a time at first. All that is held
// is due.
func (g *gate) halfOpen(now time.Time) {
	closed := now.Sub(g.since)
	g.limit, g.fresh, g.halved = 1, false, now
	for c := g.cases.first; c != nil; c = c.after {
		if c.held {
			c.next = now
		}
	}
	g.change(now, HalfOpen, reasonSuccess)
	g.news[len(g.news)-1].Closed = closed
}

func (g *gate) change(now time.Time, to GateState, reason string) {
	if len(g.news) == newsKept {
		g.news = g.news[1:]
	}
	g.news = append(g.news, Change{At: now, From: g.state, To: to, Reason: reason, Start: g.fresh, Held: g.cases.held})
	g.changes[changeKey{to, reason}]++
	g.state, g.since, g.fresh = to, now, false
}

// candidate is whom the next probe tries: the message in hand with the fewest tries,
// the oldest among equals.
func (g *gate) candidate() *Case {
	var best *Case
	for c := g.cases.first; c != nil; c = c.after {
		if c.offered && !c.running && c.verdict == NoVerdict && (best == nil || c.tries < best.tries) {
			best = c
		}
	}
	return best
}

// makeRoom releases the message that failed most often by an answer, at most one
// each 90 s: so a long outage costs a message one receive.
func (g *gate) makeRoom(now time.Time) {
	if now.Sub(g.roomMade) < roomEach {
		return
	}
	var worst *Case
	for c := g.cases.first; c != nil; c = c.after {
		if c.held && !c.running && c.answered > 0 && (worst == nil || c.answered > worst.answered) {
			worst = c
		}
	}
	if worst != nil {
		g.roomMade = now
		g.decide(worst, MadeRoom)
	}
}

// wake is when look, or a probe, has something to do by time alone; zero: never.
func (g *gate) wake(now time.Time) time.Time {
	var at time.Time
	earlier := func(other time.Time) {
		if !other.IsZero() && other.After(now) && (at.IsZero() || other.Before(at)) {
			at = other
		}
	}
	if g.state == Closed {
		if g.probing == nil {
			earlier(g.nextProbe)
		}
	} else {
		earlier(g.closesAt())
		if g.wary() {
			earlier(g.started.Add(g.waryGap()))
		}
		if g.state == HalfOpen && !g.fresh {
			earlier(g.since.Add(halfOpenFor))
		}
		if g.lonely() {
			earlier(g.troubleSince.Add(unprovenAfter))
			for c := g.cases.first; c != nil; c = c.after {
				if c.held && c.failed == Failed {
					earlier(c.firstFailed.Add(unprovenAfter))
				}
			}
		}
	}
	if g.cases.n >= maxHeld {
		earlier(g.roomMade.Add(roomEach))
	}
	return at
}
