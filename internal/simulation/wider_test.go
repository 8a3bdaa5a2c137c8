package simulation

import (
	"math"
	"slices"
	"time"
)

// wider is what goes wrong in a wider world in addition to what goes wrong in others. A share
// of the seeds (-wider) are such worlds, chosen by a die of their own, so that all other seeds
// stay the worlds that they were.
type wider struct {
	// kind is the fault that the world is about; if it is alone, the only one.
	kind     wideKind
	alone    bool
	refusals *refusals
	rejects  *window // the target rejects everything; way is the status
	calls    []callTrouble
	late     float64       // of the receives, answered late
	lateBy   time.Duration // at most
	lost     float64       // of the answers of the target: the work is done, the worker sees a reset
	hangs    []window      // connects that never come to an end
	goAway   int           // HTTP/2, and each connection takes that many requests; 0: HTTP/1.1
	rejected string        // on_rejected
	// lettersRefused: the dead-letter queue does not take some of what is rejected.
	lettersRefused bool
	memory         int // the bound in bytes; 0: the default
}

type wideKind uint8

const (
	refusalsOfSome wideKind = iota
	rejectsEverything
	callsRefused
	lateReceives
	lostAnswers
	largeMessages
	policies
	hangingConnects
	goAways
	standstills
	wideKinds

	// These come in addition to the others: see drawPaced and drawBatched.
	quotasOfTargets
	limitsTold
	batches
)

func (k wideKind) String() string {
	switch k {
	case quotasOfTargets:
		return "quotas"
	case limitsTold:
		return "limits told"
	case batches:
		return "batches"
	default:
	}
	return [...]string{
		"refusals of some", "rejects everything", "calls refused", "late receives", "lost answers",
		"large messages", "policies", "hanging connects", "go-aways", "standstills",
	}[k]
}

// String says what the world is about.
func (w *wider) String() string {
	switch {
	case w == nil:
		return "no wider world"
	case w.alone && w.kind == batches && w.refusals != nil:
		return "wider: batches refused for one's sake"
	case w.alone:
		return "wider: " + w.kind.String()
	default:
		return "wider: " + w.kind.String() + " and others"
	}
}

// refusals are answers that concern one message alone: a tenant's quota.
type refusals struct {
	share      float64 // of the messages, or of the tries
	status     int
	retryAfter time.Duration
	always     bool // the same messages until the trouble ends; else each try by chance
}

// callTrouble is a time in which calls of one kind are refused or never answered.
type callTrouble struct {
	window
	what callKind
}

type callKind uint8

const (
	deleteCalls callKind = iota
	releaseCalls
	extendCalls
	callKinds
)

// The kinds of trouble of a call.
const (
	denied = iota
	unanswered
	callWays
)

// rejectsForHours is the longest time in which a target that rejects everything may kill
// no good message of three receives: an hour for each, less the first, which may be one of
// the five that are believed.
const rejectsForHours = 100 * time.Minute

// drawWider: the world is drawn like the others, and made narrow where a fault is alone.
func (s *scenario) drawWider(d dice) {
	w := &wider{kind: wideKind(d.of("kind").upTo(int(wideKinds))), alone: d.of("alone").chance(0.7)}
	s.wide, s.calm, s.healing = w, false, longestAfterStorm
	s.drawPaced(dice(s.seed).of("paced"))
	if dice(s.seed).of("batched?").chance(0.2) {
		w.kind = batches
	}
	s.trouble = d.of("trouble").between(3*time.Minute, 8*time.Minute)
	s.drain = d.of("drain").between(2*time.Second, 30*time.Second).Truncate(100 * time.Millisecond)
	s.drawTargets(d)
	s.drawQueues(d)
	if w.alone {
		s.narrow()
	}
	switch w.kind {
	case quotasOfTargets:
		s.drawQuotas(dice(s.seed).of("quotas"))
	case limitsTold:
		s.drawLimitsTold(dice(s.seed).of("limits told"))
	default:
	}
	for kind := range wideKinds {
		if kind == w.kind || !w.alone && d.of("beside", int(kind)).chance(0.2) {
			s.drawWide(kind, d.of("wide", int(kind)))
		}
	}
	s.drawBatched(dice(s.seed).of("batched"))
	for i := range s.queues {
		s.queues[i].strict = s.queues[i].fifo && d.of("strict", i).chance(0.5)
	}
	s.drawWideSends(d)
	s.drawReplicas(d)
	if w.kind == standstills {
		w.goAway = 0 // a standstill would hold a mutex of HTTP/2's, and the bubble's time with it
	}
	restarts := d.of("restarts").chance(0.3)
	for i := range s.replicas {
		r := &s.replicas[i]
		if w.alone {
			// No pace is changed, so that it is known what the target is asked for.
			r.moves = slices.DeleteFunc(r.moves, func(m move) bool {
				return m.kind == reload && w.kind != quotasOfTargets || !restarts && m.kind != reload
			})
		}
		if w.goAway == 0 && (w.kind == standstills || d.of("stands?", i).chance(0.1)) {
			s.drawStandstills(d.of("stands", i), r)
		}
	}
	if !w.alone {
		s.odds = drawSQSOdds(d.of("sqs"))
	}
}

