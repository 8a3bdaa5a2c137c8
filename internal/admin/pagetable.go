package admin

import (
	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// What the wide tables are made of.

// scroll lets a wide table move sideways on a phone, by keyboard too: so it takes the focus
// and has a name: name is the attribute that gives it.
func scroll(name, table g.Node) g.Node {
	return h.Div(h.Class("scroll"), h.TabIndex("0"), h.Role("region"), name, table)
}

func column(name string) g.Node { return h.Th(h.Scope("col"), g.Text(name)) }

func numberColumn(name string) g.Node {
	return h.Th(h.Scope("col"), h.Class("number"), g.Text(name))
}

func numberCell(number string) g.Node { return h.Td(h.Class("number"), g.Text(number)) }
