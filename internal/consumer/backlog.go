package consumer

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// backlog estimates what the queue holds now. SQS is asked every 5 to 15 s; a count
// that old is off by everything received since. So:
//
//	visible = SQS's count + arriving × age − received + visible again
//	total   = SQS's visible and in flight + arriving × age − settled
//
// A receive moves a message from visible to in flight and does not change the total, so
// what arrives shows in the totals of two answers:
//
//	arriving = (total now − total before + settled between) / time between
//
// It is what senders add less what other consumers settle.
type backlog struct {
	known bool
	at    time.Time // when SQS answered
	said  message.Depth

	// Since that answer:
	received, settled int
	again             map[int64]int // visible again, by second
	ticks             ticks
	excess            int // by how much the count has proven too high; below 0, too low

	// empty reports whether the last receive brought nothing, so that nothing is visible.
	empty bool
	// based reports whether the next answer can be compared with this one: the queue was not
	// empty in between, when a burst could have come at any time.
	based   bool
	samples []sample // of arriving; the newest last
}

// sample is how many messages a second arrived between two answers.
type sample struct {
	perSecond, seconds float64
}

const (
	// againWithin is how far ahead messages that become visible again are followed: further
	// than the next answer.
	againWithin = 2 * time.Minute
	// middleOf is how many samples are needed for one burst not to pass for the arrival rate.
	middleOf = 3
	// samplesFor is how long samples are kept.
	samplesFor = time.Minute
	// batchNoise is how many messages two answers may be off by: other consumers delete in
	// batches of ten.
	batchNoise = 20
	// longestSample bounds the time between two answers that are compared.
	longestSample = time.Minute
	// staleAfter is when an answer no longer shows that messages are visible.
	staleAfter = time.Minute
)

// take notes a message that a receive brought.
func (b *backlog) take() { b.received++; b.empty = false }

// settle notes a message that has left the queue.
func (b *backlog) settle() { b.settled++ }

// release notes a message that is visible again from a time on.
func (b *backlog) release(now, at time.Time) {
	if at.Before(now) {
		at = now
	}
	if at.Sub(now) <= againWithin { // later ones are in a later answer
		b.again[b.ticks.second(at)]++
	}
}

// emptied notes that nothing is visible.
func (b *backlog) emptied(now time.Time) {
	b.empty, b.based = true, false
	b.samples = b.samples[:0]
	b.excess += b.visible(now)
}

// answered takes in SQS's count. waits reports whether a receive waits for a message, so
// that the count of the visible ones is out of date.
func (b *backlog) answered(now time.Time, depth message.Depth, waits bool) {
	if after := now.Sub(b.at); b.known && b.based && after >= time.Second && after <= longestSample {
		grown := depth.Visible + depth.InFlight - b.said.Visible - b.said.InFlight + b.settled
		b.samples = append(b.samples, sample{float64(grown) / after.Seconds(), after.Seconds()})
		sum := 0.0
		for i, s := range slices.Backward(b.samples) {
			if sum += s.seconds; sum >= samplesFor.Seconds() {
				b.samples = slices.Delete(b.samples, 0, i)
				break
			}
		}
	}
	b.known, b.based, b.at, b.said = true, true, now, depth
	b.received, b.settled, b.excess = 0, 0, 0
	this := b.ticks.second(now)
	maps.DeleteFunc(b.again, func(second int64, _ int) bool { return second <= this }) // they are in the count
	b.empty = depth.Visible == 0 || waits
}

// arriving returns how many messages a second come, less what other consumers settle: the
// mean of the last minute's samples that agree with the middle one of the newest three, or
// with the smaller of two.
func (b *backlog) arriving() (perSecond float64, known bool) {
	n := len(b.samples)
	if n == 0 {
		return 0, false
	}
	middle := b.samples[n-1].perSecond
	if n < middleOf {
		middle = min(middle, b.samples[0].perSecond)
	} else {
		newest := slices.SortedFunc(slices.Values(b.samples[n-middleOf:]), func(a, b sample) int { return cmp.Compare(a.perSecond, b.perSecond) })
		middle = newest[middleOf/2].perSecond
	}
	sum, seconds := 0.0, 0.0
	for _, s := range b.samples {
		count := middle * s.seconds
		if math.Abs(s.perSecond*s.seconds-count) <= batchNoise+3*math.Sqrt(math.Abs(count)) {
			sum, seconds = sum+s.perSecond*s.seconds, seconds+s.seconds
		}
	}
	return sum / seconds, true
}

// oneBurst reports whether all that is known of arrivals may be a single burst.
func (b *backlog) oneBurst() bool { return len(b.samples) < 2 }

// since returns how many messages have arrived since SQS's count: none that a burst may
// have brought.
func (b *backlog) since(now time.Time) int {
	if b.oneBurst() {
		return 0
	}
	perSecond, _ := b.arriving()
	return int(perSecond * min(now.Sub(b.at), longestSample).Seconds())
}

// depth returns the estimate for now, of which at least inHand messages are in flight.
func (b *backlog) depth(now time.Time, inHand int) message.Depth {
	d := message.Depth{Delayed: b.said.Delayed}
	arrived := b.since(now)
	total := max(b.said.Visible+b.said.InFlight+arrived-b.settled, inHand)
	if d.Visible = b.visible(now); b.empty {
		d.Visible = 0
	}
	d.Visible = min(max(d.Visible, 0), total-inHand)
	d.InFlight = total - d.Visible
	return d
}

// visibleAgain returns how many are visible again since SQS's count.
func (b *backlog) visibleAgain(now time.Time) int {
	n, this := 0, b.ticks.second(now)
	for second, count := range b.again {
		if second <= this {
			n += count
		}
	}
	return n
}

// contradicted reports whether more was received than can have been visible, so that a
// burst has come since SQS's count.
func (b *backlog) contradicted(now time.Time) bool {
	return !b.known || now.Sub(b.at) > staleAfter || b.visible(now) < 0
}

// visible returns how many messages are visible by SQS's count and what has happened since;
// below 0, the count is out of date.
func (b *backlog) visible(now time.Time) int {
	return b.said.Visible + b.since(now) - b.received + b.visibleAgain(now) - b.excess
}

// shows reports whether SQS says that messages are visible.
func (b *backlog) shows(now time.Time) bool {
	return b.known && now.Sub(b.at) <= staleAfter && b.depth(now, 0).Visible > 0
}