// narrow removes from the targets and queues everything that goes wrong in other worlds.
func (s *scenario) narrow() {
	for i := range s.targets {
		s.targets[i].odds, s.targets[i].outages = targetOdds{}, nil
	}
	for i := range s.queues {
		s.queues[i].changes = nil
	}
}

// drawWide draws one kind of fault.
func (s *scenario) drawWide(kind wideKind, d dice) {
	w := s.wide
	switch kind {
	case refusalsOfSome:
		w.refusals = &refusals{
			share:      pick(d.of("share"), 0.01, 0.03, 0.1),
			status:     pick(d.of("status"), 429, 503),
			retryAfter: pick(d.of("retry after"), 0, 2*time.Second, time.Minute, 10*time.Minute),
			always:     d.of("always").chance(0.5),
		}
	case rejectsEverything:
		from := d.of("from").between(5*time.Second, 20*time.Second)
		w.rejects = &window{from, from + d.of("soon over").between(30*time.Second, 2*time.Minute), pick(d.of("status"), 301, 302, 400, 409, 410, 422)}
		if w.alone {
			lasts := time.Duration(float64(time.Minute) * math.Pow(float64(rejectsForHours/time.Minute), d.of("lasts").part()))
			w.rejects.to = from + lasts
			s.trouble = w.rejects.to + time.Minute
			for i := range s.queues {
				s.queues[i].maxReceives = pick(d.of("max receives", i), 3, 3, 3, 4, 5, 10)
			}
		}
	case callsRefused:
		for i := range d.of("n").from(1, 2) {
			from := d.of("from", i).between(time.Second, s.trouble/2)
			w.calls = append(w.calls, callTrouble{
				window: window{from, from + d.of("lasts", i).between(time.Minute, 5*time.Minute), d.of("way", i).upTo(callWays)},
				what:   callKind(d.of("what", i).upTo(int(callKinds))),
			})
		}
	case lateReceives:
		w.late, w.lateBy = pick(d.of("share"), 0.05, 0.3, 1), d.of("by").between(2*time.Second, 25*time.Second)
	case lostAnswers:
		w.lost = pick(d.of("share"), 0.01, 0.05, 0.2)
	case largeMessages:
		w.memory = pick(d.of("bound"), 1, 2, 4) << 20
		// With an outage, so that what is in hand fills the bound.
		s.targets[0].outages = s.windows(d.of("outages"), 3, 20*time.Second, 2*time.Minute, outageWays-1)
	case policies:
		w.rejected = pick(d.of("policy"), "dead-letter", "discard")
		w.lettersRefused = w.rejected == "dead-letter" && d.of("letters").chance(0.5)
		for i := range s.targets {
			s.targets[i].odds.rejected = 0.02 + 0.1*d.of("rejected", i).part()
		}
		for i := range s.queues {
			if q := &s.queues[i]; q.maxReceives == 0 { // dead-letter needs a queue for it
				q.maxReceives, q.changes = 5, nil
			}
		}
	case hangingConnects:
		w.hangs = s.windows(d.of("windows"), 2, 5*time.Second, 2*time.Minute, 1)
	case goAways:
		w.goAway = pick(d.of("each"), 1, 3, 10, 100)
	case standstills, wideKinds:
	}
}

// drawWideSends: where others' refusals are judged, or what is not deleted, a stream at a third of the pace, or
// less; where everything is rejected, enough at once for that to be seen.
func (s *scenario) drawWideSends(d dice) {
	w := s.wide
	switch {
	case w.alone && (w.refusals != nil || w.kind == callsRefused):
		s.stream(d.of("stream"), choose(w.kind == callsRefused, 400, 900))
	case w.kind == rejectsEverything:
		s.drawSends(d)
		for i := range s.sends { // the rest comes before it and in it
			p, d := &s.sends[i], d.of("rush", i)
			if p.poison = 0; d.chance(0.5) {
				p.at = w.rejects.from + d.of("at").between(0, 2*time.Second)
			}
		}
	default:
		s.drawSends(d)
	}
	for i := range s.sends {
		p := &s.sends[i]
		if w.alone && w.kind != policies && (w.kind != batches || w.refusals != nil) {
			p.poison = 0
		}
		if d := d.of("rejected", i); w.alone && w.kind == callsRefused && d.chance(0.05) {
			p.poison = 422 // something has to be released
		}
		if d := d.of("crowd", i); w.alone && w.kind == goAways && d.chance(0.8) {
			p.at = d.of("at").between(0, time.Second) // many at once on each connection
		}
		if w.memory > 0 {
			d := d.of("large", i)
			most := pick(d.of("most"), 1<<10, 16<<10, 64<<10)
			if d.of("huge").chance(0.02) {
				most = 1000 << 10
			}
			if d.of("attributes").chance(0.5) {
				p.attributes = d.of("size").from(1, most)
			} else {
				p.size = d.of("size").from(1, most)
			}
		}
	}
	slices.SortStableFunc(s.sends, func(a, b sendPlan) int { return int(a.at - b.at) })
}

