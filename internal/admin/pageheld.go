package admin

import (
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// heldCard lists what is held, one by one. It is not there while nothing is.
func heldCard(s Status) g.Node {
	if len(s.Held) == 0 {
		return nil
	}
	all := 0
	for _, q := range s.Queues {
		all += q.InHand["held"]
	}
	rows := make([]row, len(s.Held))
	for i, m := range s.Held {
		rows[i] = row{cells: []g.Node{
			id(m.MessageID),
			text(m.Queue),
			text(strconv.Itoa(m.ReceiveCount)),
			text(count(m.Tries)),
			text(m.HeldFor(s.At)),
			text(m.LastAnswer()),
			text(zero(m.Strikes)),
			text(m.NextTry(s.At)),
		}}
	}
	return h.Section(
		h.Class("card held"), h.Aria("labelledby", "held"),
		h.H2(h.ID("held"), g.Text("Held "), dim("kept in hand and retried until it is clear whether the message or the target is at fault")),
		table{
			label: "Table of what is held",
			columns: []column{
				{"message", ""},
				{"queue", ""},
				{"receive", "number"},
				{"tries", "number"},
				{"held for", ""},
				{"last answer", ""},
				{"strikes", "number"},
				{"next try", "words"},
			},
			rows: rows,
		}.node(),
		g.If(all > len(s.Held), h.P(h.Class("dim"), g.Text(count(all-len(s.Held))+" more are held."))),
	)
}

// HeldFor says for how long it has been held.
func (m *Held) HeldFor(now time.Time) string { return span(now, m.Since) }

// LastAnswer says what its last try came to.
func (m *Held) LastAnswer() string { return answered(m.Outcome, m.Status, m.Reason) }

// NextTry says when it is tried next, or what that depends on.
func (m *Held) NextTry(now time.Time) string {
	switch {
	case m.WaitsFor == "release":
		return "none: given up, released soon"
	case m.WaitsFor == "resume":
		return "when resumed"
	case m.NextProbe != nil && m.NextProbe.After(now):
		return "after the probe at " + clock(*m.NextProbe)
	case m.Next == nil:
		return "after the probe under way"
	case !m.Next.After(now):
		return "now"
	default:
		return "in " + seconds(m.Next.Sub(now))
	}
}

// answered returns what a delivery came to: the answer's status, or why there was none.
func answered(outcome string, status int, reason string) string {
	if status != 0 {
		return outcome + ", " + strconv.Itoa(status)
	}
	return outcome + ", " + reason
}
