package fleet

import (
	"hash/fnv"
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

const (
	minSpacing  = 20 * time.Millisecond // between two calls of a small fleet
	maxSpacing  = 100 * time.Millisecond
	spacingEach = 5 * time.Millisecond // for each replica, so that small fleets wait little and large ones ask little
	slotsEvery  = 500 * time.Millisecond

	// What one call asks for lasts a round: others wait so long for their turn. It is short in
	// small fleets; longer in large ones, which make more calls, and if a call takes long.
	minRound   = 50 * time.Millisecond
	maxRound   = 500 * time.Millisecond // of which the coordinator says how many tokens they are
	roundEach  = 7500 * time.Microsecond
	roundTrips = 3
	tripsKept  = 8 // a long trip counts less with each later one, by one part of so many
	never      = time.Duration(math.MaxInt64)
)

// member is one replica as a state machine. It starts nothing itself: begin and done are
// called for each call to the coordinator, and the others ask. Times are since a start
// that is the process's own.
type member struct {
	id     string
	base   time.Time // what its times are since
	budget Budget
	state  State
	since  time.Duration
	clock  clock
	tokens tokens
	use    ratelimit.Use

	changes []change
	losses  int // of the coordinator's memory

	out      bool          // a call is out; if it may have an effect, nothing starts by itself
	askTime  bool          // the next call asks only for the time
	sent     time.Duration // when the last call was
	retry    time.Duration // when the next call is due, unless live
	calls    int64
	seq      int64
	born     time.Duration // when the coordinator's memory began, by its clock
	answered bool          // it has ever answered
	first    time.Duration // when it first did

	silent    time.Duration // when the last call was sent that may have had an effect
	leaseEnd  time.Duration
	runsTill  time.Duration // once stopped: until when what it has started may run
	fixedFrom time.Duration
	quietTill time.Duration // when a new memory begins to grant

	share      int64
	slots      int
	last       reply // the last that granted
	window     time.Duration
	pause      time.Duration
	limited    bool
	again      time.Duration // no tokens are asked for before
	quantity   int           // a round's part
	trip       time.Duration // how long calls take, with the longest of late
	target     int           // tokens to have in hand
	lapsed     int64         // tokens lapsed when some were last asked for
	confirm    bool          // a lower grant is to be confirmed
	slotsAsked time.Duration
	own        time.Duration // when it may next start one by itself
	hbSpread   time.Duration

	rated    bool          // there is a rate; limited also where there are only quotas
	alone    time.Duration // as in reply
	partRate int64         // the rate of which the share is a part, in millionths a second
	made     int           // starts by itself since the last grant
	quotas   quotas
	told     told

	override override
	news     bool // it is another one than before
	brings   bool // the coordinator may not have it
}

func newMember(id string, b Budget, now time.Duration) *member {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	m := &member{
		id: id, since: now, askTime: true, sent: now - callLimit, fixedFrom: now + fixedAfter,
		silent: now, target: 1, quantity: 1, slotsAsked: now - slotsEvery,
		hbSpread: time.Duration(h.Sum32()%100) * time.Millisecond,
	}
	m.set(b)
	return m
}

// set changes the budget. The coordinator learns of it with the next call.
func (m *member) set(b Budget) {
	m.budget = b
	if m.state == Joining {
		m.rated, m.alone = b.Rate > 0, b.alone()
		m.limited = m.rated || m.alone != 0
		m.window = 0
		if m.rated {
			m.window = time.Duration(float64(b.Burst-1) / b.Rate * float64(time.Second))
		}
		m.pause = missing + callLimit + horizon + m.window
	}
	m.confirm = true
}

// due returns when the next call is.
func (m *member) due(now time.Duration) time.Duration {
	switch {
	case m.out:
		return never
	case m.askTime:
		return m.sent + callLimit
	case m.state != Live:
		return m.retry
	}
	at := m.sent + heartbeat + m.hbSpread
	if m.hungry(now) {
		at = min(at, max(m.sent+m.spacing(), m.again))
	}
	if m.confirm {
		at = min(at, m.sent+maxSpacing)
	}
	if m.lacksSlots() {
		at = min(at, max(m.sent+m.spacing(), m.slotsAsked+slotsEvery))
	}
	return at
}

// spacing is the least time between two calls.
func (m *member) spacing() time.Duration {
	return min(max(time.Duration(m.last.live)*spacingEach, minSpacing), maxSpacing)
}

// round is how long the tokens last that one call asks for.
func (m *member) round() time.Duration {
	return min(max(minRound, time.Duration(m.last.live)*roundEach, roundTrips*m.trip), maxRound)
}

// hungry reports whether a delivery waits for a token and at most half of what there should
// be is in hand.
func (m *member) hungry(now time.Duration) bool {
	if !m.limited || m.use.Lacks != ratelimit.Token {
		return false
	}
	m.tokens.next(now, &m.clock, m.window)
	return m.tokens.n <= m.target/2
}

// lacksSlots reports whether a delivery waits for a slot of the fleet's.
func (m *member) lacksSlots() bool {
	return m.use.Lacks == ratelimit.Slot && m.use.Running >= m.slots && m.slots < m.last.all
}

// begin starts a call.
func (m *member) begin(now time.Duration, leave bool) request {
	m.advance(now)
	r := request{id: m.id, leave: leave, budget: m.budget, sent: now, silent: m.silent}
	if r.override.version = m.override.version; m.brings {
		r.override.text = m.override.text
	}
	m.out, m.sent = true, now
	if m.askTime && !leave || !m.clock.known {
		return r
	}
	m.calls++
	r.call, r.seq = m.calls, m.seq
	r.deadline = m.clock.server(now) + callLimit
	r.grown = m.answered && now-m.first >= young
	r.busy = m.use.Busy
	r.share, r.slots = m.share, m.slots
	// What has not ended a time-out after the last start only was not seen to end, because the process stood
	// still: others have the slots by now, and a new memory would count them twice.
	if m.state != Stopped || now < m.runsTill {
		r.slots = max(m.slots, m.use.Running)
	}
	if m.hungry(now) && now >= m.again {
		r.want = m.wants()
	}
	if m.lacksSlots() {
		m.slotsAsked = now
	}
	m.confirm = false
	m.silent = now
	m.partRate = max(m.partRate, millionths(m.budget.Rate))
	r.back, m.tokens.back = m.tokens.back, nil
	r.made, r.born, r.copy, r.steady = m.made, m.born.Microseconds(), m.quotas.carry, m.quotas.steadyAt(now)
	r.told, r.toldUntil = m.use.Told, m.toldUntil(now)
	return r
}

// wants returns how many tokens to ask for: twice as many as last time, up to a
// round's part, or half as many if some have lapsed since. So a replica with little to do
// asks for single ones, and leaves the others to those that use them.
func (m *member) wants() int {
	if m.tokens.lapsed > m.lapsed {
		m.target = max(m.target/2, 1)
	} else {
		m.target = min(2*m.target, m.quantity)
	}
	m.lapsed = m.tokens.lapsed
	return m.target
}

// stands reports whether nothing may start by itself: a call that may have an effect is out.
func (m *member) stands() bool { return m.out && m.silent == m.sent && !m.askTime }

// failed ends a call that was not answered.
func (m *member) failed(now time.Duration, r *request) {
	m.out, m.askTime = false, true
	m.lost(now, r.real())
}

// lost is what an unanswered call changes. real: it may have had an effect.
func (m *member) lost(now time.Duration, real bool) {
	switch {
	case m.state == Live && m.limited:
		m.become(now, UsingUp)
	case m.state == Live:
		m.become(now, OnShare)
	case m.state == OnShare && real && m.limited:
		m.become(now, Pausing)
	case m.state == FixedPart && real:
		m.become(now, Stopped)
	}
	m.advance(now)
}

// done ends a call that was answered.
func (m *member) done(now time.Duration, r *request, a reply) {
	m.out, m.askTime = false, false
	if m.clock.answered(r.sent, now, a.now) {
		m.tokens.clear()
	}
	if !m.answered {
		m.answered, m.first = true, now
	}
	if a.kind != left {
		m.hear(a.override)
	}
	switch a.kind {
	case late:
		// A copy of a real call may have had its effect, and given back what it was to give back.
		m.retry = now
		if r.real() {
			m.retry = now + maxSpacing
			m.lost(now, true)
		}
	case quiet:
		m.remember(now, r, a)
		m.retry, m.quietTill = r.sent+quietRetry, now+a.quietFor
		if m.state == FixedPart {
			m.become(now, Stopped) // with nothing that the new memory would reserve
			m.advance(now)
			return
		}
		m.silent = r.silent
		m.lost(now, false)
	case granted:
		m.remember(now, r, a)
		m.grant(now, r, a)
	case left:
	}
}

// remember notes which memory has answered.
func (m *member) remember(now time.Duration, r *request, a reply) {
	if m.born != 0 && m.born != a.born {
		m.losses++
		m.tokens.back = nil // the new memory has not counted them
	}
	m.quotas.answered(now, r, a, m.born)
	m.seq, m.born = a.seq, a.born
}

// grant takes what a call was granted.
func (m *member) grant(now time.Duration, r *request, a reply) {
	m.confirm = m.confirm || a.share < r.share || a.slots < r.slots
	m.window, m.pause, m.rated, m.limited, m.alone = a.window, a.pause, a.rate > 0, a.rate > 0 || a.alone != 0, a.alone
	m.partRate, m.made = millionths(r.budget.Rate), 0
	m.told = told{hold: a.hold, role: a.role}
	m.leaseEnd, m.fixedFrom = r.sent+a.lease, r.sent+fixedAfter
	if a.lease == 0 {
		m.leaseEnd = r.sent + a.pause
	}
	switch {
	case r.want > 0 && a.tokens.n == 0: // it may be granted long before a quota that is used up is new
		m.again = now + min(a.again, heartbeat)
	case r.want > 0 || a.rate != m.last.rate:
		m.again = now + a.again
	}
	m.share, m.slots, m.last = a.share, a.slots, a
	m.trip = max(now-r.sent, m.trip-m.trip/tripsKept)
	m.quantity = max(1, a.most)
	if m.rated {
		m.quantity = max(1, int(math.Ceil(float64(a.most)*float64(m.round())/float64(maxRound))))
	}
	m.tokens.add(a.tokens)
	m.become(now, Live)
}

// token reports whether a delivery may start. If not, due is when one may, or 0.
func (m *member) token(now time.Duration) (due time.Duration, ok bool) {
	m.advance(now)
	switch m.state {
	case Live, UsingUp:
		if !m.limited {
			return 0, true
		}
		from, ok := m.tokens.next(now, &m.clock, m.window)
		if !ok {
			return m.quotas.opens(now), false
		}
		return from, now >= from
	case OnShare, FixedPart:
		if m.stands() || m.apart() == never {
			return 0, false
		}
		return m.own, now >= m.own
	case Joining, Pausing, Stopped:
	}
	return 0, false
}

// take uses the token that was reported.
func (m *member) take(now time.Duration) {
	switch m.state {
	case Live, UsingUp:
		m.tokens.use()
	case OnShare, FixedPart:
		m.own = now + m.apart()
		m.made++
	case Joining, Pausing, Stopped:
	}
}

// usable counts the deliveries that could start, as far as tokens go.
func (m *member) usable(now time.Duration) int {
	if _, ok := m.token(now); !ok {
		return 0
	}
	switch {
	case !m.limited:
		return math.MaxInt32
	case m.state == Live || m.state == UsingUp:
		return m.tokens.usable(now, &m.clock)
	default:
		return 1
	}
}

// ownRate is at how many a second it starts by itself; +Inf if there is no rate.
func (m *member) ownRate() float64 {
	if !m.rated {
		return math.Inf(1)
	}
	if m.state == FixedPart {
		r, _ := m.budget.fixed()
		return r
	}
	return float64(m.share) / 1e6
}

// limits is what it may count on.
func (m *member) limits(now time.Duration) ratelimit.Limits {
	m.advance(now)
	l := ratelimit.Limits{Concurrency: m.slots, Limited: m.limited, Burst: 1}
	if !m.rated && (m.state == Live || m.state == UsingUp) {
		l.Limited = false // quotas alone: not a pace
	}
	if m.state == FixedPart {
		_, l.Concurrency = m.budget.fixed()
	}
	switch {
	case !m.rated:
	case m.state == Live:
		l.Rate = float64(m.last.pace) / 1e6 / float64(max(m.last.busy, 1))
		l.Burst = m.budget.Burst
	case m.state == OnShare, m.state == FixedPart:
		l.Rate = m.ownRate()
		if d := m.apart(); len(m.partsOf()) > 0 {
			l.Rate = min(l.Rate, float64(time.Second)/float64(d))
		}
	}
	return l
}
