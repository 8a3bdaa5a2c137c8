package gate

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// When a held message is tried next is computed from its tries, the trouble and its
// Retry-After, never stored.
const (
	firstBackoff      = 200 * time.Millisecond
	maxBackoff        = time.Second
	maxVainBackoff    = 30 * time.Second // after a 429 if such retries hardly ever succeed
	maxTroubleBackoff = 10 * time.Second // caps half the trouble's age
	maxRetryAfter     = 10 * time.Minute
)

// Next returns when m, which is held, may be tried again if the gate is not closed.
func (s *Seat) Next(m *Message) time.Time {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.try <= g.reopened { // it failed before the gate reopened: try it now
		return m.failedAt
	}
	if m.awaited && m.try <= g.resumed { // the target takes more again
		return m.failedAt.Add(m.told)
	}
	longest := maxBackoff
	if !g.retrying.pay() {
		switch m.failed {
		case message.Throttled:
			longest = maxVainBackoff
		case message.Unavailable: // tried each second, fifty of them keep a target busy with refusing them
			longest = maxTroubleBackoff
		default:
		}
	}
	pause := min(firstBackoff<<min(max(m.tries-1, 0), 10), longest)
	if !g.trouble.since.IsZero() && !m.known {
		pause = max(pause, min(maxTroubleBackoff, m.failedAt.Sub(g.trouble.since)/2))
	}
	return m.failedAt.Add(max(time.Duration(float64(pause)*m.spread), m.told))
}

// RetriesPay reports whether a retry is about as likely to succeed as a first try. If so
// the two take turns; if not, retries are rare while first tries wait.
func (s *Seat) RetriesPay() bool {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.retrying.pay()
}

const (
	minProbeGap = time.Second // bounds of a tenth of the trouble's age
	maxProbeGap = 10 * time.Second
)

// scheduleProbe sets the time of the next probe: a gap after began, which is when the last one
// began or the gate closed, and not before the target's Retry-After.
func (g *Gate) scheduleProbe(began, now time.Time, told time.Duration) {
	g.probes++
	gap := min(max(now.Sub(g.trouble.since)/10, minProbeGap), maxProbeGap)
	next := began.Add(time.Duration(float64(gap) * g.draw("probe", g.probes)))
	if earliest := now.Add(told); next.Before(earliest) {
		next = earliest
	}
	g.nextProbe = next
}

// draw returns a number in [0.5, 1.5) that depends only on seed, key and n, so that a
// simulation replays exactly.
func (g *Gate) draw(key string, n int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))                                                       // never fails
	return 0.5 + rand.New(rand.NewPCG(g.seed^h.Sum64(), uint64(max(n, 0)))).Float64() //nolint:gosec // jitter, no secret
}
