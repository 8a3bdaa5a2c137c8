package admin

import (
	"fmt"
	"math"
	"time"

	g "maragu.dev/gomponents"
)

// Refused reports whether it changed because the target has refused something.
func (f Found) Refused() bool { return f.Reason == "refused" }

// between says within which bounds the concurrency is found.
func (a *Adaptive) between() string {
	if a == nil {
		return ""
	}
	between := ", found between 1 and " + count(a.Most)
	if a.Trial {
		between += "; half is tried, since refusals do not depend on the load"
	}
	return between
}

// most says that the concurrency that was found is the most that is allowed.
func (a *Adaptive) most(is int) string {
	if is < a.Most {
		return ""
	}
	return ", the most that is allowed"
}

// found returns the concurrency that is found for a target, and why it last changed, if
// that was after a time.
func (st *Status) found(target string, after time.Time) (limit float32, why string) {
	for _, t := range st.Targets {
		if t.Name != target || t.Pace.Adaptive == nil {
			continue
		}
		if changes := t.Pace.Adaptive.Changes; len(changes) > 0 && changes[0].At.After(after) {
			why = changes[0].Words
		}
		return float32(t.Pace.Concurrency), why
	}
	return float32(math.NaN()), ""
}

// foundShown is how many changes the page lists.
const foundShown = 5

// foundTable lists how the concurrency that is found has changed.
func foundTable(t Target) g.Node {
	if t.Pace.Adaptive == nil {
		return nil
	}
	changes := t.Pace.Adaptive.Changes
	changes = changes[:min(len(changes), foundShown)]
	rows := make([]row, len(changes))
	for i, c := range changes {
		rows[i] = row{cells: []g.Node{at(clock(c.At)), text(fmt.Sprintf("%d → %d", c.Was, c.Concurrency)), text(c.Words)}}
	}
	return table{
		label: "Concurrency found for " + t.Name, caption: "Concurrency found", small: true,
		columns: []column{{"at", ""}, {"concurrency", "number"}, {"why", "words"}},
		rows:    rows, none: "no change yet",
	}.node()
}

// adapts reports whether the concurrency of a target is found.
func (st *Status) adapts(target string) bool {
	limit, _ := st.found(target, time.Time{})
	return !math.IsNaN(float64(limit))
}
