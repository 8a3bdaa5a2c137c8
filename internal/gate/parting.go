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
// What is refused is parted if the target takes messages alone that it refuses together. To find
// that out, one request every 10 s whose messages were refused twice in a row is parted in any
// case. Alone, too, each waits for the last Retry-After: the target told all of them, and which
// of them it meant is not known. So a neighbor of what is refused waits for one of them before it
// is tried alone, and for two where it is not known that parting helps.
//
// A message that was refused alone never goes with those that were only refused together: it may
// be the one for whose sake they were.
type parting struct {
	together average // share of the requests with messages refused together that the target takes
	alone    average // share of the messages parted since that it takes at their first try
	next     time.Time
}

const (
	partingWeight = 0.05
	partsAfter    = 2                // refusals in a row, where it is not known that parting helps
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

// after is how many refusals in a row part a message.
func (p *parting) after() int {
	if p.helps() {
		return 1
	}
	return partsAfter
}

// refused records that all were refused together, if r says so, and returns after how many
// refusals in a row a message of theirs is parted now; 0: none is.
func (g *Gate) refused(now time.Time, all []*Message, r message.Result, told time.Duration) (after int) {
	if r.Announced || r.Outcome != message.Throttled && (r.Outcome != message.Unavailable || told == 0 && !r.Crowded) {
		return 0
	}
	for _, m := range all {
		if m.lastFailed <= g.reopened { // what came before was an outage
			m.refusals = 0
		}
	}
	g.parting.triedTogether(all[0], false)
	after, again := g.parting.after(), false
	for _, m := range all {
		m.refusals++
		again = again || m.refusals >= after
	}
	if again && g.parting.part(now) {
		return after
	}
	return 0
}

// part has m tried alone from now on. If it never was, its next try is like its first.
func (g *Gate) part(m *Message) {
	m.apart, m.spread = true, g.draw(m.id, m.tries)
	if !m.alone {
		m.parted, m.tries = true, 0
	}
}
