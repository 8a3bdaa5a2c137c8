package admin

import (
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// failuresCard shows what failures had in common, and behind it each of the last ones.
func failuresCard(s Status) g.Node {
	return h.Section(
		h.Class("card"), h.Aria("labelledby", "failures"),
		h.H2(h.ID("failures"), g.Text("Failures")),
		causesTable(s),
		g.If(len(s.Failures) > 0, h.Details(
			h.ID("last-failures"),
			h.Summary(g.Text("The last "+strconv.Itoa(len(s.Failures))+", one by one")),
			failuresTable(s.Failures),
		)),
	)
}

// causesTable has a row for each cause, the one that was last seen first.
func causesTable(s Status) g.Node {
	if len(s.Causes) == 0 {
		return h.P(h.Class("dim"), g.Text("None since the start."))
	}
	return scroll(h.Aria("label", "Table of the causes"), h.Table(
		h.Class("wide"),
		h.THead(h.Tr(column("cause"), column("queue → target"), numberColumn("count"), column("first"), column("last"), column("last message"))),
		h.TBody(g.Map(s.Causes, func(c Cause) g.Node {
			what, where := "SQS: "+c.Reason, c.Queue
			if c.Outcome != "" {
				what, where = answered(c.Outcome, c.Status, c.Reason), c.Queue+" → "+c.Target
			}
			return h.Tr(
				h.Td(h.Class("words"), h.B(g.Text(what)), g.If(c.Words != "", dim(" "+c.Words))),
				h.Td(g.Text(where)),
				numberCell(count(c.Count)),
				h.Td(h.Time(g.Text(clock(c.First)))),
				h.Td(h.Class("words"), h.Time(g.Text(clock(c.Last))), h.Span(h.Class("dim ago"), g.Text(" "+span(s.At, c.Last)+" ago"))),
				h.Td(h.Code(g.Text(c.Example))),
			)
		})),
	))
}

func failuresTable(failures []Failure) g.Node {
	return scroll(h.Aria("label", "The last failures"), h.Table(
		h.Class("wide"),
		h.THead(h.Tr(
			column("at"), column("queue"), column("what"), column("message"), numberColumn("receive"), column("detail"),
		)),
		h.TBody(g.Map(failures, failureRow)),
	))
}

// failureRow leaves the message's cells empty for an SQS call.
func failureRow(f Failure) g.Node {
	receive := ""
	if f.ReceiveCount != 0 {
		receive = strconv.Itoa(f.ReceiveCount)
	}
	return h.Tr(
		h.Td(h.Time(g.Text(clock(f.At)))),
		h.Td(g.Text(f.Queue)),
		h.Td(g.Text(f.summary())),
		h.Td(h.Code(g.Text(f.MessageID))),
		numberCell(receive),
		h.Td(h.Class("detail"), g.Text(f.Detail)),
	)
}

// summary returns what failed and how: the answer, or why there was none.
func (f Failure) summary() string {
	if f.Outcome == "" {
		return "SQS: " + f.Reason
	}
	return answered(f.Outcome, f.Status, f.Reason)
}
