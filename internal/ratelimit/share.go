package ratelimit

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Share is one queue's share of a target's pace. Queues that want to start deliveries
// take turns according to their weights; what one does not use, the others do. It is
// safe for concurrent use, but its methods must not be called with a lock held that a
// wake function takes.
//
// Turns follow fair queueing with a virtual time: each start advances its share's turn
// by 1/weight, and the share with the earliest turn goes first. A share that has been
// idle resumes where the others are, so that it saves nothing up.
//
// A turn is one slot, for turnTime: until then the share goes on with the slot that its
// delivery frees, though others wait for theirs, and is charged for each start. To hand a slot
// on costs as much as a short delivery. A share that got its slots while no other wanted any
// hands them on at once.
type Share struct {
	pace   *Pace
	weight float64
	wake   func()

	// guarded by the pace's mutex
	turn   float64
	wants  bool      // it was refused and has not started or rested since
	wish   uint64    // the number of this wish to start
	place  int       // among those that want to
	called bool      // it was woken for its turn, and has not asked since
	until  time.Time // when its turn ends
	last   time.Time // when it last started one
	freed  bool      // its delivery has just freed a slot in its turn
	dry    bool
}

// turnTime bounds how long a slot is not handed on.
const turnTime = 50 * time.Millisecond

// Join returns a share of the given weight; a weight of 0 or less counts as 1. wake tells
// its owner to ask again. It must not block; it is called without this package's locks
// held.
func (p *Pace) Join(weight float64, wake func()) *Share {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !(weight > 0) {
		weight = 1
	}
	s := &Share{pace: p, weight: weight, wake: wake}
	p.shares = append(p.shares, s)
	p.weights += weight
	p.report()
	return s
}

// Start takes a slot and a token and returns Nothing, or takes neither and returns what is
// missing. slots is how many deliveries may run now, at most the concurrency. consent is
// called last, once everything else is available; it must not block. After Nothing the
// caller starts one delivery immediately, which t is from then on, and calls End when it
// ends. Otherwise the caller calls Rest once it has nothing left to start.
func (s *Share) Start(now time.Time, t *Try, slots int, consent func() bool) Want {
	p := s.pace
	p.mu.Lock()
	want, next := s.start(now, t, slots, consent)
	p.refused(want)
	if want == Token && p.fleetUsedUp(now) {
		want = Allowance
	}
	p.mu.Unlock()
	if next != nil {
		next.wake()
	}
	return want
}

// start also returns whose turn it is, if not this share's.
func (s *Share) start(now time.Time, t *Try, slots int, consent func() bool) (Want, *Share) {
	p := s.pace
	goesOn := s.freed
	s.called, s.freed = false, false
	if !s.wants {
		if now.Sub(s.last) >= turnTime {
			s.turn = max(s.turn, p.virtual)
		}
		s.want(true)
	}
	if p.delivering >= min(slots, p.slots()) {
		return Slot, nil
	}
	inTurn := p.first() == s
	if !inTurn && !goesOn {
		return Turn, s.nextTurn()
	}
	at, ok := p.token(now)
	if !ok {
		p.free = time.Time{}
		return Token, s.nextTurn()
	}
	p.free = p.quotas.from()
	if at := p.told.from(now); at.After(p.free) {
		p.free = at
	}
	if p.free.After(now) {
		return Allowance, s.nextTurn()
	}
	p.free = time.Time{}
	if !consent() {
		return Consent, s.nextTurn()
	}
	p.take(now, at)
	t.number, t.began, t.beside, t.most = p.quotas.start(now), now, p.delivering, p.delivering
	p.told.start()
	if p.adapt != nil {
		p.began(now, t)
	}
	p.delivering++
	if inTurn {
		p.virtual = s.turn
		s.until = time.Time{}
		if len(p.wanting) > 1 {
			s.until = now.Add(turnTime)
		}
	}
	s.turn += 1 / s.weight
	s.last = now
	s.want(false)
	if p.delivering >= min(slots, p.slots()) {
		return Nothing, nil // whose delivery ends wakes the next
	}
	return Nothing, s.nextTurn()
}

// first returns the share whose turn it is among those that want to start, or nil.
func (p *Pace) first() *Share {
	if len(p.wanting) == 0 {
		return nil
	}
	return p.wanting[0]
}

// nextTurn returns the share whose turn it is, to be woken; nil if it is s, or has been
// woken already and will ask.
func (s *Share) nextTurn() *Share {
	first := s.pace.first()
	if first == nil || first == s || first.called {
		return nil
	}
	first.called = true
	return first
}

// want sets whether the share wants to start. Its turn does not change while it does.
func (s *Share) want(wants bool) {
	p := s.pace
	switch {
	case wants && !s.wants:
		p.wished++
		s.wish = p.wished
		heap.Push(&p.wanting, s)
	case !wants && s.wants:
		heap.Remove(&p.wanting, s.place)
	}
	s.wants = wants
}

// turns are the shares that want to start, as a heap: first the one with the earliest
// turn, or that has wanted to for longest.
type turns []*Share

// Len implements heap.Interface.
func (t turns) Len() int { return len(t) }

// Less implements heap.Interface.
func (t turns) Less(i, j int) bool {
	if t[i].turn != t[j].turn {
		return t[i].turn < t[j].turn
	}
	return t[i].wish < t[j].wish
}

// Swap implements heap.Interface.
func (t turns) Swap(i, j int) {
	t[i], t[j] = t[j], t[i]
	t[i].place, t[j].place = i, j
}

// Push implements heap.Interface.
func (t *turns) Push(x any) {
	s, _ := x.(*Share)
	s.place = len(*t)
	*t = append(*t, s)
}

