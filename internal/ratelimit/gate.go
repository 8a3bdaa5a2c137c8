package ratelimit

import (
	"hash/fnv"
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
	waryTries       = 5                // started at most between that many in trouble and the closing
	firstAgain      = 200 * time.Millisecond
	maxAgain        = time.Second      // a held message's own backoff ends here
	maxTroubleAgain = 10 * time.Second // half the trouble's age, but at most
	maxRetryAfter   = 10 * time.Minute
	minProbe        = time.Second // between probes: a tenth of the trouble's age, within these
	maxProbe        = 10 * time.Second
	startLimit      = 5 // deliveries at once before the first success
	halfOpenFor     = 30 * time.Second
	unprovenAfter   = 5 * time.Minute // given up with nobody to prove it
	unprovenBelow   = 3               // messages in trouble: fewer are no sign of an outage
	rhoWeight       = 0.02
	newcomersWeight = 0.05
	minNewcomers    = 0.25  // delivered at their first try: fewer, and a failure says little of its message
	doubt           = 0.001 // of giving up a message that retrying would deliver
	maxStrikes      = 100
	// One retry that worked is remembered through as many failures as strikes are asked at
	// most, rhoWeight × (1 − rhoWeight)^maxStrikes. Where one in twenty works, 35 failures in
	// a row, which a minimum of 0.01 stood for, come by in minutes: good ones then need one
	// strike and follow the poison.
	minRho, maxRho = 0.0026, 0.99
	heldBeyond     = 10               // over the slots: then receives come one by one
	quiet          = time.Second      // after a success and a receive, before such a one
	maxHeld        = 1000             // in hand
	roomEach       = 90 * time.Second // one is released at most so often to make room
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
	started      time.Time           // when a try last began
	passed       time.Time           // when a message known to be at fault was last let go
	took         float64             // T: mean time of a delivered delivery, in seconds
	delivered    int                 // in all, for the mean
	rho          float64             // how well retrying works
	newcomers    float64             // how many of those that are tried for the first time are delivered
	newcomersN   int                 // in all, for the mean

	cases    cases
	convicts convicts

	probing       *Case
	told          *Case // whose owner was woken for the next probe
	nextProbe     time.Time
	probes        int
	probeAnswered bool // the last probe failed by an answer; at the closing: some held message did

	hastened bool // what is held may be due earlier than its owners know

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
	g.welcome(c, a)
	if a == Throttled {
		c.throttled = true
	}
	suspect := a.strikes() > 0 && g.state != Closed
	if suspect {
		again, proven := g.unaided(now, c, a)
		if proven || again && g.struck(c, a) {
			g.passed = now
			return false // known to be at fault: neither held nor a sign of trouble
		}
		suspect = !again // this try has its strike
	}
	if a.fails() {
		g.failed(now, c, a, min(retryAfter, maxRetryAfter), suspect)
		if probe {
			g.probeAnswered = a != Connection
			g.scheduleProbe(now, min(retryAfter, maxRetryAfter))
		}
		return true
	}
	g.worked(now, c, a, slots)
	return false
}

func (g *gate) failed(now time.Time, c *Case, a Answer, retryAfter time.Duration, suspect bool) {
	if !g.succeeded.After(c.began) { // no success has ended since it began
		if g.troubleSince.IsZero() || c.began.Before(g.troubleSince) && g.state != Closed {
			g.troubleSince = c.began
		}
		if c.tries == 1 && !g.convicts.has(c.id) {
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
	g.cases.suspect(c, suspect)

	c.notBefore = now.Add(retryAfter)
	c.next = g.again(now, c)

	if g.state == HalfOpen && !g.fresh && c.began.After(g.halved) {
		g.limit, g.halved = max(1, g.limit/2), now
	}
	g.look(now)
}

func (g *gate) worked(now time.Time, c *Case, a Answer, slots int) {
	g.succeeded = now
	ends := !g.troubleSince.IsZero()
	switch {
	case g.state == Closed:
		ends = c.began.After(g.since)
	case g.wary():
		ends = !g.drains(c)
	}
	if ends {
		g.troubleSince, g.answers = time.Time{}, [Canceled]int{}
		clear(g.inTrouble)
		g.hasten(now)
	}
	if a == Delivered {
		g.convicts.acquit(c.id)
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

// newsKept bounds the changes that nobody has asked for.
const newsKept = 16
