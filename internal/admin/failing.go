package admin

import (
	"fmt"
	"slices"
	"strings"
)

// delivered is the only outcome that is not a failure.
const delivered = "delivered"

// failing is how deliveries of the last minute failed.
type failing struct {
	all, failed int64
	kinds       []Deliveries // of failures, the most common first
}

// failing counts the failures of the last minute.
func (t Target) failing() failing {
	var f failing
	for _, d := range t.DeliveriesLastMinute {
		f.all += d.Count
		if d.Outcome != delivered {
			f.failed += d.Count
			f.kinds = append(f.kinds, d)
		}
	}
	slices.SortStableFunc(f.kinds, func(a, b Deliveries) int { return int(b.Count - a.Count) })
	return f
}

// share returns the share of deliveries that failed.
func (f failing) share() float64 { return float64(f.failed) / float64(max(f.all, 1)) }

// verb says what the target does, by its most common failure.
func (f failing) verb() string {
	verb := map[string]string{
		"rejected": "rejects messages", "throttled": "throttles", "connection": "cannot be reached",
	}[f.kinds[0].Outcome]
	if verb == "" {
		return "fails"
	}
	return verb
}

// kindsSaid is how many kinds of failures a sentence names.
const kindsSaid = 3

// words says what share failed, and how: as counted, not as a class of which the rest is
// guessed.
func (f failing) words() string {
	said := make([]string, 0, kindsSaid)
	for _, d := range f.kinds[:min(len(f.kinds), kindsSaid)] {
		said = append(said, fmt.Sprintf("%s (%s of %s)", d.answer(), count(d.Count), count(f.failed)))
	}
	return fmt.Sprintf("%s of deliveries in the last minute failed, %s", percent(f.share()), strings.Join(said, ", "))
}

// answer returns the answer, or the class if nothing more is known.
func (d Deliveries) answer() string {
	if d.Answer != "" {
		return d.Answer
	}
	return spaced(d.Status)
}
