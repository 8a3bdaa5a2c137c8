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
	rows := make([]row, len(s.Causes))
	for i, c := range s.Causes {
		what, where := "SQS: "+c.Reason, c.Queue
		if c.Outcome != "" {
			what, where = answered(c.Outcome, c.Status, c.Reason), c.Queue+" → "+c.Target
		}
		rows[i] = row{cells: []g.Node{
			g.Group{h.B(g.Text(what)), g.If(c.Words != "", dim(" "+c.Words))},
			text(where),
			text(count(c.Count)),
			at(clock(c.First)),
			g.Group{at(clock(c.Last)), h.Span(h.Class("dim ago"), g.Text(" "+span(s.At, c.Last)+" ago"))},
			id(c.Example),
		}}
	}
	return table{
		label: "Table of the causes",
		columns: []column{
			{"cause", "words"}, {"queue → target", ""}, {"count", "number"}, {"first", ""}, {"last", "words"}, {"last message", ""},
		},
		rows: rows,
	}.node()
}

// id is a cell with a message's id, empty without one.
func id(message string) g.Node {
	if message == "" {
		return nil
	}
	return h.Code(g.Text(message))
}

// failuresTable leaves the message's cells empty for an SQS call.
func failuresTable(failures []Failure) g.Node {
	rows := make([]row, len(failures))
	for i, f := range failures {
		receive := ""
		if f.ReceiveCount != 0 {
			receive = strconv.Itoa(f.ReceiveCount)
		}
		rows[i] = row{cells: []g.Node{
			at(clock(f.At)), text(f.Queue), text(f.summary()), id(f.MessageID), text(receive), text(f.Detail),
		}}
	}
	return table{
		label:   "The last failures",
		columns: []column{{"at", ""}, {"queue", ""}, {"what", ""}, {"message", ""}, {"receive", "number"}, {"detail", "detail"}},
		rows:    rows,
	}.node()
}

// summary returns what failed and how: the answer, or why there was none.
func (f Failure) summary() string {
	if f.Outcome == "" {
		return "SQS: " + f.Reason
	}
	return answered(f.Outcome, f.Status, f.Reason)
}
