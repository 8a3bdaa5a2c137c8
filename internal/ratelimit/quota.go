package ratelimit

import (
	"fmt"
	"slices"
	"sort"
	"time"
)

// MaxQuotas is how many quotas a target may have.
const MaxQuotas = 4

// Quota allows N starts in any window of the given length, wherever the window begins: so
// it holds for rolling windows and for calendar ones in any time zone. The zero value is
// no quota.
type Quota struct {
	N      int
	Window time.Duration
}

// windowNames are the windows that have a name of their own.
var windowNames = map[time.Duration]string{time.Second: "1s", time.Minute: "1m", time.Hour: "1h", 24 * time.Hour: "1d"}

// WindowName returns the length of the window as a label: 1s, 1m, 1h or 1d.
func (q Quota) WindowName() string {
	if name, known := windowNames[q.Window]; known {
		return name
	}
	return q.Window.String()
}

// String returns the quota as it is written in the settings, such as 1000/m.
func (q Quota) String() string { return fmt.Sprintf("%d/%s", q.N, q.WindowName()[1:]) }

// QuotaUse is how far a quota is used up.
type QuotaUse struct {
	Quota

	Used int
	// FreeAt is when the next start of it is free: now or earlier unless it is used up.
	FreeAt time.Time
}

// quotas are a target's quotas and the log of its last starts, as many as the largest of
// them counts.
//
// What counts is when a request reaches the target, which is after its start and before
// its end. Otherwise requests that took long to arrive and those a window later that did
// not could fall into one window. A start is therefore logged as late as it can have
// arrived: its end, but at most slack later.
type quotas struct {
	all   []Quota
	slack time.Duration
	epoch time.Time

	// log has the last starts; first is the number of log[0] when the log was last
	// resized, next that of the next start.
	log         []time.Duration // since epoch, rounded up to milliseconds
	size        int             // the log's greatest length
	first, next int
}

const (
	maxSlack      = time.Second
	slackOfWindow = 10 // at most a tenth of the shortest window
)

// set changes the quotas. The log stays: what was used before counts.
func (q *quotas) set(now time.Time, all [MaxQuotas]Quota) {
	if q.epoch.IsZero() {
		q.epoch = now
	}
	q.all, q.slack = nil, maxSlack
	size := 0
	for _, one := range all {
		if one.N > 0 && one.Window > 0 {
			q.all = append(q.all, one)
			q.slack = min(q.slack, one.Window/slackOfWindow)
			size = max(size, one.N)
		}
	}
	if size == q.size {
		return
	}
	kept := min(len(q.log), size)
	log := make([]time.Duration, 0, kept)
	for number := q.next - kept; number < q.next; number++ {
		log = append(log, q.log[q.place(number)])
	}
	q.log, q.size, q.first = log, size, q.next-kept
}

// place is where the log has the start of that number.
func (q *quotas) place(number int) int { return (number - q.first) % q.size }

// start logs a start and returns its number.
func (q *quotas) start(now time.Time) int {
	number := q.next
	q.next++
	if q.size == 0 {
		return number
	}
	at := q.since(now.Add(q.slack))
	if len(q.log) < q.size {
		q.log = append(q.log, at)
	} else {
		q.log[q.place(number)] = at
	}
	return number
}

// end notes that the start of that number has ended, and so has arrived by now.
func (q *quotas) end(now time.Time, number int) {
	if q.next-number > len(q.log) {
		return // no longer, or never, logged
	}
	at := &q.log[q.place(number)]
	*at = min(*at, q.since(now))
}

// since returns the time since epoch, rounded up to milliseconds.
func (q *quotas) since(now time.Time) time.Duration {
	const grain = time.Millisecond
	return (now.Sub(q.epoch) + grain - 1).Truncate(grain)
}

// from returns the time from which the next start is within every quota. It is the zero
// time if there is no quota or none has been used up yet.
func (q *quotas) from() time.Time {
	var from time.Time
	for _, one := range q.all {
		if at := q.freeAt(one); at.After(from) {
			from = at
		}
	}
	return from
}

// freeAt is when the quota's oldest start leaves its window, if it is used up.
func (q *quotas) freeAt(one Quota) time.Time {
	if one.N > len(q.log) {
		return time.Time{}
	}
	return q.epoch.Add(q.log[q.place(q.next-one.N)] + one.Window)
}

// free returns how many could start at a time, if none started until then, and when that
// number grows: never (the zero time) if no quota limits it.
func (q *quotas) free(at time.Time) (n int, grows time.Time) {
	n = -1
	for _, one := range q.all {
		free := one.N - q.used(at, one)
		next := time.Time{}
		if i := one.N - free; i > 0 {
			next = q.epoch.Add(q.log[q.place(q.next-i)] + one.Window)
		}
		switch {
		case n < 0 || free < n:
			n, grows = free, next
		case free == n && next.After(grows):
			grows = next
		}
	}
	return n, grows
}

// used returns how many starts will still be in the quota's window at a time.
func (q *quotas) used(at time.Time, one Quota) int {
	n := min(one.N, len(q.log))
	oldest := q.next - n
	limit := at.Sub(q.epoch) - one.Window
	gone := sort.Search(n, func(i int) bool { return q.log[q.place(oldest+i)] > limit })
	return n - gone
}

// uses returns each quota's use.
func (q *quotas) uses(now time.Time) []QuotaUse {
	uses := make([]QuotaUse, 0, len(q.all))
	for _, one := range q.all {
		u := QuotaUse{Quota: one, Used: q.used(now, one), FreeAt: now}
		if at := q.freeAt(one); at.After(now) {
			u.FreeAt = at
		}
		uses = append(uses, u)
	}
	slices.SortFunc(uses, func(a, b QuotaUse) int { return int(a.Window - b.Window) })
	return uses
}
