package fleet

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// world is a fleet in virtual time: replicas that each have a real member and a real pace,
// a network that loses, delays and doubles, and one coordinator.
type world struct {
	dice     *rand.Rand
	plan     plan
	store    *store
	now      time.Duration
	queue    events
	order    int
	replicas []*replica
	stopped  bool          // the server is
	down     bool          // nothing listens
	held     []*sentCall   // what a stopped server has not read
	starts   []start       // of all replicas
	spans    []span        // deliveries
	history  []memory      // for promotions and old files
	alone    map[int]bool  // replicas that started something by themselves
	brought  time.Duration // the newest memory, by its birth, that a replica has brought a share
	granted  time.Duration // the newest that has granted something
	target   *spoken       // what the target says; nil: it takes all, and says nothing
	// unpromised: what docs/fleet.md does not promise has happened, so nothing is judged.
	unpromised bool
}

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

// replica is one process.
type replica struct {
	w       *world
	number  int
	born    time.Duration // true time at which its own clock was 0
	drift   float64
	member  *member
	pace    *ratelimit.Pace
	share   *ratelimit.Share
	wake    int // the newest wake event; older ones do nothing
	dead    bool
	frozen  time.Duration // stands still until
	cut     time.Duration // cut off from the coordinator until
	work    work
	backlog int
	came    []time.Duration // when what waits has come
	waits   []time.Duration // of what was started
	leaving bool
	running int
	epoch   time.Time

	knows    time.Duration // when it was last told what was counted
	holds    time.Duration // what it was last told by the coordinator: nobody starts before
	heldStep time.Duration // how far the server's clock was off then
}

// work is what a replica has to do.
type work struct {
	endless bool
	every   time.Duration // between messages, unless endless
	takes   time.Duration // a delivery
}

// own is a replica's own clock.
func (r *replica) own() time.Duration {
	return time.Duration(float64(r.w.now-r.born) * (1 + r.drift))
}

// trueTime is when its clock shows t.
func (r *replica) trueTime(t time.Duration) time.Duration {
	if t == never {
		return never
	}
	return r.born + time.Duration(math.Ceil(float64(t)/(1+r.drift)))
}

// The methods of ratelimit.Fleet, by the replica's own clock.
func (r *replica) Limits() ratelimit.Limits { return r.member.limits(r.own()) }

func (r *replica) Token(time.Time) (time.Time, bool) {
	due, ok := r.member.token(r.own())
	if ok || due == 0 {
		return time.Time{}, ok
	}
	return r.epoch.Add(due), false
}

func (r *replica) Take(time.Time) {
	if s := r.member.state; s == OnShare || s == FixedPart {
		r.w.alone[r.number] = true
	}
	r.member.take(r.own())
}
func (r *replica) Tokens(time.Time) int { return r.member.usable(r.own()) }
func (r *replica) Free(at time.Time) (int, time.Time) {
	n, grows := r.member.quotas.free(at.Sub(r.epoch))
	return n, r.epoch.Add(grows)
}

func (r *replica) Quotas(now time.Time) []ratelimit.QuotaUse {
	return r.member.quotas.uses(now.Sub(r.epoch), r.epoch.Add)
}
func (r *replica) Told() ratelimit.ToldOthers { return r.member.heard() }
func (r *replica) Report(use ratelimit.Use)   { r.member.use = use }

// join adds a replica.
func (w *world) join(k work) {
	w.unpromised = w.unpromised || w.store.step != 0 && len(w.replicas) > 0 && w.nobodyConnected()
	r := &replica{w: w, number: len(w.replicas), born: w.now, drift: (w.dice.Float64() - 0.5) * 4e-5, work: k, epoch: time.Unix(0, 0)}
	limits := ratelimit.Limits{Concurrency: w.plan.budget.Slots}
	if w.target != nil {
		r.epoch, r.drift, limits.Follow = time.Now(), 0, true // it reads the time, which is the bubble's
	}
	r.member = newMember(fmt.Sprintf("replica %d of %d", r.number, w.plan.seed), w.plan.budget, 0)
	r.member.base = r.epoch
	r.pace = ratelimit.New(limits)
	r.pace.JoinFleet(r)
	r.share = r.pace.Join(1, func() {})
	w.replicas = append(w.replicas, r)
	if k.endless {
		r.backlog = math.MaxInt32
	} else if k.every > 0 {
		r.arrive()
	}
	r.turn()
}

