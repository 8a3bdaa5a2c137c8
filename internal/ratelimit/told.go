package ratelimit

import (
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// told is what the target has said of its limits, and keeps to it.
//
// Remaining: with r requests left until a time, at most r less those that run start until
// then; at 0 nothing does. The newest answer counts: one whose request began after the last
// word came replaces it. Of those whose requests ran at the same time nobody knows which
// the target took first: the lowest counts, unless they speak of two windows of which the
// first is over; then that of the second.
//
// Retry-After of a 429: the target waits, not only the message, if it is a quota and not a
// crowd, nor one message's own limit: nothing was delivered since the request began, and
// several messages in a row have been told so at their first try, alone. A request of
// several may be refused for the sake of one of them, so after such a refusal each request
// carries one message, until the target takes one. When the time is over one delivery asks
// anew; the others follow when the target has taken it. Several messages in a row may be
// refused for what they are all the same, as a tenant's: so one asks long before, after
// 1 s, 2 s, 4 s and so on. If the target takes it, the refusals were not its word.
type told struct {
	limits []toldLimit
	parted []string // names of limits that differ from message to message

	hold     time.Time // nothing starts before it; by Retry-After
	word     time.Time // when that ends; the hold may end earlier, so that one asks
	heldAt   int       // the number of the start that was next when the hold began
	asks     bool      // one delivery at a time, until the target takes one
	doubts   bool      // a request of several was told to wait: for the sake of one, or all?
	refused  int       // messages in a row that were told to wait at their first try, alone
	since    time.Time // when the first of them ended
	believed time.Time // when a hold last began
	accepted time.Time // when a delivery was last delivered

	// Of other replicas of a fleet.
	others          time.Time // nothing starts before it
	asksForAll      bool      // this one asks for them
	waitsForAnother bool      // which asks

	ignored int64
	waiting bool
	began   time.Time // when waiting began
	changes []ToldChange
}

// toldLimit is one limit of the target.
type toldLimit struct {
	name, partition string
	left            int
	until           time.Time // when the target takes more: at the reset, or by a Retry-After
	reset           time.Time // when the window ends that was spoken of,
	lasts           time.Time // and before which it does not, however late that was heard
	at              int       // the number of the start that was next when this was said
	// lowest is the fewest that were said to remain until one reset. A request that began
	// last may have been counted first: its answer does not bring back what others took.
	lowest   int
	lowestOf time.Time
}

const (
	// maxTold is how many limits are kept apart.
	maxTold = 8
	// maxBelieved is how long a word of the target is kept to; then one delivery asks anew.
	maxBelieved = time.Hour
	// believedRefusals is how many messages in a row have to be told to wait for it to be
	// the target's word; the fewer after it was, within maxBelieved.
	believedRefusals, believedAgain = 5, 2
	// Between two deliveries that ask is at least a tenth of the time since the first refusal,
	// within minAsk and maxAsk; and while the target's word holds at most all of that time.
	minAsk, maxAsk = time.Second, 10 * time.Second
	// sameReset is how far two words on one reset may be apart: both are in whole seconds. Who
	// heard it late takes it for as much later, by as long as the request ran at most.
	sameReset   = 2 * time.Second
	changesKept = 16
)

// ToldChange is the begin or the end of a time in which the target is waited for as it
// asked.
type ToldChange struct {
	Waiting bool
	// Until is when the target takes more.
	Until time.Time
	// Lasted is how long it was waited for, at the end.
	Lasted time.Duration
}

// Told is what the target has said of its limits.
type Told struct {
	// Known reports whether it has said anything that still holds.
	Known bool
	// Remaining is how many more it takes until Reset, of the tightest limit.
	Remaining int
	Reset     time.Time
	// Waiting reports whether starts wait for it, since Since.
	Waiting bool
	Since   time.Time
	// Ignored counts what it has said that made no sense.
	Ignored int64
}

// limited reports whether the target has said that a limit is used up.
func (t *told) limited(now time.Time) bool {
	return slices.ContainsFunc(t.limits, func(l toldLimit) bool { return l.left <= 0 && l.until.After(now) })
}

// from returns the time from which a delivery may start, or a time that is past.
func (t *told) from(now time.Time) time.Time {
	return later(t.ownFrom(now), t.others)
}

// ownFrom is from without what other replicas were told.
func (t *told) ownFrom(now time.Time) time.Time {
	from := t.hold
	for i := range t.limits {
		if l := &t.limits[i]; l.left <= 0 && l.until.After(now) && l.until.After(from) {
			from = l.until
		}
	}
	return from
}

// free returns how many may start by a time, and when that number grows; -1 if nothing
// limits it.
func (t *told) free(at time.Time) (n int, grows time.Time) {
	n = -1
	if t.asks {
		n = 1
	}
	if hold := later(t.hold, t.others); hold.After(at) {
		return 0, hold
	}
	for i := range t.limits {
		l := &t.limits[i]
		if !l.until.After(at) {
			continue
		}
		switch left := max(l.left, 0); {
		case n < 0 || left < n:
			n, grows = left, l.until
		case left == n && l.until.After(grows):
			grows = l.until
		}
	}
	return n, grows
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// start counts a start.
func (t *told) start() {
	for i := range t.limits {
		t.limits[i].left--
	}
}

// answer takes in what an answer says; next is the number of the next start, running how
// many others run, and firsts how many messages' first try it was. It reports whether the
// answer refuses what the target has announced to refuse.
func (t *told) answer(now time.Time, try *Try, next, running int, r message.Result, firsts int) bool {
	t.ignored += int64(r.LimitsIgnored)
	for _, l := range r.Limits {
		t.note(now, try, next, running, l)
	}
	if r.Outcome != message.Throttled {
		t.taken(now, try, r)
		return false
	}
	if r.RetryAfter > 0 && !t.limited(now) && !t.accepted.After(try.began) {
		t.refuse(now, try, next, min(r.RetryAfter, maxBelieved), firsts)
	}
	return t.from(now).After(now)
}

// taken notes an answer that does not refuse.
func (t *told) taken(now time.Time, try *Try, r message.Result) {
	if r.Status == 0 {
		return
	}
	if try.number >= t.heldAt {
		t.resume(now, r.Outcome == message.Delivered)
	}
	if r.Outcome == message.Delivered {
		t.refused, t.doubts, t.accepted = 0, false, now
	}
}

// resume ends the asking. What the target has taken before its word was over shows that it
// was none.
func (t *told) resume(now time.Time, delivered bool) {
	if t.asks && delivered && now.Before(t.word) {
		t.believed = time.Time{}
	}
	t.asks, t.word = false, time.Time{}
}

// refuse notes that the target asks a message to wait, and holds all back if that is the
// target's word.
func (t *told) refuse(now time.Time, try *Try, next int, wait time.Duration, firsts int) {
	if t.refused == 0 && !t.doubts {
		t.since = now
	}
	switch {
	case firsts == 1:
		t.refused++
	case firsts > 1:
		t.doubts = true
	}
	enough := believedRefusals
	if !t.believed.IsZero() && now.Sub(t.believed) < maxBelieved {
		enough = believedAgain
	}
	asked := t.asks && try.number >= t.heldAt
	switch {
	case asked:
		wait = max(wait, min(max(now.Sub(t.since)/10, minAsk), maxAsk))
	case t.asks, t.refused < enough:
		return // it began before the hold did, or is not believed yet
	default:
		t.doubts = false // who asks may ask for several
	}
	t.word, t.hold = now.Add(wait), now.Add(min(wait, max(minAsk, now.Sub(t.since))))
	t.heldAt, t.asks, t.believed = next, true, now
}

// note takes in what is said of one limit.
func (t *told) note(now time.Time, try *Try, next, running int, said message.Limit) {
	l := t.of(said, now)
	if l == nil {
		return
	}
	takes := said.Reset
	if said.Wait > 0 {
		takes = said.Wait
	}
	until, reset := now.Add(min(takes, maxBelieved)), now.Add(min(said.Reset, maxBelieved))
	same, over := sameReset+now.Sub(try.began), !l.until.After(now)
	if over || said.Remaining <= l.lowest || !l.lowestOf.After(now) || reset.Sub(l.lowestOf) > same {
		l.lowest, l.lowestOf = said.Remaining, reset
	}
	left, lasts := max(l.lowest-running, 0), reset.Add(-same)
	switch by := reset.Sub(l.reset); {
	case over, try.number >= l.at: // news
	case by > same && !l.lasts.After(now): // of a newer window
	case by < -sameReset && !lasts.After(now): // of the window before
		return
	case left > l.left:
		return
	case by >= -sameReset && by <= same: // of the same window
		waits := !l.until.Equal(l.reset) // by a Retry-After
		reset, lasts = l.reset.Add(min(max(by, 0), sameReset)), later(lasts, l.lasts)
		switch {
		case said.Wait > 0:
		case waits:
			until = l.until
		default:
			until = reset
		}
	}
	l.left, l.until, l.reset, l.lasts, l.at = left, until, reset, lasts, next
	if left == 0 && said.Remaining == 0 && takes > maxBelieved {
		t.asks, t.heldAt = true, next
	}
}

// of returns the limit that is spoken of. It is nil where that is one of many that differ
// from message to message, or there are too many.
func (t *told) of(said message.Limit, now time.Time) *toldLimit {
	for _, name := range t.parted {
		if name == said.Name && said.Partition != "" {
			return nil
		}
	}
	free := -1
	for i := range t.limits {
		switch l := &t.limits[i]; {
		case l.name == said.Name && l.partition == said.Partition:
			return l
		case l.name == said.Name && l.partition != "" && said.Partition != "":
			l.until = time.Time{}
			t.parted = append(t.parted[max(0, len(t.parted)-maxTold+1):], said.Name)
			return nil
		case !l.until.After(now):
			free = i
		}
	}
	fresh := toldLimit{name: said.Name, partition: said.Partition}
	switch {
	case free >= 0:
		t.limits[free] = fresh
	case len(t.limits) < maxTold:
		t.limits = append(t.limits, fresh)
		free = len(t.limits) - 1
	default:
		return nil
	}
	return &t.limits[free]
}

// waits reports whether starts wait for the target: nothing runs either, whose answer might
// say more.
func (t *told) waits(now time.Time, running int) bool {
	return t.from(now).After(now) && (t.waiting || running == 0) || t.waiting && t.asks
}

// watch notes when waiting begins and ends.
func (t *told) watch(now time.Time, running int) {
	from := t.from(now)
	waiting := t.waits(now, running)
	if waiting == t.waiting {
		return
	}
	change := ToldChange{Waiting: waiting, Until: later(from, t.word)}
	if waiting {
		t.began = now
	} else {
		change.Lasted = now.Sub(t.began)
	}
	t.waiting = waiting
	t.changes = append(t.changes[max(0, len(t.changes)-changesKept+1):], change)
}

// ToldChanges returns what has changed of the target's pace since the last call.
func (s *Share) ToldChanges(now time.Time) []ToldChange { return s.pace.ToldChanges(now) }

// Told returns what the target has said of its limits.
func (p *Pace) Told(now time.Time) Told {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &p.told
	if !p.limits.Follow {
		return Told{}
	}
	is := Told{Ignored: t.ignored, Waiting: t.waits(now, p.delivering), Since: t.began}
	switch n, grows := t.free(now); {
	case t.word.After(now):
		is.Known, is.Reset = true, later(grows, t.word)
	case n >= 0 && grows.After(now):
		is.Known, is.Remaining, is.Reset = true, n, grows
	}
	return is
}

// ToldChanges returns what has changed since the last call, for the log.
func (p *Pace) ToldChanges(now time.Time) []ToldChange {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.limits.Follow {
		p.told.watch(now, p.delivering)
	}
	changes := p.told.changes
	p.told.changes = nil
	return changes
}
