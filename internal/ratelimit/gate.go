package ratelimit

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"time"
)

// GateState is whether the target may be tried.
type GateState uint8

// The states.
//
//	           a success or a rejection
//	start ──► HalfOpen ─────────────────────────► Open
//	           ▲   │  ▲   L = slots, or 30 s        │
//	a success, │   │  └── L += 1 / L = L/2           │ 5 messages in trouble
//	begun after│   │ 5 messages in trouble           │ for long enough
//	the closing│   ▼                                 ▼
//	           └──────────────── Closed ◄───────────┘
//	                    one probe at a time
const (
	Open GateState = iota
	HalfOpen
	Closed

	gateStates
)

// String is the state's name in logs, metrics and docs.
func (s GateState) String() string {
	return [gateStates]string{"open", "half_open", "closed"}[s]
}

// The gate's numbers, all of them.
const (
	closingMessages = 5                // different messages in trouble that close it
	minTrouble      = time.Second      // trouble lasts at least so long before it closes,
	maxTrouble      = 10 * time.Second // and two mean deliveries, but not longer than this
	firstAgain      = 200 * time.Millisecond
	maxAgain        = time.Second      // a held message's own backoff ends here
	maxTroubleAgain = 30 * time.Second // half the trouble's age, but at most
	maxRetryAfter   = 10 * time.Minute
	minProbe        = time.Second // between probes: a tenth of the trouble's age, within these
	maxProbe        = 10 * time.Second
	startLimit      = 5 // deliveries at once before the first success
	halfOpenFor     = 30 * time.Second
	unprovenAfter   = 5 * time.Minute // given up with nobody to prove it
	unprovenBelow   = 3               // messages in trouble
	rhoWeight       = 0.02
	minRho, maxRho  = 0.01, 0.99
	doubt           = 0.001 // of giving up a message that retrying would deliver
	maxStrikes      = 100
	heldBeyond      = 10               // over the slots: then receives come one by one
	quiet           = time.Second      // after a success and a receive, before such a one
	maxHeld         = 1000             // in hand
	roomEach        = 90 * time.Second // one is released at most so often to make room
)

// RoomDelay is how long a message that made room stays away.
const RoomDelay = 15 * time.Minute

// gate says whether a target may be tried, and whose fault a failure was.
//
// A failing answer proves nothing by itself. The message is held until another
// delivery that began later tells: if it succeeded, the fault is the message's (a
// strike); if none does for a while, it is the target's, and the gate closes. A hold
// costs no receive; a release costs one each time.
//
// It is guarded by its pace's mutex.
type gate struct {
	seed  uint64
	state GateState
	since time.Time
	fresh bool // half-open since the start: no delivery has succeeded yet
	limit int  // L: the slots while half-open

	troubleSince time.Time           // t0: begin of the earliest try that counts; zero: no trouble
	inTrouble    map[string]struct{} // D: messages whose first try counts
	answers      [Canceled]int       // that count, for the log
	succeeded    time.Time           // when the last success or rejection ended
	halved       time.Time           // when the limit was last halved
	took         float64             // T: mean time of a delivered delivery, in seconds
	delivered    int                 // in all, for the mean
	rho          float64             // how well retrying works

	cases cases

	probing       *Case
	told          *Case // whose owner was woken for the next probe
	nextProbe     time.Time
	probes        int
	probeAnswered bool // the last probe failed by an answer; at the closing: some held message did

	roomMade time.Time
	witness  *Share // whose turn it was last
	polls    int    // receives that are out, of all shares

	strikes   int64
	witnesses int64
	changes   map[changeKey]int64
	news      []Change
}

// changeKey labels poller_gate_changes_total.
type changeKey struct {
	to     GateState
	reason string
}

// Why the gate changes, beside the answers that close it: a success opens it, to
// half-open or fully, or it has been half-open for long enough.
const (
	reasonSuccess = "success"
	reasonElapsed = "elapsed"
)

// changeKeys are all that there are.
func changeKeys() []changeKey {
	return []changeKey{
		{Open, reasonSuccess},
		{Open, reasonElapsed},
		{HalfOpen, reasonSuccess},
		{Closed, Failed.String()},
		{Closed, Unavailable.String()},
		{Closed, Throttled.String()},
		{Closed, Connection.String()},
	}
}

// Change is one change of the gate's state, for the log.
type Change struct {
	At       time.Time
	From, To GateState
	// Reason is success, elapsed, or the answer that most had.
	Reason string
	// Start says that it is the opening after the start.
	Start bool
	// Since is when the trouble began, Messages how many are in it, and Mostly the
	// answer that most of them had; of a closing alone.
	Since    time.Time
	Messages int
	Mostly   Answer
	Held     int
	// NextProbe is when the target is tried again; of a closing alone.
	NextProbe time.Time
	// Closed is how long the gate was closed, of an opening after a closing.
	Closed time.Duration
}

func newGate(now time.Time, seed uint64, slots int) gate {
	return gate{
		seed: seed, state: HalfOpen, since: now, fresh: true,
		limit: min(startLimit, slots), inTrouble: make(map[string]struct{}),
		changes: make(map[changeKey]int64),
	}
}

