package consumer

import (
	"log/slog"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// How often GetQueueAttributes is called: while messages come or are in hand; once
// more after the last one; and for an idle queue, where an empty long poll itself
// shows that nothing is visible, or where SQS refuses the call.
const (
	depthBusy  = 15 * time.Second
	depthAfter = 5 * time.Minute
	depthIdle  = time.Hour
	// What a burst brings is found out sooner: how much, and whether more comes.
	depthEager = 5 * time.Second
	eagerLooks = 3
	eagerAgain = time.Minute
	// Later bursts are looked at too: SQS is asked once more for each, at most burstLooks
	// times in a row and then every burstEvery, and never sooner than burstAfter after the
	// last answer.
	burstLooks = 3
	burstEvery = 20 * time.Second
	burstAfter = 2 * time.Second
	// On top of a known backlog, a burst contradicts nothing for as long as the backlog lasts.
	// So the queue is asked again after lookEvery messages, though not sooner than depthEager:
	// one request more for a hundred messages at most.
	lookEvery = 100
)

// depthWatch decides when SQS is asked how many messages the queue holds, and knows whether
// the answer means that it is blocked.
type depthWatch struct {
	log    *slog.Logger
	next   time.Time // when to ask next; zero: an answer is awaited
	asked  time.Time // when SQS was last asked
	since  int       // messages that came since then
	denied bool      // SQS has refused the last answer
	last   time.Time // when the last message came
	known  bool
	at     time.Time
	depth  message.Depth

	eager   int       // looks that are still to be made soon
	eagerAt time.Time // when that began
	paidFor time.Time // the looks at bursts so far count as one every burstEvery until then

	empties    float64   // receives in a row that brought nothing; short ones count in part
	emptySince time.Time // when the first of them returned
	blocked    blocked
	flap       flapping
}

// blocked is why nothing is received though messages are visible.
type blocked uint8

const (
	notBlocked blocked = iota
	// byInFlightLimit: SQS hands out no more while that many are in flight.
	byInFlightLimit
	// byGroups: on a FIFO queue, the groups of all visible messages are in flight.
	byGroups
	// byUnsettled: so many messages wait to be deleted or released that nothing more is
	// asked for, and SQS fails to do it.
	byUnsettled

	blockedReasons
)

// String is the label of poller_queue_blocked.
func (b blocked) String() string {
	return [blockedReasons]string{"", "in_flight_limit", "groups", "unsettled"}[b]
}

// withheld reports whether SQS hands out nothing though messages are visible.
func (d *depthWatch) withheld() bool { return d.blocked == byInFlightLimit || d.blocked == byGroups }

const (
	// blockedAfter is how many receives in a row must bring nothing before the queue may count as blocked.
	blockedAfter = 3
	// inFlightLimit is a little below SQS's 120,000.
	inFlightLimit = 100_000
)

// begin has the depth asked for immediately.
func (d *depthWatch) begin(now time.Time) {
	d.next, d.last, d.eager = now, now, eagerLooks
}

// burst notes that there is more than was known, and has the depth asked for soon.
func (d *depthWatch) burst(now time.Time) {
	if d.denied || d.next.IsZero() || d.paidFor.Sub(now) > (burstLooks-1)*burstEvery {
		return
	}
	soon := now
	if d.known {
		soon = now.Add(max(0, burstAfter-now.Sub(d.at)))
	}
	if !soon.Before(d.next) {
		return
	}
	if now.Sub(d.eagerAt) >= eagerAgain {
		d.eager, d.eagerAt = eagerLooks, now
	}
	d.next = soon
	d.paidFor = now.Add(max(0, d.paidFor.Sub(now)) + burstEvery)
}

// blind notes that no receive is out, which would show that messages come.
func (d *depthWatch) blind(now time.Time) {
	if !d.next.IsZero() && !d.denied {
		d.next = earlier(d.next, now.Add(depthBusy))
	}
}

// empty notes that a receive brought nothing, and which part it is of the longest wait.
func (d *depthWatch) empty(now time.Time, part float64) {
	if d.empties == 0 {
		d.emptySince = now
	}
	d.empties += part
}

// blockedBy returns why the queue is blocked, if it is: that takes a depth that is newer
// than the first empty receive.
func (d *depthWatch) blockedBy(fifo bool) blocked {
	switch {
	case d.empties < blockedAfter, !d.known, d.at.Before(d.emptySince), d.depth.Visible == 0:
		return notBlocked
	case d.depth.InFlight >= inFlightLimit:
		return byInFlightLimit
	case fifo:
		return byGroups
	default:
		return notBlocked
	}
}

// active notes that so many messages came.
func (d *depthWatch) active(now time.Time, messages int) {
	d.last = now
	d.empties = 0
	d.since += messages
	if d.next.IsZero() || d.denied {
		return
	}
	d.next = earlier(d.next, now.Add(depthBusy))
	if d.since >= lookEvery && d.depth.Visible > 0 {
		d.next = earlier(d.next, d.asked.Add(depthEager))
	}
}

// again has it asked for immediately: the queue may be another one.
func (d *depthWatch) again(now time.Time) {
	if !d.next.IsZero() {
		d.next = now
	}
}

// follow finds out whether the queue is blocked; unsettled reports whether SQS fails to
// settle what is in hand, so that nothing more may be asked for.
func (d *depthWatch) follow(now time.Time, fifo, unsettled bool) {
	is := d.blockedBy(fifo)
	if unsettled {
		is = byUnsettled
	}
	switch is {
	case d.blocked:
	case notBlocked:
		d.flap.worked(now)
	default:
		d.flap.failed(now, is == byUnsettled)
	}
	d.blocked = is
}

// say logs whether the queue is blocked, with that many messages in hand to be deleted
// and released.
func (d *depthWatch) say(now time.Time, deleting, releasing int) {
	which, with := d.flap.due(now)
	if which == noLine {
		return
	}
	log := d.log.With(with...).With(slog.Int("visible", d.depth.Visible), slog.Int("in_flight", d.depth.InFlight))
	reason := slog.String("reason", d.blocked.String())
	switch which {
	case itWorksAgain:
		log.Info("receives are no longer blocked")
	case itFailsNowAndThen:
		log.Warn("receives are blocked now and then")
	case itFails:
		switch d.blocked {
		case byInFlightLimit:
			log.Warn("receives bring nothing: as many messages are in flight as SQS allows; find who receives and does not delete", reason)
		case byGroups:
			log.Warn("receives bring nothing: the message groups of all visible messages are in flight, here or elsewhere", reason)
		default:
			log.Error("nothing more is received or delivered: SQS does not delete or release what is in hand; do not restart the worker, it would deliver that again",
				reason, slog.Int("deleting", deleting), slog.Int("releasing", releasing))
		}
	}
}

// due reports whether it is time to ask; then an answer is awaited.
func (d *depthWatch) due(now time.Time) bool {
	if d.next.IsZero() || now.Before(d.next) {
		return false
	}
	d.next, d.asked, d.since = time.Time{}, now, 0
	return true
}

// answered takes in the depth, or why there is none, and sets when to ask again; awake
// reports whether that must not wait, because messages are in hand or no receive is out.
func (d *depthWatch) answered(now time.Time, depth message.Depth, err error, awake bool) {
	busy := awake || depth.Visible > 0 || now.Sub(d.last) < depthBusy
	d.denied = message.FaultOf(err) == message.Refused
	switch after := d.last.Add(depthAfter); {
	case d.denied:
		d.next = now.Add(depthIdle)
	case d.eager > 0 && depth.Visible > 0:
		d.eager--
		d.next = now.Add(depthEager)
	case busy:
		d.next = now.Add(depthBusy)
	case now.Before(after):
		d.next = after
	default:
		d.next = now.Add(depthIdle)
	}
	if err == nil {
		d.known, d.at, d.depth = true, now, depth
	}
}

// look asks for the queue's attributes when that is due, and says what is known of them.
func (c *Consumer) look(now time.Time) {
	d := &c.view.depth
	d.follow(now, c.options.FIFO, c.sqs.settlesFail() && c.hand.tooManyUnsettled())
	d.say(now, c.hand.count[deleting], c.hand.count[releasing])
	c.attributes.say(now)
	c.view.rest(now)
	if len(c.demand.polls) == 0 {
		d.blind(now)
	}
	if !c.drain.begun && d.due(now) {
		c.call(lookCall, nil)
	}
	c.lookDead(now)
}

// looked takes in the answer.
func (c *Consumer) looked(now time.Time, is message.QueueAttributes, err error) {
	// Where no receive is out, as while paused or while a quota is used up, no empty one shows
	// that the queue is empty.
	c.view.depth.answered(now, is.Depth, err, c.hand.size() > 0 || len(c.demand.polls) == 0)
	if err == nil {
		c.view.backlog.answered(now, is.Depth, c.view.waitsForMessages(is.Depth.InFlight))
		c.view.lag.visible(now, c.view.backlog.shows(now))
		c.attributes.follow(now, is)
		c.followVisibility()
		return
	}
	if c.view.depth.known && !c.view.depth.denied && now.Sub(c.view.depth.at) < staleAfter {
		return // one lost answer: the one before will do
	}
	if events, ok := c.notices.say(now, "depth", false); ok && !c.ended {
		c.log.Warn("the queue's depth is not known: GetQueueAttributes fails; everything else continues",
			slog.String("reason", message.FaultOf(err).String()), slog.Any("error", err), slog.Int("failures", events))
	}
}

// rest forgets how old messages were and how fast they came, once there are none.
func (v *view) rest(now time.Time) {
	if v.hand.count[waiting]+v.hand.count[delivering]+v.hand.count[held] == 0 && v.nothingVisible(now) {
		v.backlog.emptied(now)
		v.lag.clear()
	}
}

// followVisibility has what depends on the visibility follow it.
func (c *Consumer) followVisibility() {
	visibility := c.attributes.visibility()
	c.demand.visibility = visibility
	c.hand.deletes.linger = min(maxDeleteLinger, visibility/6)
}
