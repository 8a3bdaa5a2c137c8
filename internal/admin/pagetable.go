package admin

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// The parts of wide tables.

// scroll lets a wide table scroll sideways on a phone, and by keyboard, for which it must
// be focusable and named. name is the attribute that names it.
func scroll(name, table g.Node) g.Node {
	return h.Div(h.Class("scroll"), h.TabIndex("0"), h.Role("region"), name, table)
}

func column(name string) g.Node { return h.Th(h.Scope("col"), g.Text(name)) }

func numberColumn(name string) g.Node {
	return h.Th(h.Scope("col"), h.Class("number"), g.Text(name))
}

func numberCell(number string) g.Node { return h.Td(h.Class("number"), g.Text(number)) }
