package simulation

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// storm is an outage of the only target, of milliseconds to 13 hours, while everything else is
// well, except that SQS may be away and a process restarted: so the promises of the hold can
// be judged.
type storm struct {
	window
	kind     stormKind
	restarts int
	poison   bool
}

type stormKind uint8

const (
	total    stormKind = iota // nothing works
	partial                   // 30 to 95 % of the answers fail
	flapping                  // it comes and goes
	crowded                   // once it is back it takes only a few at once, for a while
)

func (k stormKind) String() string {
	return [...]string{"total", "partial", "flapping", "crowded"}[k]
}

// crowd is a time in which a target accepts only so many requests simultaneously.
type crowd struct {
	from, to time.Duration
	most     int
	status   int // of the answer to the others
}

const (
	shortestStorm = 10 * time.Millisecond
	longestStorm  = 13 * time.Hour
	// afterStorm is how long messages continue to be sent after it.
	afterStorm = 10 * time.Minute
)

func (s *scenario) drawStorm(d dice) {
	way := d.of("way").upTo(outageWays)
	from := d.of("from").between(time.Second, time.Minute)
	times := float64(longestStorm) / float64(shortestStorm)
	lasts := time.Duration(float64(shortestStorm) * math.Pow(times, d.of("lasts").part()))
	s.storm = &storm{
		window: window{from, from + lasts, way},
		kind:   pick(d.of("kind"), total, total, total, partial, flapping, crowded),
		poison: d.of("poison?").chance(0.4),
	}
	s.trouble, s.healing = s.storm.to+afterStorm, longestAfterStorm
	s.drain = d.of("drain").between(2*time.Second, 30*time.Second).Truncate(100 * time.Millisecond)
	s.drawStormTarget(d)
	s.drawStormQueues(d)
	s.drawStormSends(d)
	s.healing += s.longestRow()
	s.drawStormReplicas(d)
	if d.of("away?").chance(0.25) {
		at := d.of("away from").between(s.storm.from/2, s.storm.to)
		s.away = []window{{at, at + d.of("away for").between(time.Second, 3*time.Minute), d.of("away way").upTo(awayWays)}}
	}
}

// longestRow is how long the poison of one group of a FIFO queue may take: each message waits
// for five minutes per receive, and for its backoff, one after another.
func (s *scenario) longestRow() time.Duration {
	rows := make(map[string]time.Duration)
	longest := time.Duration(0)
	for _, p := range s.sends {
		if q := s.queues[p.queue]; q.fifo && p.poison != 0 {
			group := fmt.Sprint(p.queue, p.group)
			rows[group] += time.Duration(q.maxReceives) * (5*time.Minute + 30*time.Second)
			longest = max(longest, rows[group])
		}
	}
	return longest
}

func (s *scenario) drawStormTarget(d dice) {
	t := targetPlan{
		name:    "target-0",
		timeout: d.of("timeout").between(2*time.Second, 10*time.Second).Truncate(time.Second),
		backoff: d.of("backoff").between(100*time.Millisecond, 2*time.Second),
		fastest: time.Millisecond, slowest: d.of("slowest").between(5*time.Millisecond, 300*time.Millisecond),
		outages: []window{s.storm.window},
		limits:  ratelimit.Limits{Concurrency: d.of("slots").from(1, 20), Burst: 1},
	}
	t.backoffMax = t.backoff + d.of("backoff max").between(0, 5*time.Second)
	t.retryAfter = pick(d.of("retry after"), 0, 0, outageRetryIn, longRetryIn)
	if d.of("limited?").chance(0.3) {
		t.limits.Limited, t.limits.Rate = true, pick(d.of("rate"), 5.0, 28, 100)
	}
	switch s.storm.kind {
	case total:
	case partial:
		t.partial = 0.3 + 0.65*d.of("partial").part()
	case flapping:
		up, down := d.of("up").between(time.Second, 20*time.Second), d.of("down").between(200*time.Millisecond, 30*time.Second)
		s.storm.to = s.storm.from + min(s.storm.to-s.storm.from, 10*time.Minute)
		t.outages = nil
		for at := s.storm.from; at < s.storm.to; at += up + down {
			t.outages = append(t.outages, window{at, at + down, s.storm.way})
		}
		s.storm.to = t.outages[len(t.outages)-1].to
		s.trouble = s.storm.to + afterStorm
	case crowded:
		most := d.of("most").from(1, t.limits.Concurrency)
		until := s.storm.to + d.of("crowd").between(time.Second, 5*time.Minute)
		t.crowd = &crowd{s.storm.to, until, most, pick(d.of("status"), 429, 503)}
	}
	s.targets = []targetPlan{t}
}

