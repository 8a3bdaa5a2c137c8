package simulation

import (
	"slices"
	"time"
)

// drainsEndInTimeAndStrandNothing: within the drain timeout plus three seconds, and one for
// the last scrape; and if SQS is well, with everything settled.
func drainsEndInTimeAndStrandNothing(t *trial) {
	const grace = 3*time.Second + time.Second + 100*time.Millisecond
	open := make(map[*process][]int)
	history := t.eachHolding(func(holding, instant) {})
	for _, l := range t.lives {
		if l.ended == never && slices.ContainsFunc(history[l.message], func(h holding) bool {
			return h.by == l.by && h.handle == l.newest() && h.deadline > l.by.exited
		}) {
			open[l.by] = append(open[l.by], l.message)
		}
	}
	for _, p := range t.evidence.processes {
		if p.drained == never || p.killed != never {
			continue
		}
		t.reaches()
		if p.err != nil {
			t.breaks(p.exited, p, "ended with an error: %v", p.err)
		}
		if took := p.exited - p.drained; took > t.plan.drain+grace {
			t.breaks(p.exited, p, "took %v to drain; it had %v", took, t.plan.drain)
		}
		if left := open[p]; len(left) > 0 && t.undisturbed(p, p.drained-time.Minute, p.exited) {
			t.breaks(p.exited, p, "has left messages invisible at its end: %v", left)
		}
	}
}

// aStopCostsAMessageOneReceive at most, besides the one it had: several receives may be out
// at a stop, and each may return what another has released. A message that came for the first time
// does not wait for a long poll, but for a receive that is just under way.
func aStopCostsAMessageOneReceive(t *trial) {
	type key struct {
		by               *process
		message, receive int
	}
	back := make(map[key]bool) // given back in a drain
	for _, l := range t.lives {
		if n := l.newestAt(l.released).receive; l.how == "released" && l.by.drained != never && l.released >= l.by.drained && l.released < l.by.drained+t.plan.drain {
			back[key{l.by, l.message, n}] = true
		}
	}
	for range back {
		t.reaches()
	}
	for _, l := range t.lives {
		r := l.receives[0]
		underWay := r.call.came-r.call.sent < 200*time.Millisecond
		if back[key{l.by, l.message, r.receive - 1}] && (r.receive > 2 || underWay) && t.undisturbed(l.by, l.by.drained-time.Minute, l.by.exited) {
			t.breaks(r.call.came, l.by, "has given back m%d at its stop, and receives it for the %d. time", l.message, r.receive)
		}
	}
}