// Pop implements heap.Interface.
func (t *turns) Pop() any {
	last := len(*t) - 1
	s := (*t)[last]
	(*t)[last] = nil
	*t = (*t)[:last]
	return s
}

// Rest records that this share has nothing to start, so that the others need not wait.
func (s *Share) Rest() {
	p := s.pace
	p.mu.Lock()
	var next *Share
	s.called, s.freed = false, false
	if s.wants {
		s.want(false)
		next = s.nextTurn()
		p.report()
	}
	p.mu.Unlock()
	if next != nil {
		next.wake()
	}
}

// End frees the slot of a delivery that Start has started, and takes in what its answer
// says of the target's limits; firsts is how many messages' first try it was. It reports
// whether the answer is a refusal that the target has announced: it is waited for as it
// asked, and that is no trouble.
func (s *Share) End(now time.Time, t *Try, r message.Result, firsts int) (announced bool) {
	p := s.pace
	p.mu.Lock()
	p.delivering--
	p.quotas.end(now, t.number)
	freed := false
	if p.limits.Follow {
		before, asked := p.told.from(now), p.told.asks
		announced = p.told.answer(now, t, p.quotas.next, p.delivering, r, firsts)
		freed = p.told.from(now).Before(before) || asked && !p.told.asks
		p.told.watch(now, p.delivering)
	}
	p.report()
	var next *Share
	if s.freed = s.wants && now.Before(s.until); !s.freed { // who ends one asks again anyway
		next = s.nextTurn()
	}
	p.mu.Unlock()
	switch {
	case freed:
		p.wakeAll() // those that receive nothing, too
	case next != nil:
		next.wake()
	}
	return announced
}

// Due returns when the last refused token or allowance will be available, or the zero time
// if none was refused since the last start or the rate is 0.
func (s *Share) Due() time.Time {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	if !s.pace.free.IsZero() {
		return s.pace.free
	}
	return s.pace.due
}

// SetDry sets whether the queue has nothing to deliver. While it is dry, the others
// divide its part among them. They are not woken for it: one that could start or receive
// more now has a delivery or a receive that ends soon, and sees it then.
func (s *Share) SetDry(dry bool) {
	p := s.pace
	p.mu.Lock()
	if s.dry == dry {
		p.mu.Unlock()
		return
	}
	s.dry = dry
	if dry {
		p.weights -= s.weight
	} else {
		p.weights += s.weight
	}
	p.report()
	p.mu.Unlock()
}

// Part returns the fraction of the pace that this share can plan with: its weight over
// the total weight of itself and all queues that are not dry.
func (s *Share) Part() float64 {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.part()
}

func (s *Share) part() float64 {
	sum := s.pace.weights
	if s.dry {
		sum += s.weight
	}
	return s.weight / sum
}

// Limits returns the target's limits in force.
func (s *Share) Limits() Limits { return s.pace.Limits() }

// Usable returns how many deliveries of this share could start now: its part of the idle
// slots or of the tokens, whichever is less, rounded up.
func (s *Share) Usable(now time.Time, slots int) int {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	usable := max(min(slots, p.slots())-p.delivering, 0)
	if p.bucket != nil {
		usable = min(usable, max(int(p.bucket.TokensAt(now)), 0))
	}
	if p.fleet != nil {
		usable = min(usable, p.fleet.Tokens(now))
	}
	if p.limits.Limited && p.limits.Rate == 0 {
		return 0
	}
	if free, _ := p.left(now); free >= 0 {
		usable = min(usable, free)
	}
	return int(math.Ceil(float64(usable) * s.part()))
}

// left returns how many deliveries quotas, the fleet's too, and target allow to start by a
// time, and when that number grows; -1 if nothing limits it.
func (p *Pace) left(at time.Time) (n int, grows time.Time) {
	n, grows = p.quotas.free(at)
	m, until := p.told.free(at)
	n, grows = tighter(n, grows, m, until)
	if p.fleet != nil {
		m, until = p.fleet.Free(at)
		n, grows = tighter(n, grows, m, until)
	}
	return n, grows
}

// tighter returns the tighter of two limits on starts, or, of those that are alike, the one
// that lasts. -1 is none.
func tighter(n int, grows time.Time, m int, until time.Time) (int, time.Time) {
	switch {
	case m < 0:
		return n, grows
	case n < 0 || m < n:
		return m, until
	case m == n:
		return n, later(grows, until)
	default:
		return n, grows
	}
}

// Soon returns how many deliveries of this share quotas and target allow to start within a
// time: its part of them, rounded up. next is when there will be more. The number is
// unlimited if there are no quotas and the target says nothing.
func (s *Share) Soon(now time.Time, within time.Duration) (n int, next time.Time) {
	p := s.pace
	p.mu.Lock()
	defer p.mu.Unlock()
	free, grows := p.left(now.Add(within))
	switch {
	case free < 0:
		return math.MaxInt, time.Time{}
	case !grows.IsZero():
		grows = grows.Add(-within)
	}
	return int(math.Ceil(float64(free) * s.part())), grows
}

// Asks reports whether the target has refused all for a time and is asked anew, by one
// delivery at a time.
func (s *Share) Asks() bool {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return s.pace.told.asks
}

// Joins reports whether a request may carry several messages: not while it is unclear
// whether the target refuses all, or what is with one message.
func (s *Share) Joins() bool {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	return !s.pace.told.doubts
}

// wakeAll wakes the owners of all shares.
func (p *Pace) wakeAll() {
	p.mu.Lock()
	shares := slices.Clip(p.shares)
	p.mu.Unlock()
	for _, s := range shares {
		s.wake()
	}
}
