package simulation

import (
	"slices"
	"time"
)

// nothingIsGivenUpWithoutProof: a failed message is held until another delivery that began
// later has succeeded, or until it has failed alone for five minutes; one that was only
// throttled, or could not connect, is never given up.
func nothingIsGivenUpWithoutProof(t *trial) {
	for _, l := range t.lives {
		if l.how != "released" || len(l.starts) == 0 || forRoom(l.release.seconds) || l.isTooLongInFlight() || l.by.drained != never && l.released >= l.by.drained {
			continue
		}
		if slices.ContainsFunc(l.starts, (*delivery).rejected) || l.mayHaveComeAnew() || l.stoodStill() {
			continue
		}
		t.reaches()
		if !t.wasProven(l) && !t.wasProvenBefore(l) && !t.mayHaveBeenStruckUnseen(l) {
			t.breaks(l.released, l.by, "gives m%d up, and nothing has proven that it was the message's fault", l.message)
		}
	}
}

// wasProven reports whether a failed try of l was followed by the success of another, or by
// five minutes alone.
func (t *trial) wasProven(l *life) bool {
	const alone = 5 * time.Minute
	target := t.queue(l.message).target
	return slices.ContainsFunc(l.starts, func(failed *delivery) bool {
		if !failed.provable() {
			return false
		}
		return l.released-l.starts[0].ended >= alone || slices.ContainsFunc(t.evidence.deliveries, func(d *delivery) bool {
			return d.by == l.by && d.target == target && d.delivered() && d.arrived > failed.arrived && d.ended <= l.released
		})
	})
}

// wasProvenBefore reports whether the process has had proof against the message at an
// earlier receive, and that its last try now could be its fault: it needs no second.
func (t *trial) wasProvenBefore(l *life) bool {
	target := t.queue(l.message).target
	return l.starts[len(l.starts)-1].provable() && slices.ContainsFunc(t.evidence.deliveries, func(failed *delivery) bool {
		return failed.by == l.by && failed.message == l.message && (failed.provable() || failed.rejected()) && failed.arrived < l.starts[0].arrived &&
			slices.ContainsFunc(t.evidence.deliveries, func(d *delivery) bool {
				return d.by == l.by && d.target == target && d.delivered() && d.arrived > failed.arrived && d.ended <= l.released
			})
	})
}

// mayHaveBeenStruckUnseen reports whether the process has given the message up before, in a life
// in which it stood still: nobody has seen the tries for which it may have done so.
func (t *trial) mayHaveBeenStruckUnseen(l *life) bool {
	return l.starts[len(l.starts)-1].provable() && slices.ContainsFunc(t.lives, func(before *life) bool {
		return before.by == l.by && before.message == l.message && before.receives[0].call.came < l.receives[0].call.came &&
			before.how == "released" && before.release.seconds > 0 && before.stoodStill()
	})
}
