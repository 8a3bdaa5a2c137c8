package adapt

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Reason is why the limit changed.
type Reason uint8

// The reasons.
const (
	// Refused: a delivery was refused beside others.
	Refused Reason = iota
	// Raised by a step, Doubled because the step before worked.
	Raised
	Doubled
	// Latency: deliveries became slower with load; LatencyUndone: lowering it did not help.
	Latency
	LatencyUndone
	// Trial: refusals that load does not explain; TrialKept and TrialUndone are how it ended.
	Trial
	TrialKept
	TrialUndone
	// Outage: the target is down, and what its beginning did is taken back.
	Outage
	// Maximum: the concurrency was lowered.
	Maximum

	reasons
)

// String returns the reason's name in metrics and docs.
func (r Reason) String() string {
	return [reasons]string{
		"refused", "raised", "doubled", "latency", "latency_undone", "trial", "trial_kept", "trial_undone", "outage", "maximum",
	}[r]
}

// Reasons returns every reason, in the order of the constants.
func Reasons() []Reason {
	all := make([]Reason, reasons)
	for i := range all {
		all[i] = Reason(i)
	}
	return all
}

// Change is one change of the limit, or a decision that it stays.
type Change struct {
	At       time.Time
	From, To int
	Reason   Reason
	// Kind and Beside are the refusal's.
	Kind   Kind
	Beside int
	// Share is the share of refusals that load does not explain.
	Share float64
	// Ratio is how much slower deliveries have become.
	Ratio float64
}

// Words say why.
func (c Change) Words() string {
	switch c.Reason {
	case Refused:
		status := 429
		if c.Kind == Overloaded {
			status = 503
		}
		if c.Beside == 1 {
			return fmt.Sprintf("%d beside 1 other", status)
		}
		return fmt.Sprintf("%d beside %d others", status, c.Beside)
	case Raised:
		return fmt.Sprintf("%d deliveries without a refusal", raiseAfter)
	case Doubled:
		return "the last step worked"
	case Latency:
		return fmt.Sprintf("deliveries take %.1f times as long", c.Ratio)
	case LatencyUndone:
		return "fewer deliveries are no faster"
	case Trial:
		return fmt.Sprintf("trial: %s refused for no visible reason", percent(c.Share))
	case TrialKept:
		return fmt.Sprintf("trial kept: %s refused with fewer", percent(c.Share))
	case TrialUndone:
		return fmt.Sprintf("trial failed: %s refused at random, whatever the load", percent(c.Share))
	case Outage:
		return "the target is down: what its first refusals did is undone"
	default:
		return "the concurrency was lowered"
	}
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", math.Ceil(100*share)) }

const changesKept = 20

func (l *Limit) note(c Change) {
	if c.From == c.To && c.Reason != TrialKept {
		return
	}
	l.counted[c.Reason]++
	l.unsaid = append(l.unsaid[max(0, len(l.unsaid)-changesKept+1):], c)
	l.history = append(l.history[max(0, len(l.history)-changesKept+1):], c)
}

// Changes returns the changes since the last call, and how many 429s came with nothing
// else running, for logging.
func (l *Limit) Changes() (changes []Change, alone int) {
	changes, alone = l.unsaid, l.unsaidAlone
	l.unsaid, l.unsaidAlone = nil, 0
	return changes, alone
}

// Status is a snapshot of the limit for the page and the metrics.
type Status struct {
	// Limit is in force, at most Most.
	Limit, Most int
	// Trying reports whether a trial is on.
	Trying bool
	// Alone counts 429s with nothing else running.
	Alone int64
	// Counted counts the changes by reason.
	Counted [reasons]int64
	// History are the latest changes, the newest last.
	History []Change
}

// Status returns a snapshot.
func (l *Limit) Status() Status {
	return Status{
		Limit: l.limit, Most: l.most, Trying: l.trial.on, Alone: l.alone, Counted: l.counted, History: slices.Clone(l.history),
	}
}