func (s *scenario) drawStormQueues(d dice) {
	for i := range pick(d.of("queues"), 1, 1, 1, 2, 3) {
		d := d.of("queue", i)
		q := queuePlan{
			name: fmt.Sprintf("queue-%d", i), fifo: d.of("fifo").chance(0.3),
			visibility:  d.of("visibility").between(10*time.Second, 40*time.Second).Truncate(time.Second),
			gather:      20 * time.Millisecond,
			weight:      pick(d.of("weight"), 1, 1, 2, 5),
			maxReceives: pick(d.of("max receives"), 3, 3, 3, 4, 5, 10, 1, 2),
		}
		if q.fifo {
			q.name += ".fifo"
		}
		s.queues = append(s.queues, q)
	}
}

func (s *scenario) drawStormSends(d dice) {
	for i := range s.queues {
		d := d.of("sends", i)
		n := d.of("n").from(30, 300/len(s.queues))
		groups := d.of("groups").from(1, 30)
		backlog := d.of("backlog").part()
		rush := d.of("rush").chance(0.6)
		some := pick(d.of("poison"), 0.02, 0.05, 0.15)
		row := 0 // so many from the first on
		if d.of("row?").chance(0.3) {
			row = d.of("row").from(5, 40)
		}
		for k := range n {
			d := d.of("message", k)
			p := sendPlan{queue: i, size: d.of("size").from(1, 300), at: d.of("at").between(0, 50*time.Millisecond)}
			switch {
			case rush && d.of("rush").chance(0.4): // as the target goes away
				p.at = d.of("at").between(s.storm.from-time.Second, s.storm.from+time.Second)
			case !d.of("early").chance(backlog):
				p.at = d.of("at").between(0, s.trouble)
			}
			if s.storm.poison && (k < row || d.of("poison").chance(some)) {
				p.poison = drawPoison(d.of("poison way"), s.queues[i].fifo)
			}
			p.group = fmt.Sprintf("g%d", d.of("group").upTo(groups))
			s.sends = append(s.sends, p)
		}
		if s.storm.poison { // so that somebody is left to prove it
			for k := range 200 {
				d := d.of("late", k)
				s.sends = append(s.sends, sendPlan{
					queue: i, size: 10, at: s.storm.to + d.of("at").between(0, afterStorm+10*time.Minute), group: fmt.Sprintf("late%d", k),
				})
			}
		}
	}
	slices.SortStableFunc(s.sends, func(a, b sendPlan) int { return int(a.at - b.at) })
}

// drawStormReplicas: one of them may be stopped or killed once.
func (s *scenario) drawStormReplicas(d dice) {
	n := pick(d.of("replicas"), 1, 1, 1, 2, 4)
	for i := range n {
		s.replicas = append(s.replicas, replicaPlan{start: d.of("start", i).between(100*time.Millisecond, 3*time.Second)})
	}
	if d.of("restart?").chance(0.4) {
		s.storm.restarts = 1
		at := max(d.of("restart").between(s.storm.from, s.storm.to), 5*time.Second)
		s.replicas[0].moves = []move{{at: at, kind: pick(d.of("how"), stop, kill), gap: d.of("gap").between(0, 20*time.Second)}}
	}
}