// draw is uniform in [0.5, 1.5), the same for the same seed, key and number.
func (g *gate) draw(key string, n int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))                                                       // never fails
	return 0.5 + rand.New(rand.NewPCG(g.seed^h.Sum64(), uint64(max(n, 0)))).Float64() //nolint:gosec // jitter, no secret
}

// ended takes in what a try came to. It says whether the message is held now.
func (g *gate) ended(now time.Time, c *Case, a Answer, retryAfter time.Duration, slots int) bool {
	probe := g.probing == c
	if probe {
		g.probing = nil
	}
	if a == Canceled {
		if probe {
			g.scheduleProbe(now, 0)
		}
		return false
	}
	g.learn(c, a)
	if a == Throttled {
		c.throttled = true
	}
	if a.fails() {
		g.failed(now, c, a, min(retryAfter, maxRetryAfter))
		if probe {
			g.probeAnswered = a != Connection
			g.scheduleProbe(now, min(retryAfter, maxRetryAfter))
		}
		return true
	}
	g.worked(now, c, a, slots)
	return false
}

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

func (g *gate) failed(now time.Time, c *Case, a Answer, retryAfter time.Duration) {
	if !g.succeeded.After(c.began) { // no success has ended since it began
		if g.troubleSince.IsZero() || c.began.Before(g.troubleSince) && g.state != Closed {
			g.troubleSince = c.began
		}
		if c.tries == 1 {
			g.inTrouble[c.id] = struct{}{}
		}
		g.answers[a]++
	}
	if a != Connection {
		c.answered++
	}
	c.failed, c.failedBegan = a, c.began
	if c.firstFailed.IsZero() {
		c.firstFailed = now
	}
	g.cases.hold(c, true)
	g.cases.suspect(c, a.strikes() > 0 && g.state != Closed)

	again := min(firstAgain<<min(c.tries-1, 10), maxAgain)
	if !g.troubleSince.IsZero() {
		again = max(again, min(maxTroubleAgain, now.Sub(g.troubleSince)/2))
	}
	c.next = now.Add(max(time.Duration(float64(again)*g.draw(c.id, c.tries)), retryAfter))

	if g.state == HalfOpen && !g.fresh && c.began.After(g.halved) {
		g.limit, g.halved = max(1, g.limit/2), now
	}
	g.look(now)
}

func (g *gate) worked(now time.Time, c *Case, a Answer, slots int) {
	g.succeeded = now
	if !g.troubleSince.IsZero() && g.state != Closed || g.state == Closed && c.began.After(g.since) {
		g.troubleSince, g.answers = time.Time{}, [Canceled]int{}
		clear(g.inTrouble)
	}
	if a == Delivered {
		g.delivered++
		g.took += max(1/float64(g.delivered), 0.05) * (now.Sub(c.began).Seconds() - g.took)
		if g.cases.suspects > 0 {
			g.strike(c)
		}
	}
	switch {
	case g.state == Closed && c.began.After(g.since):
		g.halfOpen(now)
	case g.state == HalfOpen && g.fresh:
		g.change(now, Open, reasonSuccess)
	case g.state == HalfOpen:
		if g.limit++; g.limit >= slots {
			g.change(now, Open, reasonSuccess)
		}
	}
}

// strike is the proof: a delivery that began after a suspect's failed try was
// delivered, so the failure was the suspect's. At most one strike a try.
func (g *gate) strike(proof *Case) {
	for c := g.cases.first; c != nil && g.cases.suspects > 0; c = c.after {
		if c == proof || !c.suspect || !c.held || !c.failedBegan.Before(proof.began) {
			continue
		}
		g.cases.suspect(c, false)
		c.strikes++
		g.strikes++
		if c.strikes >= g.enough(c.failed) {
			g.decide(c, GivenUp)
		}
	}
}

// enough is how many strikes make a message given up. Where retrying works, more are
// needed: so many that one which retrying would deliver is given up once in a
// thousand times. Where it never works, these are poison.
func (g *gate) enough(a Answer) int {
	n := a.strikes()
	if n == 0 {
		return math.MaxInt
	}
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
			if c.held && c.failed == Failed && now.Sub(c.firstFailed) >= unprovenAfter {
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
	enough := time.Duration(2 * g.took * float64(time.Second))
	return g.troubleSince.Add(min(max(enough, minTrouble), maxTrouble))
}

// unprovenDue says that failures wait in vain for somebody to prove whose fault they
// are: there is hardly anybody else.
func (g *gate) unprovenDue(now time.Time) bool {
	return g.cases.held > 0 && len(g.inTrouble) < unprovenBelow &&
		!g.troubleSince.IsZero() && now.Sub(g.troubleSince) >= unprovenAfter
}

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

// newsKept bounds the changes that nobody has asked for.
const newsKept = 16

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
		if g.state == HalfOpen && !g.fresh {
			earlier(g.since.Add(halfOpenFor))
		}
		if g.cases.held > 0 && !g.troubleSince.IsZero() && len(g.inTrouble) < unprovenBelow {
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
