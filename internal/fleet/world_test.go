package fleet

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// world is a fleet in virtual time: replicas that each have a real member and a real pace,
// a network that loses, delays and doubles, and one coordinator.
type world struct {
	dice       *rand.Rand
	plan       plan
	store      *store
	now        time.Duration
	queue      events
	order      int
	replicas   []*replica
	stopped    bool          // the server is
	down       bool          // nothing listens
	held       []*sentCall   // what a stopped server has not read
	starts     []start       // of all replicas
	spans      []span        // deliveries
	history    []memory      // for promotions and old files
	alone      map[int]bool  // replicas that started something by themselves
	brought    time.Duration // the newest memory, by its birth, that a replica has brought a share
	granted    time.Duration // the newest that has granted something
	target     *spoken       // what the target says; nil: it takes all, and says nothing
	unpromised unpromised
}

// unpromised is which promises are not judged, because what docs/fleet.md excepts has happened:
// each place that sets one of them is a line of "What is not promised".
type unpromised struct{ starts, slots, quotas bool }

type start struct {
	at      time.Duration
	replica int
}

type span struct {
	from, to time.Duration
	replica  int
}

type event struct {
	at    time.Duration
	order int
	do    func()
}

type events []*event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].order < e[j].order
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(*event)) }
func (e *events) Pop() any {
	old := *e
	last := old[len(old)-1]
	*e = old[:len(old)-1]
	return last
}

func (w *world) at(t time.Duration, do func()) {
	w.order++
	heap.Push(&w.queue, &event{at: max(t, w.now), order: w.order, do: do})
}

func (w *world) between(low, high time.Duration) time.Duration {
	return low + time.Duration(w.dice.Int64N(int64(high-low)+1))
}

// sentCall is a call on its way.
type sentCall struct {
	from    *replica
	request *request
	ended   bool // it was answered or has timed out
}

// send has a call travel, with whatever the network does to it.
func (r *replica) send(q *request) {
	c := &sentCall{from: r, request: q}
	w := r.w
	w.at(r.trueTime(q.sent+callLimit), func() {
		r.whenAwake(func() {
			if !c.ended {
				c.ended = true
				r.member.failed(r.own(), q)
				r.turn()
			}
		})
	})
	if w.now < r.cut || w.down || w.chance(w.plan.lose) {
		return
	}
	trip := w.trip()
	w.at(w.now+trip, func() { w.read(c) })
	if w.chance(w.plan.double) {
		w.at(w.now+trip+w.between(0, callLimit), func() { w.read(c) })
	}
}

func (w *world) chance(p float64) bool { return p > 0 && w.dice.Float64() < p }

// trip is how long something travels one way.
func (w *world) trip() time.Duration {
	if w.chance(w.plan.late) {
		return w.between(50*time.Millisecond, 700*time.Millisecond)
	}
	return w.between(100*time.Microsecond, w.plan.trip)
}

// read is the server reading a call.
func (w *world) read(c *sentCall) {
	switch {
	case w.down:
		return
	case w.stopped:
		w.held = append(w.held, c)
		return
	}
	w.store.now = w.now
	a, err := w.store.eval(c.request)
	if err != nil {
		panic(err)
	}
	w.watch(c.request, &a)
	if w.now < c.from.cut || w.chance(w.plan.lose) {
		return
	}
	w.at(w.now+w.trip(), func() {
		c.from.whenAwake(func() {
			if !c.ended {
				c.ended = true
				if a.kind == granted {
					c.from.knows = w.now
				}
				c.from.member.done(c.from.own(), c.request, a)
				c.from.hears(&a)
				c.from.turn()
			}
		})
	})
}

// watch notes when a new memory begins to grant though nobody has brought it a share and
// somebody silent has one, or though nobody is left who knows what the last one has counted.
func (w *world) watch(q *request, a *reply) {
	switch {
	case a.kind == quiet && (q.share > 0 || q.slots > 0 && q.budget.Rate == 0):
		w.brought = a.born // by slots alone only young ones are known, if there is a rate (seed 404631)
	case a.kind == granted && a.born != w.granted:
		w.granted = a.born
		if a.born != w.brought && w.silentShare() {
			w.unpromised = unpromised{true, true, true}
		}
		w.unpromised.quotas = w.unpromised.quotas || w.forgotten()
	}
}

// silentShare reports whether a replica is silent and has a share.
func (w *world) silentShare() bool {
	return slices.ContainsFunc(w.replicas, func(r *replica) bool {
		m := r.member
		return !r.dead && (m.share > 0 || m.slots > 0) && r.own()-m.silent > missing
	})
}

// forgotten reports whether the last start was a dead replica's, and no other has been told of it.
func (w *world) forgotten() bool {
	if len(w.starts) == 0 {
		return false
	}
	last := w.starts[len(w.starts)-1]
	return w.replicas[last.replica].dead && !slices.ContainsFunc(w.replicas, func(r *replica) bool { return !r.dead && r.knows > last.at })
}

// nobodyConnected reports whether no replica can tell a new one what the steady clock shows.
func (w *world) nobodyConnected() bool {
	return !slices.ContainsFunc(w.replicas, func(r *replica) bool { return !r.dead && w.now >= r.cut && w.now >= r.frozen })
}

// someYoung reports whether a replica runs that has no share yet: it is remembered for seconds only.
func (w *world) someYoung() bool {
	return slices.ContainsFunc(w.replicas, func(r *replica) bool { return !r.dead && r.own()-r.member.first < young })
}

// run plays the world to its end.
func (w *world) run(until time.Duration) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		e := heap.Pop(&w.queue).(*event)
		if w.target != nil {
			time.Sleep(e.at - w.now) // in a bubble
		}
		w.now = e.at
		e.do()
	}
	w.now = until
}

// over returns the most starts in any window less rate × its length.
func (w *world) over() float64 {
	slices.SortStableFunc(w.starts, func(a, b start) int { return int(a.at - b.at) })
	most, least := 0.0, math.Inf(1)
	for i, s := range w.starts {
		made := w.plan.budget.Rate * s.at.Seconds()
		least = min(least, float64(i)-made)
		most = max(most, float64(i+1)-made-least)
	}
	return most
}

// running returns the most deliveries that ever ran simultaneously.
func (w *world) running() int {
	type edge struct {
		at time.Duration
		by int
	}
	var edges []edge
	for _, s := range w.spans {
		edges = append(edges, edge{s.from, 1}, edge{s.to, -1})
	}
	slices.SortFunc(edges, func(a, b edge) int {
		if a.at != b.at {
			return int(a.at - b.at)
		}
		return a.by - b.by
	})
	n, most := 0, 0
	for _, e := range edges {
		n += e.by
		most = max(most, n)
	}
	return most
}
