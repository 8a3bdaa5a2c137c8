package admin

import (
	"math"
	"testing"
)

// A queue that hardly shrinks takes longer to empty than a time.Duration can hold.
func TestAQueueThatHardlyShrinksIsSaidToTakeOverAYear(t *testing.T) {
	for drain, want := range map[Number]string{
		90: "about 1 min 30 s", 364 * 86400: "about 364 d", 366 * 86400: "more than a year", 1e12: "more than a year", math.MaxFloat64: "more than a year",
	} {
		q := Queue{Drain: drain, DrainState: DrainShrinking}
		if got := q.emptyIn(); got != want {
			t.Errorf("%g s: %q, not %q", float64(drain), got, want)
		}
		if got := q.outlook(); got != "; empty in "+want {
			t.Errorf("%g s: %q", float64(drain), got)
		}
	}
}
