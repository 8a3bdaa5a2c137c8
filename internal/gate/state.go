package gate

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// State is whether the target may be tried, and how hard.
type State uint8

// The states. A success is a 2xx, or a rejection that is taken to be the message's fault.
//
//	           first success        5 failing, beyond chance      5 failing for 2 T (1 to 10 s)
//	Starting ───────────────► Open ─────────────────────────► Wary ─────────────────────► Closed
//	    │                      ▲ ▲─────────────────────────────┘ a success, see ends        │ ▲
//	    │                      │ limit = slots, or 30 s                                     │ │
//	    │                   HalfOpen ◄──────────────────────────────────────────────────────┘ │
//	    │                      │                  a success begun since                       │
//	    └──────────────────────┴──────────────────────────────────────────────────────────────┘
//	                             5 failing for 2 T
//
// T is the mean duration of a successful delivery. "5 failing" means five different
// messages whose first try has failed since the last success, and began after it did.
const (
	Starting State = iota
	Open
	Wary
	Closed
	HalfOpen

	states
)

// String returns the state's name in logs, metrics and docs.
func (s State) String() string {
	return [states]string{"starting", "open", "wary", "closed", "half_open"}[s]
}

// States returns every state, in the order of the constants.
func States() []State { return []State{Starting, Open, Wary, Closed, HalfOpen} }

const (
	closingMessages = 5                // failing that close the gate,
	minTrouble      = time.Second      // once they have failed for so long,
	maxTrouble      = 10 * time.Second // or two mean deliveries, up to this
	halfOpenFor     = 30 * time.Second
)

// An event may change the state.
type event uint8

const (
	tick   event = iota // time has passed
	worked              // a try succeeded
	failed              // a try failed
)

// step makes every state change. fresh reports whether the event's try began in the
// current state.
func (g *Gate) step(now time.Time, e event, fresh bool, slots int) {
	lasting := g.trouble.counts() >= closingMessages && now.Sub(g.trouble.since) >= g.closesAfter()
	switch g.state {
	case Starting:
		switch {
		case e == worked:
			g.enter(now, Open, reasonSuccess)
		case lasting:
			g.close(now)
		}
	case Open:
		if g.trouble.counts() >= closingMessages && g.beyondChance() {
			g.enter(now, Wary, g.trouble.mostly().String())
		}
	case Wary:
		switch {
		case e == worked && g.trouble.counts() == 0:
			g.enter(now, Open, reasonSuccess)
		case lasting:
			g.close(now)
		}
	case Closed:
		if e == worked && fresh {
			g.limit, g.reopened = 1, g.tries
			g.retrying.pays = newRetrying().pays // what is held deserves its try
			g.enter(now, HalfOpen, reasonSuccess)
		}
	case HalfOpen:
		switch {
		case e == worked:
			if g.limit++; g.limit >= slots {
				g.enter(now, Open, reasonSuccess)
			}
		case lasting:
			g.close(now)
		case now.Sub(g.since) >= halfOpenFor:
			g.enter(now, Open, reasonElapsed)
		case e == failed && fresh:
			g.limit, g.mark = max(1, g.limit/2), g.tries
		}
	}
}

func (g *Gate) close(now time.Time) {
	g.probeAnswered = g.heldAnswered > 0
	g.closings++
	g.enter(now, Closed, g.trouble.mostly().String())
	g.scheduleProbe(now, now, 0)
	last := &g.changes[len(g.changes)-1]
	last.Since, last.Messages, last.Mostly, last.NextProbe = g.trouble.since, g.trouble.counts(), g.trouble.mostly(), g.nextProbe
}

// enter enters a state. Tries that began earlier are no longer fresh.
func (g *Gate) enter(now time.Time, to State, reason string) {
	change := Change{At: now, From: g.state, To: to, Reason: reason, Held: g.held, Lasted: now.Sub(g.since)}
	if len(g.changes) == changesKept {
		g.changes = g.changes[1:]
	}
	g.changes = append(g.changes, change)
	g.counted[changeKey{to, reason}]++
	g.state, g.since, g.mark = to, now, g.tries
	g.version++
	g.stir = true
}

// closesAfter is how long trouble must last to close the gate.
func (g *Gate) closesAfter() time.Duration {
	return min(max(2*g.took.mean(), minTrouble), maxTrouble)
}

// Change is one change of the state, for the log.
type Change struct {
	At       time.Time
	From, To State
	// Reason is success, elapsed, or the most common outcome of the failed tries.
	Reason string
	// Held is how many messages were held, Lasted how long the previous state lasted.
	Held   int
	Lasted time.Duration
	// Since is when the trouble began, Messages how many messages were failing, Mostly
	// their most common outcome, and NextProbe when the target is tried next. Set only if
	// the gate closed.
	Since     time.Time
	Messages  int
	Mostly    message.Outcome
	NextProbe time.Time
}

// changesKept bounds the changes kept for the next call of Changes.
const changesKept = 16

// changeKey labels poller_gate_changes_total.
type changeKey struct {
	to     State
	reason string
}

// The reasons for a state change other than outcomes.
const (
	reasonSuccess = "success"
	reasonElapsed = "elapsed"
)

// changeKeys returns every label pair of poller_gate_changes_total.
func changeKeys() []changeKey {
	keys := []changeKey{{Open, reasonSuccess}, {Open, reasonElapsed}, {HalfOpen, reasonSuccess}}
	for _, c := range message.Outcomes()[message.Rejected:] {
		keys = append(keys, changeKey{Wary, c.String()}, changeKey{Closed, c.String()})
	}
	return keys
}
