package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

const (
	slicesOfWindow = 60 // quotas.lua has it too
	// longestAlone is the longest window of a quota of which a replica that goes on by itself
	// may have a part: it waits until what was granted is out of the window.
	longestAlone = time.Minute
	maxSlack     = time.Second // how long a request may take to arrive
)

// slackOf is how long a request may take to arrive, as far as a quota goes.
func slackOf(window time.Duration) time.Duration { return min(maxSlack, window/10) }

// alone returns what the coordinator will say of it, as far as this replica knows.
func (b Budget) alone() time.Duration {
	var alone time.Duration
	for _, q := range b.Quotas {
		d := b.aloneWith(q)
		if d < 0 {
			return d
		}
		alone = max(alone, d)
	}
	return alone
}

// aloneWith is alone if this were the only quota.
func (b Budget) aloneWith(q ratelimit.Quota) time.Duration {
	switch {
	case q.N <= 0:
		return 0
	case q.Window > longestAlone || b.Rate == 0:
		return -time.Microsecond
	default:
		return q.Window + maxSlack
	}
}

// quotas are what this replica knows of the fleet's: a copy of what the coordinator has
// counted.
type quotas struct {
	all []quota

	// steady is what the coordinator's steady clock showed at our time read.
	steady, read time.Duration
	busy         int // replicas that have work

	// copy is what the coordinator has counted, as it is written; carry is that of memories
	// before, which the one that answers now may not know.
	copy, carry string
}

// quota is one of them.
type quota struct {
	ratelimit.Quota

	slices []slice // the oldest first
}

// slice is a part of a window, and how many started in it.
type slice struct {
	number int64
	n      int
}

// each is the length of a slice, in microseconds.
func (q *quota) each() int64 { return (q.Window.Microseconds() + slicesOfWindow - 1) / slicesOfWindow }

// answered takes in an answer; born is when the memory began that the last one came from.
func (s *quotas) answered(now time.Duration, r *request, a reply, born time.Duration) {
	// It is 0 while nobody knows it. After a standstill nobody knows when it was read.
	if a.steady > 0 && now-r.sent <= callLimit {
		s.steady, s.read = a.steady, (r.sent+now)/2
	}
	if a.kind == granted && r.copy == s.carry { // the answer has it too; a quiet one is no copy
		s.carry = ""
	}
	if born != a.born && s.copy != "" {
		s.carry = strings.TrimSpace(s.carry + " " + s.copy)
		s.copy = ""
	}
	if a.kind != granted {
		return
	}
	s.copy, s.busy = a.counted, max(a.busy, 1)
	s.all = parseQuotas(a.limits, a.counted)
}

// parseQuotas reads what the coordinator has counted of each quota.
func parseQuotas(limits, counted string) []quota {
	var all []quota
	for text := range strings.FieldsSeq(limits) {
		window, n, _ := strings.Cut(text, ":")
		q := quota{Quota: ratelimit.Quota{N: int(number(n)), Window: micros(number(window))}}
		for text := range strings.FieldsSeq(counted) {
			if list, is := strings.CutPrefix(text, window+"="); is {
				for one := range strings.SplitSeq(list, ",") {
					at, n, _ := strings.Cut(one, ":")
					q.slices = append(q.slices, slice{number: number(at), n: int(number(n))})
				}
			}
		}
		all = append(all, q)
	}
	return all
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // 0 if it is none
	return n
}

// steadyAt returns what the coordinator's steady clock shows at our time now; 0 if that is
// not known, or nobody needs it.
func (s *quotas) steadyAt(now time.Duration) time.Duration {
	if s.steady == 0 || now-s.read > lease || len(s.all) == 0 && s.copy == "" && s.carry == "" {
		return 0
	}
	return s.steady + now - s.read
}

// used returns how many starts are in a quota's window at our time at, and when the next of
// them is out of it.
func (s *quotas) used(at time.Duration, q *quota) (used int, next time.Duration) {
	oldest := (s.steady + at - s.read - q.Window).Microseconds() / q.each()
	for _, one := range q.slices {
		if one.number < oldest || one.n == 0 {
			continue
		}
		if used == 0 {
			next = micros((one.number+1)*q.each()) + q.Window - s.steady + s.read
		}
		used += one.n
	}
	return used, next
}

// free returns how many more may start at our time at if nothing started until then, as this
// replica's part, and when that number grows; -1 if there is no quota.
func (s *quotas) free(at time.Duration) (n int, grows time.Duration) {
	n = -1
	for i := range s.all {
		q := &s.all[i]
		used, next := s.used(at, q)
		left := (max(q.N-used, 0) + s.busy - 1) / max(s.busy, 1)
		switch {
		case n < 0 || left < n:
			n, grows = left, next
		case left == n:
			grows = max(grows, next)
		}
	}
	return n, grows
}

// opens returns from when some quota is no longer used up, or 0 if none is at now.
func (s *quotas) opens(now time.Duration) time.Duration {
	n, grows := s.free(now)
	if n != 0 {
		return 0
	}
	return grows
}

// uses returns how far each is used up, with times since the process's start.
func (s *quotas) uses(now time.Duration, in func(time.Duration) time.Time) []ratelimit.QuotaUse {
	var uses []ratelimit.QuotaUse
	for i := range s.all {
		q := &s.all[i]
		used, next := s.used(now, q)
		u := ratelimit.QuotaUse{Quota: q.Quota, Used: min(used, q.N), FreeAt: in(now)}
		if used >= q.N {
			u.FreeAt = in(next)
		}
		uses = append(uses, u)
	}
	return uses
}

// apart is how far apart a replica starts by itself: its share of the rate, and its part of
// each quota. It is never if it has no part of one.
func (m *member) apart() time.Duration {
	d := time.Duration(0)
	if r := m.ownRate(); !math.IsInf(r, 1) {
		d = time.Duration(math.Ceil(float64(time.Second) / r))
	}
	for _, q := range m.partsOf() {
		n := int64(0)
		switch {
		case m.state == FixedPart:
			n = int64(q.N / m.budget.Replicas)
		case m.partRate > 0:
			n = int64(q.N) * m.share / m.partRate
		}
		if n == 0 {
			return never
		}
		d = max(d, (q.Window+slackOf(q.Window))/time.Duration(n)+1)
	}
	return d
}

// partsOf returns the quotas that a replica has a part of by itself: its own, and those that
// the coordinator last said are in force.
func (m *member) partsOf() []ratelimit.Quota {
	var all []ratelimit.Quota
	for _, q := range m.budget.Quotas {
		if q.N > 0 {
			all = append(all, q)
		}
	}
	for _, q := range m.quotas.all {
		all = append(all, q.Quota)
	}
	return all
}

// limitsText writes quotas as the coordinator reads them.
func limitsText(all [ratelimit.MaxQuotas]ratelimit.Quota) string {
	var parts []string
	slices.SortFunc(all[:], func(a, b ratelimit.Quota) int { return cmp.Compare(a.Window, b.Window) })
	for _, q := range all {
		if q.N > 0 {
			parts = append(parts, fmt.Sprintf("%d:%d", q.Window.Microseconds(), q.N))
		}
	}
	return strings.Join(parts, " ")
}

// tagsText writes what is given back.
func tagsText(back map[int64]int) string {
	var parts []string
	for _, tag := range slices.Sorted(maps.Keys(back)) {
		parts = append(parts, fmt.Sprintf("%d:%d", tag, back[tag]))
	}
	return strings.Join(parts, " ")
}
