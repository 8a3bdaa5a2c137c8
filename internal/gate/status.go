package gate

import (
	"maps"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Status is a snapshot of the gate for the page, the metrics and the log.
type Status struct {
	State State
	Since time.Time
	Held  int
	// TroubleSince is when the current run of failures began; zero if there is none.
	TroubleSince time.Time
	// Messages is how many messages are failing, Mostly their most common outcome.
	Messages int
	Mostly   message.Outcome
	// Answers are what the tries of the current run of failures got.
	Answers message.Answers
	// RejectsSince is when the target began to reject everything, zero if it does not, or
	// most of its answers since are others;
	// Rejected is how many of those messages were settled as rejected.
	RejectsSince time.Time
	Rejected     int
	// NextProbe is when the target is tried next; zero unless the gate is closed.
	NextProbe time.Time
	// Limit is how many deliveries may run at once.
	Limit int
	// Strikes counts the strikes since the start; Retried is the share of retries that
	// succeed.
	Strikes int64
	Retried float64
	// ProbeReceives counts receives while the gate was closed, Released messages that
	// were released to make room.
	ProbeReceives, Released int64
}

// Status returns a snapshot of the gate. slots is the target's concurrency.
func (g *Gate) Status(slots int) Status {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := Status{
		State: g.state, Since: g.since, Held: g.held, TroubleSince: g.trouble.since,
		Messages: g.trouble.counts(), Mostly: g.trouble.mostly(), Answers: maps.Clone(g.trouble.answers), Limit: g.atOnce(slots),
		Strikes: g.strikes, Retried: g.retrying.works, ProbeReceives: g.probeReceives, Released: g.madeRoom,
	}
	if len(g.rejected) >= believedRejections && (g.trouble.tries() == 0 || g.trouble.mostly() == message.Rejected) {
		s.RejectsSince, s.Rejected = g.rejects, believedRejections
	}
	if g.state == Closed {
		s.NextProbe = g.nextProbe
	}
	return s
}
