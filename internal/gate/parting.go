package gate

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// parting decides when messages that were refused together (a 429, a Retry-After) are tried
// alone. The target may have refused all of them for the sake of one, whose tenant has used up
// its quota: then each has to be tried alone, or the others never get through. Or it is busy:
// then ten requests in place of one make it busier.
//
// What was refused twice in a row is parted if the target takes messages alone that it refuses
// together. To find that out, one request every 10 s is parted in any case. Alone, too, each
// waits for the last Retry-After: the target told all of them, and which of them it meant is
// not known. So a neighbor of what is refused waits for two of them before it is tried alone.
type parting struct {
	together average // share of the requests with messages refused together that the target takes
	alone    average // share of the messages parted since that it takes at their first try
	next     time.Time
}

const (
	partingWeight = 0.05
	partsAfter    = 2                // refusals in a row
	partsEvery    = 10 * time.Second // in any case
)

func newParting() parting {
	return parting{together: average{weight: partingWeight}, alone: average{weight: partingWeight}}
}

// helps reports whether messages get through alone that do not together. A busy target takes
// about as many of both.
func (p *parting) helps() bool { return p.alone.value > 2*p.together.value+0.25 }

// part reports whether messages that were refused together again are to be parted now.
func (p *parting) part(now time.Time) bool {
	if now.Before(p.next) {
		return p.helps()
	}
	p.next = now.Add(partsEvery)
	return true
}

// triedTogether records whether the target took a request that carried m and others.
func (p *parting) triedTogether(m *Message, took bool) {
	if m.refusals > 0 {
		p.together.add(sampleOf(took))
	}
}

// triedAlone records the outcome of m's try, if it is the first since m was parted.
func (p *parting) triedAlone(m *Message, o message.Outcome) {
	if !m.parted || m.probe || o == message.Connection {
		return
	}
	m.parted = false
	p.alone.add(sampleOf(o == message.Delivered))
}

// refused records that all were refused together, if r says so, and reports whether they are
// to be parted now.
func (g *Gate) refused(now time.Time, all []*Message, r message.Result, told time.Duration) bool {
	if r.Announced || r.Outcome != message.Throttled && (r.Outcome != message.Unavailable || told == 0 && !r.Crowded) {
		return false
	}
	for _, m := range all {
		if m.lastFailed <= g.reopened { // what came before was an outage
			m.refusals = 0
		}
	}
	g.parting.triedTogether(all[0], false)
	again := false
	for _, m := range all {
		m.refusals++
		again = again || m.refusals >= partsAfter
	}
	return again && g.parting.part(now)
}