func (r *replica) arrive() {
	r.w.at(r.w.now+r.w.between(r.work.every/2, 3*r.work.every/2), func() {
		if r.dead || r.leaving {
			return
		}
		r.backlog++
		r.came = append(r.came, r.w.now)
		r.arrive()
		r.turn()
	})
}

// turn starts what may be started, makes the call that is due, and sets the next wake.
func (r *replica) turn() {
	if r.dead {
		return
	}
	if r.w.now < r.frozen {
		r.wakeAt(r.frozen)
		return
	}
	now := r.epoch.Add(r.own())
	r.share.SetDry(r.backlog == 0 && r.running == 0)
	wants := ratelimit.Nothing
	for r.backlog > 0 && !r.leaving {
		try := new(ratelimit.Try)
		if wants = r.share.Start(now, try, r.pace.Limits().Concurrency, func() bool { return true }); wants != ratelimit.Nothing {
			break
		}
		r.begin(try)
	}
	if wants == ratelimit.Nothing {
		r.share.Rest()
	}
	if r.leaving && r.running == 0 {
		r.leave()
		return
	}
	at := r.member.due(r.own())
	if at <= r.own() {
		call := r.member.begin(r.own(), false)
		r.send(&call)
		at = never
	}
	if due := r.share.Due(); wants == ratelimit.Token && !due.IsZero() {
		at = min(at, due.Sub(r.epoch))
	}
	if change := r.member.nextChange(); change > r.own() {
		at = min(at, change)
	}
	if at != never {
		r.wakeAt(r.trueTime(at) + r.w.between(0, r.w.plan.lazy))
	}
}

func (r *replica) wakeAt(t time.Duration) {
	r.wake++
	mine := r.wake
	r.w.at(t, func() {
		if r.wake == mine {
			r.turn()
		}
	})
}

func (r *replica) begin(try *ratelimit.Try) {
	r.w.starts = append(r.w.starts, start{at: r.w.now, replica: r.number})
	r.w.target.watch(r)
	r.running++
	if !r.work.endless {
		r.backlog--
		if len(r.came) > 0 {
			r.waits, r.came = append(r.waits, r.w.now-r.came[0]), r.came[1:]
		}
	}
	takes := min(r.w.between(r.work.takes/2, 3*r.work.takes/2), r.w.plan.budget.Timeout)
	r.w.spans = append(r.w.spans, span{from: r.w.now, to: r.w.now + takes, replica: r.number})
	r.w.at(r.w.now+takes, func() {
		r.whenAwake(func() {
			r.running--
			result := r.w.target.answer(r.w.now)
			if result.Outcome != message.Delivered && !r.work.endless {
				r.backlog++
			}
			r.share.End(r.epoch.Add(r.own()), try, result, true)
			r.turn()
		})
	})
}

// whenAwake calls do now, or once the replica no longer stands still.
func (r *replica) whenAwake(do func()) {
	if r.w.now < r.frozen {
		r.w.at(r.frozen, func() { r.whenAwake(do) })
		return
	}
	if !r.dead {
		do()
	}
}

// crash ends the process and its deliveries with it.
func (r *replica) crash() {
	r.dead = true
	for i, s := range r.w.spans {
		if s.replica == r.number {
			r.w.spans[i].to = min(s.to, r.w.now)
		}
	}
}

func (r *replica) leave() {
	call := r.member.begin(r.own(), true)
	r.send(&call)
	r.dead = true
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
	case a.kind == quiet && (q.share > 0 || q.slots > 0):
		w.brought = a.born
	case a.kind == granted && a.born != w.granted:
		w.granted = a.born
		w.unpromised = w.unpromised || a.born != w.brought && w.silentShare() || w.forgotten()
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
