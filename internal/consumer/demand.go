package consumer

import (
	"math"
	"slices"
	"time"
)

// The demand rule: when to call ReceiveMessage, for how many messages, and how many
// calls may be out simultaneously:
//
//	mu = min(R, S / T)               messages a second that can be started
//	W  = min(10 s, V / 3)            longest that a batch may wait in hand
//	Q  = clamp(floor(mu * W), 1, 10) quantity: what every receive asks for
//	s  = min(mu * 0.2 s, 500 * part) threshold: below it, more is received
//
// A receive for Q goes out while w + x < s + f, where w waits in hand, x is
// asked for by the receives that are out, and f could be started now. part is this
// queue's of the target's pace: the 500 are all queues' together. Asking for
// "what can be started in the next second" instead would ask again for what has
// just been started, and cost up to ten times the requests.
const (
	horizon      = 200 * time.Millisecond // what the threshold covers
	maxThreshold = 500.0
	maxBatch     = 10               // ReceiveMessage's own limit
	maxBatchWait = 10 * time.Second // W's upper end
	maxPolls     = 16               // receives out in all
	minParked    = 250 * time.Millisecond
	answerGrace  = 2 * time.Second // how late the answer of a parked receive may be
	// maxTrip bounds a round trip that is taken for one: a receive for a single
	// message is full when it brings one, and may have waited long for it.
	maxTrip = 2 * time.Second
)

// poll is one receive that is out.
type poll struct {
	sent  time.Time
	asked int
	// attempt has its ReceiveRequestAttemptId, on a FIFO queue.
	attempt attempt
	wait    time.Duration // SQS keeps it open for so long
	promise *promise      // the memory for what it may bring
	// slow: a receive sent later came back full, so the queue is not empty, and
	// this one, out for two round trips, is only slow. Without this a single slow call
	// looks like an empty queue.
	slow bool
	// parked: it has been out so long that the queue must be empty; SQS keeps it
	// open, and it holds nothing.
	parked bool
}

// active reports whether p is neither parked nor slow.
func (p *poll) active() bool { return !p.parked && !p.slow }

// demand is the state of the demand rule.
type demand struct {
	visibility time.Duration // V
	gather     time.Duration // receives that come back partial are at least this far apart

	atOnce   int     // receives that may be out and not parked: 1 after an empty one, one more for each full one
	polls    []*poll // out, the first sent first
	lastSend time.Time
	lastTurn time.Time // when a receive last went out or returned
	partial  bool      // the last return was neither full nor empty
	brought  bool      // the last return brought something
	dry      bool      // all receives were parked at once, and none has brought anything since
	trips    trips
	largest  float64 // message lately, in bytes
	delivery mean    // how long a delivered delivery takes, in seconds
}

// supply is what the rule needs to know of everything else: what can be started, and what
// is in hand to be started.
type supply struct {
	slots   float64 // S
	rate    float64 // R; +Inf when there is none
	part    float64 // of the target's pace, which S and R are already
	waiting int     // w
	usable  int     // f
	// followers wait behind another of their group: they are not in w, since nothing
	// could start them. held are those that are held, behind which others of their groups
	// wait for long: these must not stop the other groups.
	followers, held int
	// free is the memory that receives may be promised, in bytes; inHand is how many messages
	// are in hand.
	free, inHand int
}

func newDemand(gather time.Duration) demand {
	return demand{gather: gather, atOnce: 1}
}

// speed is mu, in messages a second.
func (d *demand) speed(is supply) float64 {
	took := 1.0
	if d.delivery.n > 0 {
		took = max(d.delivery.value, 1e-6)
	}
	return min(is.rate, is.slots/took)
}

// quantity is Q.
func (d *demand) quantity(mu float64) int {
	return int(min(max(math.Floor(mu*d.longestWait().Seconds()), 1), maxBatch))
}

// longestWait is W.
func (d *demand) longestWait() time.Duration { return min(maxBatchWait, d.visibility/3) }

// next returns for how many messages the next receive asks; 0: do not receive now.
func (d *demand) next(now time.Time, is supply) int {
	mu := d.speed(is)
	quantity := d.quantity(mu)
	// Fewer where there is no room for as many. A queue that has nothing may always ask for
	// one, so that no other's messages stop it.
	fit := is.free / d.each()
	quantity = max(1, min(quantity, fit))
	d.park(now)
	active, asked := d.active()
	switch {
	case float64(is.waiting+asked) >= min(mu*horizon.Seconds(), maxThreshold*is.part)+float64(is.usable):
	case float64(is.followers+asked) > maxBatch*(is.slots+float64(is.held)):
	case active >= d.atOnce, len(d.polls) >= maxPolls:
	case d.parked(now) >= d.parkedLimit():
	case d.partial && now.Before(d.lastSend.Add(d.gather)):
	case fit < 1 && is.inHand+len(d.polls) > 0:
	default:
		return quantity
	}
	return 0
}

// park turns receives that have been out for long into parked ones.
func (d *demand) park(now time.Time) {
	after := d.parkedAfter()
	fresh := false
	for _, p := range d.polls {
		if p.active() && now.Sub(p.sent) >= after {
			p.parked, fresh = true, true
		}
	}
	parked := d.parked(now)
	if fresh && parked >= d.parkedLimit() {
		d.atOnce = 1
	}
	if parked > 0 && parked == len(d.polls) {
		d.dry = true
	}
}

