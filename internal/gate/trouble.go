package gate

import (
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// trouble is the run of failures since the last success, for which the target may be at
// fault: of tries that began after all that have succeeded.
type trouble struct {
	since    time.Time // when the earliest failed try began
	messages map[string]struct{}
	outcomes [message.Connection + 1]int
	answers  message.Answers
}

func newTrouble() trouble {
	return trouble{messages: make(map[string]struct{}), answers: make(message.Answers)}
}

// add records a failed try that no success has overtaken. counts reports whether its message
// is one more that is failing: at its first try, if it has no record, since any number of
// retries of a few poison messages does not make an outage; or if there was no connection, which no
// message causes.
func (t *trouble) add(began time.Time, id string, counts bool, o message.Outcome, a message.Answer) {
	if t.since.IsZero() || began.Before(t.since) {
		t.since = began
	}
	if counts {
		t.messages[id] = struct{}{}
	}
	t.outcomes[o]++
	t.answers[a]++
}

func (t *trouble) end() {
	t.since, t.outcomes = time.Time{}, [len(t.outcomes)]int{}
	clear(t.messages)
	clear(t.answers)
}

// counts returns how many different messages are failing.
func (t *trouble) counts() int { return len(t.messages) }

// tries returns how many tries have failed.
func (t *trouble) tries() int {
	n := 0
	for _, of := range t.outcomes {
		n += of
	}
	return n
}

// mostly returns the most common outcome.
func (t *trouble) mostly() message.Outcome {
	most := message.Failed
	for o, n := range t.outcomes {
		if n > t.outcomes[most] {
			most = message.Outcome(o)
		}
	}
	return most
}

// average is a moving mean: at first of all samples, later of about the last 1/weight.
type average struct {
	weight, value float64
	n             int
}

func (a *average) add(sample float64) {
	a.n++
	a.value += max(1/float64(a.n), a.weight) * (sample - a.value)
}

// sampleOf is a sample of a share: of how many of its kind it is true.
func sampleOf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// mean returns the mean of samples in seconds.
func (a *average) mean() time.Duration { return time.Duration(a.value * float64(time.Second)) }

const (
	worksWeight     = 0.02
	newcomersWeight = 0.05
	paysWeight      = 0.05
	minFirsts       = 0.5 // of the first tries delivered: fewer, and the target is short of room, not the retries in vain
	manyRetries     = 200
	minRoom         = 0.25  // share of retries that succeed, of that of first tries: fewer, and it is the messages, not the room
	minNewcomers    = 0.25  // share of first tries delivered below which a failure says little about its message
	doubt           = 0.001 // accepted risk of giving up a message that a retry would deliver
	maxStrikes      = 100
	// One successful retry must outlast maxStrikes failures, so minWorks is
	// worksWeight × (1 − worksWeight)^maxStrikes: if one retry in twenty succeeds, 35
	// failures in a row turn up within minutes.
	minWorks = 0.0026
)

// retrying tracks how often retries succeed. It tells a target that fails now and then
// from poison.
type retrying struct {
	works     float64 // share of retries that succeed; 0 before the first; 429s do not count
	newcomers average // share of first tries that succeed
	firsts    average // the same, with those that were answered 429
	pays      average // share of all retries that succeed, including those after a 429
	room      average // the same, of the last manyRetries
}

func newRetrying() retrying {
	return retrying{
		newcomers: average{weight: newcomersWeight},
		firsts:    average{weight: newcomersWeight},
		pays:      average{weight: paysWeight, value: 1, n: 1},
		room:      average{weight: 1.0 / manyRetries, value: 1, n: manyRetries},
	}
}

func (r *retrying) pay() bool { return r.shortOfRoom() || r.pays.value >= r.firsts.value/2 }

// shortOfRoom reports whether the target refuses most first tries, and not because of the
// messages: retries get through about as often. What is held then would be delivered if
// less were held, and receiving more only means more refusals.
func (r *retrying) shortOfRoom() bool {
	return r.firsts.value < minFirsts && r.room.value >= minRoom*r.firsts.value
}

// enough returns how many failures in a row, at least n, are more than chance given how
// often retries succeed.
func (r *retrying) enough(n int) int { return inARow(n, r.works) }

// inARow returns how many failures in a row, at least n, are more than chance where so
// large a share succeeds.
func inARow(n int, share float64) int {
	if share >= minWorks {
		n = max(n, min(maxStrikes, int(math.Ceil(math.Log(doubt)/math.Log(1-share)))))
	}
	return n
}

// beyondChance reports whether so many tries have failed that the target may be at fault. A
// few 429s in a row are chance where most first tries are refused and the others are
// delivered.
func (g *Gate) beyondChance() bool {
	share := g.retrying.works
	if g.trouble.mostly() == message.Throttled {
		share = max(share, g.retrying.firsts.value)
	}
	return g.trouble.tries() >= inARow(closingMessages, share)
}

// learn updates the shares with the outcome of m's try. A probe says nothing about
// retries. Neither does a retry of a failure from before the gate reopened, which succeeds
// because the target is back, nor one after a 429, which succeeds because the load is
// gone.
func (g *Gate) learn(m *Message, o message.Outcome) {
	r := &g.retrying
	if m.probe || o == message.Rejected || m.tries > 1 && m.lastFailed <= g.reopened {
		return
	}
	x := sampleOf(o == message.Delivered)
	switch {
	case m.tries > 1 || m.known || m.seen:
		r.pays.add(x)
		r.room.add(x)
		if !m.throttled && o != message.Throttled {
			r.works += worksWeight * (x - r.works)
		}
	case m.again: // it is not new, and what it failed of may be over
	default:
		r.firsts.add(x)
		if o != message.Throttled {
			r.newcomers.add(x)
		}
	}
}
