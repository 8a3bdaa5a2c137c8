package gate

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"poller/internal/message"
)

// When a held message is tried next: computed from its tries, the trouble, and what it was
// told, never stored.
const (
	firstBackoff      = 200 * time.Millisecond
	maxBackoff        = time.Second
	maxVainBackoff    = 30 * time.Second // of a refused message where such retries are in vain
	maxTroubleBackoff = 10 * time.Second // half the trouble's age, but at most this
	maxRetryAfter     = 10 * time.Minute
	vain              = 1.0 / 8 // of the retries delivered: fewer, and retrying a refusal is in vain
)

// Next is when m, which is held, may be tried again while the gate is not closed.
func (s *Seat) Next(m *Message) time.Time {
	g := s.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	if m.try <= g.reopened { // what failed before the gate opened says nothing of now
		return m.failedAt
	}
	longest := maxBackoff
	if m.failed == message.Throttled && g.retrying.pays.value < vain {
		longest = maxVainBackoff
	}
	pause := min(firstBackoff<<min(m.tries-1, 10), longest)
	if !g.trouble.since.IsZero() && !m.known {
		pause = max(pause, min(maxTroubleBackoff, m.failedAt.Sub(g.trouble.since)/2))
	}
	return m.failedAt.Add(max(time.Duration(float64(pause)*m.spread), m.told))
}

// RetriesPay reports whether a retry is about as likely to be delivered as a first try: then
// the two take turns; else retries are few while others wait.
func (s *Seat) RetriesPay() bool {
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	return s.gate.retrying.pay()
}

const (
	minProbeGap = time.Second // a tenth of the trouble's age, within these
	maxProbeGap = 10 * time.Second
)

// scheduleProbe has the next probe begin after a while, and what the target asked for.
func (g *Gate) scheduleProbe(now time.Time, told time.Duration) {
	g.probes++
	gap := min(max(now.Sub(g.trouble.since)/10, minProbeGap), maxProbeGap)
	g.nextProbe = now.Add(max(time.Duration(float64(gap)*g.draw("probe", g.probes)), told))
}

// draw is uniform in [0.5, 1.5), the same for the same seed, key and number: a simulation
// replays exactly.
func (g *Gate) draw(key string, n int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))                                                       // never fails
	return 0.5 + rand.New(rand.NewPCG(g.seed^h.Sum64(), uint64(max(n, 0)))).Float64() //nolint:gosec // jitter, no secret
}