// parked returns how many polls are parked.
func (d *demand) parked(now time.Time) int {
	n, after := 0, d.parkedAfter()
	for _, p := range d.polls {
		if p.parked || p.active() && now.Sub(p.sent) >= after {
			n++
		}
	}
	return n
}

// overdue reports whether SQS should have answered the oldest receive by now, though it was
// to wait for messages. It no longer shows that there are none.
func (d *demand) overdue(now time.Time) bool {
	return len(d.polls) > 0 && now.Sub(d.polls[0].sent) > d.polls[0].wait+answerGrace
}

// active is how many receives are out that are neither parked nor slow, and for how many
// messages they ask.
func (d *demand) active() (n, asked int) {
	for _, p := range d.polls {
		if p.active() {
			n, asked = n+1, asked+p.asked
		}
	}
	return n, asked
}

// manyOut reports whether a receive is out that may bring more than one message.
func (d *demand) manyOut() bool {
	return slices.ContainsFunc(d.polls, func(p *poll) bool { return p.asked > 1 })
}

// parkedLimit is how many receives may be parked: while messages still come, a
// second one keeps the next of them from waiting for a round trip.
func (d *demand) parkedLimit() int {
	if d.brought {
		return 2
	}
	return 1
}

// parkedAfter is how long a receive is out before it counts as parked.
func (d *demand) parkedAfter() time.Duration {
	return max(minParked, 3*d.trips.median())
}

// wake returns the next time at which the rule may change its answer though nothing
// happens, or the zero time: a poll becomes parked, or the gather time is over.
func (d *demand) wake(now time.Time) time.Time {
	var at time.Time
	after := d.parkedAfter()
	for _, p := range d.polls {
		if p.active() {
			at = earlier(at, p.sent.Add(after))
		}
	}
	if d.partial {
		if end := d.lastSend.Add(d.gather); now.Before(end) {
			at = earlier(at, end)
		}
	}
	return at
}

// send notes a receive that goes out.
func (d *demand) send(now time.Time, asked int) *poll {
	p := &poll{sent: now, asked: asked}
	d.polls = append(d.polls, p)
	d.lastSend, d.lastTurn = now, now
	return p
}

// returned notes what a receive brought.
func (d *demand) returned(now time.Time, p *poll, brought int) {
	took := now.Sub(p.sent)
	waited := took >= d.parkedAfter() // before this one changes the median
	d.forget(now, p)
	d.brought = brought > 0
	d.dry = d.dry && !d.brought
	d.partial = brought > 0 && brought < p.asked
	switch {
	case brought == 0:
		d.atOnce = 1
	case !d.partial:
		// As in TCP's slow start, only what was used to the full is raised: one of many queues, whose
		// part of the pace bounds it, would else send many receives as soon as the others are empty.
		if active, _ := d.active(); active+1 >= d.atOnce {
			d.atOnce = min(d.atOnce+1, maxPolls)
		}
		d.trips.add(min(took, maxTrip))
		if took <= minParked {
			for _, older := range d.polls {
				if older.sent.Before(p.sent) && now.Sub(older.sent) > 2*d.trips.median() {
					older.slow, older.parked = true, false
				}
			}
		}
	case !waited && took <= minParked:
		// A partial return that took longer may have waited for its message: as a round
		// trip it would let the median, and with it what counts as parked, run away.
		d.trips.add(took)
	}
}

// failed notes a receive that brought an error: whatever it is, one call at a
// time finds out when it is over.
func (d *demand) failed(now time.Time, p *poll) {
	d.forget(now, p)
	d.atOnce = 1
	d.partial = false
}

func (d *demand) forget(now time.Time, p *poll) {
	d.lastTurn = now
	d.polls = slices.DeleteFunc(d.polls, func(other *poll) bool { return other == p })
}

// endWithin is how long the receives that are out may last: they are never canceled, since
// what SQS has handed out to one would stay invisible.
func (d *demand) endWithin(now time.Time) time.Duration {
	var longest time.Duration
	for _, p := range d.polls {
		left := p.sent.Add(p.wait).Sub(now)
		longest = max(longest, left.Round(time.Second/10))
	}
	return longest
}

// received notes the size of a message. The largest is forgotten within some hundred
// smaller ones.
func (d *demand) received(bytes int) {
	d.largest = max(float64(bytes), d.largest-(d.largest-float64(bytes))/64)
}

// each is the memory that a message is likely to take, at most.
func (d *demand) each() int { return int(d.largest) + perMessage }

// delivered notes how long a delivery took: the mean is of all of them at first, later of
// about the last twenty.
func (d *demand) delivered(took time.Duration) {
	d.delivery.add(took.Seconds(), max(1/float64(d.delivery.n+1), 0.05))
}

// deliversWithin is how many seconds may pass without a delivery that ends, though nothing
// has changed: those that begin together end together.
func (d *demand) deliversWithin() int { return int(3 * d.delivery.value) }

// trips remembers the last round trips of receives, for their median.
type trips struct {
	last   [9]time.Duration
	n      int
	sorted [9]time.Duration
}

func (t *trips) add(d time.Duration) {
	t.last[t.n%len(t.last)] = d
	t.n++
	t.sorted = t.last
	slices.Sort(t.sorted[:min(t.n, len(t.last))])
}

func (t *trips) median() time.Duration {
	n := min(t.n, len(t.last))
	if n == 0 {
		return 0
	}
	return t.sorted[n/2]
}
