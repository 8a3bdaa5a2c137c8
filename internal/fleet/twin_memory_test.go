package fleet

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// twin is script.lua in Go, twenty-five times as fast, for the thousands of fleets that are
// simulated. It keeps to the script's order and arithmetic: its numbers are Lua's. The tests of the
// script, and one seed of ten, make each call to both, and compare what they answer and what
// they remember.
type twin struct {
	state    twinState
	known    bool // there is a state
	run      string
	limits   string
	asker    string
	members  map[string]twinRecord
	quotas   map[float64]*twinQuota
	skew     float64 // and whether it was ever set
	skewed   bool
	version  float64
	override string
}

func newTwin() *twin {
	return &twin{members: make(map[string]twinRecord), quotas: make(map[float64]*twinQuota)}
}

// copied is a copy of all that it remembers.
func (t *twin) copied() *twin {
	c := *t
	c.members, c.quotas = maps.Clone(t.members), make(map[float64]*twinQuota)
	for w, q := range t.quotas {
		c.quotas[w] = &twinQuota{maps.Clone(q.counts), maps.Clone(q.before)}
	}
	return &c
}

// twinState is the state's numbers.
type twinState struct {
	seq, born, cap, capSlots, before, tat, last, swept, live, busy, least, bare, shares, slots, missingShare, missingSlots,
	lowRate, lowBurst, lowSlots, mixed, missingPart, unsure, hold, asks float64
}

func (n *twinState) all() map[string]*float64 {
	return map[string]*float64{
		"seq": &n.seq, "born": &n.born, "cap": &n.cap, "cap_slots": &n.capSlots, "before": &n.before, "tat": &n.tat, "last": &n.last,
		"swept": &n.swept, "live": &n.live, "busy": &n.busy, "least": &n.least, "bare": &n.bare, "shares": &n.shares, "slots": &n.slots,
		"missing_share": &n.missingShare, "missing_slots": &n.missingSlots, "low_rate": &n.lowRate, "low_burst": &n.lowBurst,
		"low_slots": &n.lowSlots, "mixed": &n.mixed, "missing_part": &n.missingPart, "unsure": &n.unsure, "hold": &n.hold, "asks": &n.asks,
	}
}

// twinRecord is what is known of a replica.
type twinRecord struct {
	seen, till, share, slots float64
	busy                     bool
	rate, burst, all, call   float64
	limits                   string
}

func (r twinRecord) String() string {
	busy := 0
	if r.busy {
		busy = 1
	}
	return fmt.Sprintf("%.0f %.0f %.0f %.0f %d %.0f %.0f %.0f %.0f;%s", r.seen, r.till, r.share, r.slots, busy, r.rate, r.burst, r.all, r.call, r.limits)
}

// twinCount is how many have started in slices, by their numbers.
type twinCount map[float64]float64

func (c twinCount) text(least float64) string {
	var parts []string
	for _, slice := range slices.Sorted(maps.Keys(c)) {
		if c[slice] > 0 && slice >= least {
			parts = append(parts, strconv.FormatFloat(slice, 'f', 0, 64)+":"+strconv.FormatFloat(c[slice], 'f', 0, 64))
		}
	}
	return strings.Join(parts, ",")
}

// trimmed is what its text would have.
func (c twinCount) trimmed(least float64) twinCount {
	t := make(twinCount, len(c))
	for slice, n := range c {
		if n > 0 && slice >= least {
			t[slice] = n
		}
	}
	return t
}

func (c twinCount) plus(other twinCount) twinCount {
	sum := make(twinCount, len(c)+len(other))
	maps.Copy(sum, c)
	for slice, n := range other {
		sum[slice] += n
	}
	return sum
}

func twinCounts(text string) twinCount {
	c := make(twinCount)
	for part := range strings.SplitSeq(text, ",") {
		if slice, n, is := strings.Cut(part, ":"); is {
			c[twinNumber(slice)] = twinNumber(n)
		}
	}
	return c
}

func twinNumber(text string) float64 {
	f, _ := strconv.ParseFloat(text, 64)
	return f
}

// twinQuota is what is kept of a quota. counts is nil if only copies of it were brought.
type twinQuota struct{ counts, before twinCount }

// twinLimit is a quota that is in force for a call.
type twinLimit struct {
	w, n, slice, slack, most float64
	counts, before, all      twinCount
	changed                  bool
}

// twinLimits is script.lua's limits_of: of "window:n window:n ..." the lower hold.
func twinLimits(text string, limits []twinLimit) []twinLimit {
	for part := range strings.FieldsSeq(text) {
		w, n, _ := strings.Cut(part, ":")
		l := twinLimit{w: twinNumber(w), n: twinNumber(n)}
		i, found := slices.BinarySearchFunc(limits, l, func(a, b twinLimit) int { return int(a.w - b.w) })
		if !found {
			limits = slices.Insert(limits, i, l)
		} else {
			limits[i].n = min(limits[i].n, l.n)
		}
	}
	return limits
}

func twinLimitsText(limits []twinLimit) string {
	var parts []string
	for _, l := range limits {
		if l.n > 0 {
			parts = append(parts, fmt.Sprintf("%.0f:%.0f", l.w, l.n))
		}
	}
	return strings.Join(parts, " ")
}

func (q *twinLimit) tally(at, n float64) {
	slice := math.Floor((at + q.slack) / q.slice)
	old := q.counts[slice]
	q.counts[slice] = max(0, old+n)
	q.all[slice] += q.counts[slice] - old
	q.changed = true
}

func (q *twinLimit) opens(at float64) (from, room float64, ever bool) {
	if q.most <= 0 {
		return 0, 0, false
	}
	sum, oldest := 0.0, math.Floor((at-q.w)/q.slice)
	var numbers []float64
	for slice, n := range q.all {
		if slice >= oldest {
			sum += n
			numbers = append(numbers, slice)
		}
	}
	slices.Sort(numbers)
	for _, slice := range numbers {
		if sum < q.most {
			break
		}
		sum -= q.all[slice]
		at = (slice+1)*q.slice + q.w
	}
	return at, q.most - sum, true
}

// hashes is all that it remembers as script.lua would have it.
func (t *twin) hashes() map[string]map[string]string {
	keys, h := keysOf("test"), make(map[string]map[string]string)
	put := func(key, field, value string) {
		if h[key] == nil {
			h[key] = make(map[string]string)
		}
		h[key][field] = value
	}
	if t.known {
		put(keys[0], "run", t.run)
		put(keys[0], "limits", t.limits)
		put(keys[0], "asker", t.asker)
		for name, n := range t.state.all() {
			put(keys[0], name, strconv.FormatFloat(*n, 'f', 0, 64))
		}
	}
	for id, r := range t.members {
		put(keys[1], id, r.String())
	}
	for w, q := range t.quotas {
		if field := strconv.FormatFloat(w, 'f', 0, 64); q.counts != nil {
			put(keys[3], field, q.counts.text(0))
		}
		put(keys[3], "-"+strconv.FormatFloat(w, 'f', 0, 64), q.before.text(0))
	}
	if t.skewed {
		put(keys[3], "skew", strconv.FormatFloat(t.skew, 'f', 0, 64))
	}
	if t.version > 0 {
		put(keys[4], "version", strconv.FormatFloat(t.version, 'f', 0, 64))
		put(keys[4], "text", t.override)
	}
	return h
}
