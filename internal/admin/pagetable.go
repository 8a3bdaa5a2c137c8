package admin

import (
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// table is a wide one. Where it does not fit it scrolls sideways, by keyboard too, for which
// it must be focusable and named. On a phone each row is a card in which every cell says its
// column, unless the table is small enough.
type table struct {
	label   string
	caption string // empty for none
	small   bool
	columns []column
	rows    []row
	none    string // what it says without rows
}

// column is one of a table's columns. Class is how its cells look: number, words (which may
// wrap) or detail (which is long).
type column struct{ name, class string }

// row has a cell for each column; nil is an empty one.
type row struct {
	class string
	cells []g.Node
}

func (t table) node() g.Node {
	class := "wide cards"
	if t.small {
		class = "wide"
	}
	return scroll(t.label, h.Table(
		h.Class(class), h.Role("table"),
		g.If(t.caption != "", h.Caption(g.Text(t.caption))),
		h.THead(h.Role("rowgroup"), h.Tr(h.Role("row"), g.Map(t.columns, columnHead))),
		h.TBody(
			h.Role("rowgroup"),
			g.Map(t.rows, t.row),
			g.If(len(t.rows) == 0, h.Tr(h.Role("row"), h.Td(h.Role("cell"), h.ColSpan(strconv.Itoa(len(t.columns))), h.Class("dim"), g.Text(t.none)))),
		),
	))
}

// columnHead is the head of a column. What is laid out as something else than a table
// needs the roles of its parts, or it is none to a screen reader.
func columnHead(c column) g.Node {
	return h.Th(h.Role("columnheader"), h.Scope("col"), g.If(c.class == "number", h.Class("number")), g.Text(c.name))
}

func (t table) row(r row) g.Node {
	cells := make(g.Group, len(r.cells))
	for i, content := range r.cells {
		c := t.columns[i]
		cells[i] = h.Td(h.Role("cell"), g.If(!t.small, h.Data("column", c.name)), g.If(c.class != "", h.Class(c.class)), content)
	}
	return h.Tr(h.Role("row"), g.If(r.class != "", h.Class(r.class)), cells)
}

// scroll lets what is too wide scroll sideways.
func scroll(label string, what g.Node) g.Node {
	return h.Div(h.Class("scroll"), h.TabIndex("0"), h.Role("region"), h.Aria("label", label), what)
}

// text is a cell with text, which is empty without any.
func text(s string) g.Node {
	if s == "" {
		return nil
	}
	return g.Text(s)
}

// at is a cell with a time of day.
func at(s string) g.Node { return h.Time(g.Text(s)) }
