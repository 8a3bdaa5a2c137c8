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
	return h.Section(
		h.Class("card held"), h.Aria("labelledby", "held"),
		h.H2(h.ID("held"), g.Text("Held "), dim("kept in hand and retried until it is clear whether the message or the target is at fault")),
		scroll(h.Aria("label", "Table of what is held"), h.Table(
			h.Class("wide"),
			h.THead(h.Tr(column("message"), column("queue"), numberColumn("receive"), numberColumn("tries"), column("held for"),
				column("last answer"), numberColumn("strikes"), column("next try"))),
			h.TBody(g.Map(s.Held, func(m Held) g.Node {
				return h.Tr(
					h.Td(h.Code(g.Text(m.MessageID))),
					h.Td(g.Text(m.Queue)),
					numberCell(strconv.Itoa(m.ReceiveCount)),
					numberCell(count(m.Tries)),
					h.Td(g.Text(m.HeldFor(s.At))),
					h.Td(g.Text(m.LastAnswer())),
					numberCell(zero(m.Strikes)),
					h.Td(h.Class("words"), g.Text(m.NextTry(s.At))),
				)
			})),
		)),
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
