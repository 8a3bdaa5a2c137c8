package simulation

import (
	"fmt"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// scenario is everything that is decided before a world begins.
type scenario struct {
	seed     uint64
	dice     dice
	calm     bool // no faults: what the daemon costs can be judged
	storm    *storm
	wide     *wider // nil: none of its faults
	queues   []queuePlan
	targets  []targetPlan
	replicas []replicaPlan
	sends    []sendPlan
	drain    time.Duration
	trouble  time.Duration // how long the faults last
	odds     sqsOdds
	away     []window      // times at which SQS does not answer
	healing  time.Duration // from the end of the trouble until all queues are empty, at most
}

const (
	longestHealing = time.Hour
	// longestAfterStorm leaves time for poison that nothing is left to prove: five minutes per
	// receive.
	longestAfterStorm = 2 * time.Hour
)

type queuePlan struct {
	name        string
	fifo        bool
	strict      bool // the next of a group starts when the one before is deleted; of wider worlds
	target      int
	visibility  time.Duration
	maxReceives int // 0: no dead-letter queue
	gather      time.Duration
	weight      int
	changes     []queueChange
}

// queueChange is what an operator changes a queue to.
type queueChange struct {
	at          time.Duration
	visibility  time.Duration
	maxReceives int
}

// shortest and longest are of the visibilities that the queue ever has.
func (q *queuePlan) shortest() time.Duration {
	v := q.visibility
	for _, c := range q.changes {
		v = min(v, c.visibility)
	}
	return v
}

func (q *queuePlan) longest() time.Duration {
	v := q.visibility
	for _, c := range q.changes {
		v = max(v, c.visibility)
	}
	return v
}

// visibilityAt returns what an operator has set it to by then.
func (q *queuePlan) visibilityAt(now time.Duration) (v, since time.Duration) {
	v = q.visibility
	for _, c := range q.changes {
		if c.at <= now {
			v, since = c.visibility, c.at
		}
	}
	return v, since
}

func (q *queuePlan) deadName() string {
	if q.fifo {
		return "dead-" + q.name
	}
	return q.name + "-dead"
}

type targetPlan struct {
	name                string
	timeout             time.Duration
	limits              ratelimit.Limits
	backoff, backoffMax time.Duration
	fastest, slowest    time.Duration
	odds                targetOdds
	outages             []window
	partial             float64       // of the answers that an outage spoils; 0: all
	retryAfter          time.Duration // what 429s and 503s of an outage ask for
	crowd               *crowd
	capacities          []capacity // of a target whose concurrency is found
	limit               *limitPlan // nil: it takes any number in a time
	batch               *batchPlan // nil: a request carries one message
}

type sendPlan struct {
	at    time.Duration
	queue int
	group string
	size  int
	// attributes is how many bytes of message attributes it has.
	attributes int
	// poison is how the target refuses it as long as there is trouble, in a storm always: a
	// status, or one of the others below; 0: it does not.
	poison int
}

// The kinds of poison, besides a status.
const (
	poisonHangs  = 1
	poisonCuts   = 2
	poisonVaries = 3 // 500 or 422
)

// drawPoison: at the head of a FIFO group, with nothing left to prove it, a 503 is held as in
// an outage, for up to 12 hours.
func drawPoison(d dice, fifo bool) int {
	if fifo {
		return pick(d, 500, poisonVaries, 422)
	}
	return pick(d, 500, poisonVaries, 503, 422, poisonHangs, poisonCuts)
}

type replicaPlan struct {
	start time.Duration
	moves []move
}

type moveKind uint8

const (
	reload moveKind = iota
	stop
	kill
	stand // still, for its gap, and go on: SIGSTOP and SIGCONT
)

// move is what happens to a replica from outside.
type move struct {
	at     time.Duration
	kind   moveKind
	limits []ratelimit.Limits // of each target, for a reload
	gap    time.Duration      // until the next process starts, for a stop or kill
}

// draw draws the scenario of a seed. A share of them are wider worlds.
func draw(seed uint64, share float64) *scenario {
	d := dice(seed).of("scenario")
	if dice(seed).of("wider?").chance(share) {
		s := &scenario{seed: seed, dice: dice(seed)}
		s.drawWider(d.of("wider"))
		return s
	}
	s := &scenario{seed: seed, dice: dice(seed), calm: d.of("calm").chance(0.15), healing: longestHealing}
	if !s.calm && d.of("storm").chance(0.2) {
		s.drawStorm(d.of("storm"))
		return s
	}
	s.trouble = d.of("trouble").between(time.Minute, 8*time.Minute)
	s.drain = d.of("drain").between(2*time.Second, 30*time.Second).Truncate(100 * time.Millisecond)
	s.drawTargets(d)
	s.drawQueues(d)
	s.drawSends(d)
	s.drawReplicas(d)
	if !s.calm {
		s.odds = drawSQSOdds(d.of("sqs"))
		s.drawAway(d)
	}
	return s
}

// exact reports whether the seed replays exactly. Where several queues of a process share
// a target, one wakes another at the very instant at which it goes on itself: which
// of them then takes a token first is the scheduler's choice. So it is who is one too
// many for a target, and for which message a connect was refused.
func (s *scenario) exact() bool {
	return s.wide == nil && len(s.queues) == len(s.targets) && (s.storm == nil || s.storm.way != refusesDials && s.targets[0].crowd == nil)
}

func (s *scenario) drawTargets(d dice) {
	n := pick(d.of("targets"), 1, 1, 1, 2)
	if s.calm {
		n = 1
	}
	for i := range n {
		d := d.of("target", i)
		t := targetPlan{
			name:    fmt.Sprintf("target-%d", i),
			timeout: d.of("timeout").between(2*time.Second, 25*time.Second).Truncate(time.Second),
			backoff: d.of("backoff").between(100*time.Millisecond, 2*time.Second),
			fastest: time.Millisecond,
			slowest: d.of("slowest").between(5*time.Millisecond, 300*time.Millisecond),
		}
		t.backoffMax = t.backoff + d.of("backoff max").between(0, 5*time.Second)
		t.limits = drawLimits(d.of("limits"), s.calm)
		if !s.calm {
			t.odds = drawTargetOdds(d.of("odds"))
			if d.of("outages?").chance(0.4) {
				ways := outageWays
				if !t.limits.Limited || t.limits.Burst > 1 {
					ways = outageWays - 1 // refused connects need starts at different instants
				}
				t.outages = s.windows(d.of("outages"), 3, time.Second, 2*time.Minute, ways)
				t.retryAfter = outageRetryIn
			}
		}
		s.targets = append(s.targets, t)
	}
}

// drawLimits: a target that refuses connects keeps its burst of 1, see drawReplicas.
func drawLimits(d dice, calm bool) ratelimit.Limits {
	l := ratelimit.Limits{Concurrency: d.of("slots").from(1, 20), Burst: 1}
	if d.of("limited?").chance(0.5) {
		l.Limited = true
		l.Rate = pick(d.of("rate"), 2.0, 5, 7, 10, 20, 28, 50, 100, 200)
		if d.of("burst?").chance(0.4) {
			l.Burst = d.of("burst").from(2, 10)
		}
		if calm {
			l.Rate = max(l.Rate, 5)
		}
	}
	return l
}

func (s *scenario) drawQueues(d dice) {
	n := pick(d.of("queues"), 1, 1, 1, 1, 2, 3)
	if s.calm {
		n = 1
	}
	for i := range max(n, len(s.targets)) {
		d := d.of("queue", i)
		q := queuePlan{
			name:       fmt.Sprintf("queue-%d", i),
			fifo:       d.of("fifo").chance(0.4),
			target:     i % len(s.targets),
			visibility: d.of("visibility").between(10*time.Second, 40*time.Second).Truncate(time.Second),
			gather:     pick(d.of("gather"), 20*time.Millisecond, 0),
			weight:     pick(d.of("weight"), 1, 1, 2, 5),
		}
		if q.fifo {
			q.name += ".fifo"
		}
		if d.of("redrive").chance(0.6) {
			q.maxReceives = d.of("max receives").from(3, 12)
		}
		if !s.calm && d.of("changes?").chance(0.3) {
			q.changes = s.drawQueueChanges(d.of("changes"), &q)
		}
		s.queues = append(s.queues, q)
	}
}

// drawQueueChanges: a queue has a dead-letter queue from the beginning, or none.
func (s *scenario) drawQueueChanges(d dice, q *queuePlan) []queueChange {
	var all []queueChange
	from := time.Duration(0)
	for i := range d.of("n").from(1, 4) {
		from += d.of("pause", i).between(time.Second, s.trouble/2)
		if from >= s.trouble {
			break
		}
		c := queueChange{at: from, visibility: d.of("visibility", i).between(10*time.Second, 40*time.Second).Truncate(time.Second)}
		if q.maxReceives > 0 {
			c.maxReceives = d.of("max receives", i).from(3, 12)
		}
		all = append(all, c)
	}
	return all
}

func (s *scenario) drawSends(d dice) {
	for i := range s.queues {
		d := d.of("sends", i)
		n := d.of("n").from(20, 250/len(s.queues))
		if s.calm {
			n = d.of("n").from(250, 600)
		}
		groups := d.of("groups").from(1, 30)
		backlog := d.of("backlog").part()
		poison := pick(d.of("poison"), 0, 0, 0.01, 0.1)
		for k := range n {
			d := d.of("message", k)
			p := sendPlan{queue: i, size: d.of("size").from(1, 300)}
			p.at = d.of("at").between(0, 50*time.Millisecond)
			if !s.calm {
				if d.of("poison").chance(poison) {
					p.poison = drawPoison(d.of("poison way"), s.queues[i].fifo)
				}
				if !d.of("early").chance(backlog) {
					p.at = d.of("at").between(0, s.trouble)
				}
			}
			p.group = fmt.Sprintf("g%d", d.of("group").upTo(groups))
			s.sends = append(s.sends, p)
		}
	}
	slices.SortStableFunc(s.sends, func(a, b sendPlan) int { return int(a.at - b.at) })
	if len(s.sends) > 1000 {
		s.sends = s.sends[:1000]
	}
}

func (s *scenario) drawReplicas(d dice) {
	n := pick(d.of("replicas"), 1, 1, 1, 2, 2, 3, 4)
	if s.calm {
		n = 1
	}
	for i := range n {
		d := d.of("replica", i)
		r := replicaPlan{start: d.of("start").between(100*time.Millisecond, 3*time.Second)}
		if !s.calm && d.of("moves?").chance(0.7) {
			from := r.start
			for k := range d.of("moves").from(1, 6) {
				from += d.of("pause", k).between(time.Second, s.trouble/3)
				if from >= s.trouble {
					break
				}
				m := move{at: from, kind: pick(d.of("kind", k), reload, reload, stop, kill), gap: d.of("gap", k).between(0, 20*time.Second)}
				for t := range s.targets {
					m.limits = append(m.limits, s.drawChange(d.of("change", k, t), s.targets[t].limits))
				}
				r.moves = append(r.moves, m)
			}
		}
		s.replicas = append(s.replicas, r)
	}
}

// drawChange draws another pace: a target with a burst of 1 keeps that, and stays limited, so
// that the seed replays exactly while connections are refused.
func (s *scenario) drawChange(d dice, old ratelimit.Limits) ratelimit.Limits {
	l := ratelimit.Limits{
		Concurrency: pick(d.of("slots"), old.Concurrency, max(1, old.Concurrency/2), old.Concurrency+5, 1),
		Limited:     true,
		Rate:        pick(d.of("rate"), 0.0, 1, 3, 10, 33, 100, 250),
		Burst:       old.Burst,
	}
	if old.Quotas[0].N > 0 {
		l.Quotas = changeQuotas(d.of("quotas"), old.Quotas)
	}
	if !old.Limited || old.Burst > 1 {
		l.Limited = d.of("limited").chance(0.8)
		l.Burst = pick(d.of("burst"), 1, 3, old.Burst)
	}
	return l
}

// healthy is the pace with which the world ends.
func healthy(l ratelimit.Limits) ratelimit.Limits {
	if l.Limited {
		l.Rate = max(l.Rate, 20)
	}
	l.Quotas = [ratelimit.MaxQuotas]ratelimit.Quota{}
	return l
}
