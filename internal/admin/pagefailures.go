package admin

import (
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func failuresCard(failures []Failure) g.Node {
	return h.Section(
		h.Class("card"), h.Aria("labelledby", "failures"),
		h.H2(h.ID("failures"), g.Text("Last failures")),
		failuresTable(failures),
	)
}

func failuresTable(failures []Failure) g.Node {
	if len(failures) == 0 {
		return h.P(h.Class("dim"), g.Text("None since the start."))
	}
	return scroll(h.Aria("labelledby", "failures"), h.Table(
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
	switch {
	case f.Status != 0:
		return f.Outcome + ", " + strconv.Itoa(f.Status)
	case f.Outcome != "":
		return f.Outcome + ", " + f.Reason
	default:
		return "SQS: " + f.Reason
	}
}
