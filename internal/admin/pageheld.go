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
		h.H2(h.ID("held"), g.Text("Held "), dim("kept in hand and tried again until it is clear whose fault it is")),
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
					h.Td(g.Text(span(s.At, m.Since))),
					h.Td(g.Text(answered(m.Outcome, m.Status, m.Reason))),
					numberCell(zero(m.Strikes)),
					h.Td(g.Text(m.next(s.At))),
				)
			})),
		)),
		g.If(all > len(s.Held), h.P(h.Class("dim"), g.Text(count(all-len(s.Held))+" more are held."))),
	)
}

func (m *Held) next(now time.Time) string {
	switch {
	case m.WaitsFor == "release":
		return "none: given up, released soon"
	case m.WaitsFor == "resume":
		return "when resumed"
	case m.NextProbe != nil && m.NextProbe.After(now):
		return "after the probe at " + clock(*m.NextProbe)
	case m.Next == nil:
		return "after the probe that is out"
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
