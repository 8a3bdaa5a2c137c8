package fleet

import (
	"fmt"
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

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
	w.unpromised.quotas = w.unpromised.quotas || w.store.step != 0 && len(w.replicas) > 0 && w.nobodyConnected()
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
	if due := r.share.Due(); (wants == ratelimit.Token || wants == ratelimit.Allowance) && !due.IsZero() {
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
			r.share.End(r.epoch.Add(r.own()), try, result, 1)
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
