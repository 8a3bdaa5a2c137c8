package admin

import "slices"

// mark is an event as the charts show it.
type mark struct {
	At     int64  `json:"at"` // Unix seconds
	Kind   string `json:"kind"`
	Target string `json:"target,omitempty"`
	Text   string `json:"text"`
}

// gatesKept is how many changes of gates are remembered.
const gatesKept = 50

// watchGates records the gates that have closed, or opened again, since the last sample.
func (h *history) watchGates(st Status) {
	if h.closed == nil {
		h.closed = make(map[string]bool)
	}
	for _, t := range st.Targets {
		e := Event{At: t.Gate.Since, Kind: "gate", Target: t.Name}
		switch was := h.closed[t.Name]; {
		case !was && t.Gate.State == "closed":
			e.Text = "gate closed: the target is down, messages are held"
		case was && t.Gate.State == "open":
			e.Text = "gate open: the target works again"
		default:
			continue
		}
		h.closed[t.Name] = t.Gate.State == "closed"
		h.gates = slices.Insert(h.gates, 0, e)
		h.gates = h.gates[:min(len(h.gates), gatesKept)]
	}
}

// marks returns the daemon's events and those of the gates, newest first.
func (h *history) marks(events []Event) []Event {
	all := slices.Concat([]Event{}, events, h.gates)
	slices.SortStableFunc(all, func(a, b Event) int { return b.At.Compare(a.At) })
	return all
}