// stream sends at a third of what each target accepts, up to so many.
func (s *scenario) stream(d dice, most int) {
	for t := range s.targets {
		target := &s.targets[t]
		pace := float64(target.limits.Concurrency) / target.slowest.Seconds()
		if target.limits.Limited {
			pace = min(pace, target.limits.Rate)
		}
		var queues []int
		for i := range s.queues {
			if s.queues[i].target == t {
				queues = append(queues, i)
			}
		}
		n := min(int(pace/3*s.trouble.Seconds()), most/len(s.targets))
		for k := range n {
			d := d.of("message", t, k)
			s.sends = append(s.sends, sendPlan{
				at: d.of("at").between(0, s.trouble), queue: pick(d.of("queue"), queues...), size: d.of("size").from(1, 300),
				group: "g" + string(rune('a'+d.of("group").upTo(20))),
			})
		}
	}
	slices.SortStableFunc(s.sends, func(a, b sendPlan) int { return int(a.at - b.at) })
}

// drawStandstills makes a replica stand still between its other moves.
func (s *scenario) drawStandstills(d dice, r *replicaPlan) {
	from := r.start
	for k := range d.of("n").from(1, 3) {
		from += d.of("pause", k).between(2*time.Second, s.trouble/2)
		until := from + d.of("lasts", k).between(time.Second, 2*time.Minute)
		if until >= s.trouble {
			break
		}
		if !slices.ContainsFunc(r.moves, func(m move) bool { return m.at+m.gap+5*time.Second > from && m.at < until+5*time.Second }) {
			r.moves = append(r.moves, move{at: from, kind: stand, gap: until - from})
		}
		from = until
	}
	slices.SortStableFunc(r.moves, func(a, b move) int { return int(a.at - b.at) })
}

// wideFate returns what the wider world adds to a call's fate.
func (s *scenario) wideFate(d dice, c *sqsCall, f *fate) {
	w := s.wide
	if w == nil || c.sent >= s.trouble && !slices.ContainsFunc(w.calls, func(r callTrouble) bool { return c.sent < r.to }) {
		return
	}
	if c.action == "ReceiveMessage" && d.of("late").chance(w.late) {
		f.after += d.of("late by").between(time.Second, w.lateBy)
		f.late = true
	}
	for _, r := range w.calls {
		if r.from <= c.sent && c.sent < r.to && c.is(r.what, s) {
			f.kind = [callWays]fateKind{refusedByIAM, silent}[r.way]
		}
	}
}

// is reports whether a call is of a kind: of a batch that changes visibilities its first entry.
func (c *sqsCall) is(kind callKind, s *scenario) bool {
	if c.action == "DeleteMessageBatch" || len(c.entries) == 0 || c.action != "ChangeMessageVisibilityBatch" {
		return kind == deleteCalls && c.action == "DeleteMessageBatch"
	}
	release := c.entries[0].seconds < int(s.queues[c.queue].shortest().Seconds())
	return release == (kind == releaseCalls)
}

// refuses reports whether a message is one that is refused until the trouble ends.
func (s *scenario) refuses(message int) bool {
	r := s.wide.refusals
	return r != nil && r.always && s.dice.of("refused", message).of("refused").chance(r.share)
}

// wideTurn is what the wider world makes of a delivery. d is the dice of that try.
func (s *scenario) wideTurn(d dice, message int, now time.Duration, f *turn) {
	w := s.wide
	if w == nil || now >= s.trouble {
		return
	}
	if r := w.refusals; r != nil && f.status/100 == 2 {
		if r.always && s.refuses(message) || !r.always && d.of("refused").chance(r.share) {
			*f = turn{before: f.before, after: f.after, status: r.status, retryAfter: int(r.retryAfter.Seconds())}
		}
	}
	if r := w.rejects; r != nil && r.from <= now && now < r.to {
		*f = turn{before: f.before, after: f.after, status: r.way}
	}
	if _, hangs := at(w.hangs, now); hangs {
		*f = turn{before: f.before, after: f.after, how: "cut"} // by connections made before
	}
	if f.status/100 == 2 && d.of("lost").chance(w.lost) {
		f.how, f.status = "answer-lost", 0
	}
}
