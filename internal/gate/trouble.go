package gate

import (
	"math"
	"time"

	"poller/internal/message"
)

// trouble is what fails since the last success: it may be the target's.
type trouble struct {
	since    time.Time // when the first of the tries that failed began
	messages map[string]struct{}
	outcomes [message.Connection + 1]int
}

func newTrouble() trouble { return trouble{messages: make(map[string]struct{})} }

// add takes in a try that failed and that no success has overtaken. first reports whether
// it was its message's first and nothing is known against the message: the retries of a few
// poison messages are no sign of an outage, however many they are.
func (t *trouble) add(began time.Time, id string, first bool, o message.Outcome) {
	if t.since.IsZero() || began.Before(t.since) {
		t.since = began
	}
	if first {
		t.messages[id] = struct{}{}
	}
	t.outcomes[o]++
}

func (t *trouble) end() {
	t.since, t.outcomes = time.Time{}, [len(t.outcomes)]int{}
	clear(t.messages)
}

// counts is how many different messages are in it.
func (t *trouble) counts() int { return len(t.messages) }

// tries is how many tries have failed.
func (t *trouble) tries() int {
	n := 0
	for _, of := range t.outcomes {
		n += of
	}
	return n
}

// mostly is what most of them came to.
func (t *trouble) mostly() message.Outcome {
	most := message.Failed
	for o, n := range t.outcomes {
		if n > t.outcomes[most] {
			most = message.Outcome(o)
		}
	}
	return most
}

// average is a moving mean: of all samples at first, later of about the last 1/weight.
type average struct {
	weight, value float64
	n             int
}

func (a *average) add(sample float64) {
	a.n++
	a.value += max(1/float64(a.n), a.weight) * (sample - a.value)
}

// mean is a moving mean of seconds.
func (a *average) mean() time.Duration { return time.Duration(a.value * float64(time.Second)) }

const (
	worksWeight     = 0.02
	newcomersWeight = 0.05
	paysWeight      = 0.05
	minNewcomers    = 0.25  // delivered at their first try: fewer, and a failure says little of its message
	doubt           = 0.001 // of giving up a message that retrying would deliver
	maxStrikes      = 100
	// One retry that worked is remembered through as many failures as strikes are asked for
	// at most, worksWeight × (1 − worksWeight)^maxStrikes: where one in twenty works, 35
	// failures in a row come by within minutes.
	minWorks = 0.0026
)

// retrying is how well trying again works: it tells a target that fails now and then,
// whose messages are good, from poison.
type retrying struct {
	works     float64 // the share of retries that were delivered; 0 before the first
	newcomers average // the share of first tries that were
	pays      average // the share of all retries that were, those after a refusal as well
}

func newRetrying() retrying {
	return retrying{
		newcomers: average{weight: newcomersWeight},
		pays:      average{weight: paysWeight, value: 1, n: 1},
	}
}

func (r *retrying) pay() bool { return r.pays.value >= r.newcomers.value/2 }

// enough is how many failures in a row, at least n, are more than bad luck where retrying
// works as well as here.
func (r *retrying) enough(n int) int {
	if r.works >= minWorks {
		n = max(n, min(maxStrikes, int(math.Ceil(math.Log(doubt)/math.Log(1-r.works)))))
	}
	return n
}

// learn takes in what m's try came to. A probe says nothing of retrying, nor does a retry of
// what had failed before the gate opened again: it works because the target is back. A retry
// after a 429 works because the crowd is gone.
func (g *Gate) learn(m *Message, o message.Outcome) {
	r := &g.retrying
	if m.probe || o == message.Rejected || m.tries > 1 && m.lastFailed <= g.reopened {
		return
	}
	x := 0.0
	if o == message.Delivered {
		x = 1
	}
	switch {
	case m.tries > 1 || m.known || m.seen:
		r.pays.add(x)
		if !m.throttled && o != message.Throttled {
			r.works += worksWeight * (x - r.works)
		}
	case o != message.Throttled:
		r.newcomers.add(x)
	}
}
