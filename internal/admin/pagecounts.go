package admin

import (
	"maps"
	"slices"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// queueTables shows where the queue's messages are, what happened to them, and how they
// arrived. What is 0 is left out, and so is a table of nothing else.
func queueTables(q Queue) g.Node {
	return g.Group{
		h.Div(
			h.Class("tables"),
			counts("In hand now", rows(q.InHand, "in-hand-")),
			counts("Settled since the start", rows(q.Settled, "settled-")),
		),
		h.Details(
			h.Class("more-counts"),
			h.Summary(g.Text("How messages came")),
			h.Div(
				h.Class("tables"),
				counts("Receives", append(rows(q.Receives, ""), one("long polls open", "", q.Parked)...)),
				counts("Messages", slices.Concat(
					one("received", "received", q.Received),
					one("came again while in hand", "", q.Duplicates),
					one("came again after delivery", "", q.Ledger.Hits),
					one("remembered as delivered", "", q.Ledger.Size),
				)),
			),
		),
	}
}

// counts is a table, or nothing without rows.
func counts(caption string, rows []g.Node) g.Node {
	if len(rows) == 0 {
		return nil
	}
	return h.Table(h.Caption(g.Text(caption)), h.TBody(rows...))
}

// one is a row, or none for 0.
func one[N int | int64](name, is string, n N) []g.Node {
	if n == 0 {
		return nil
	}
	return []g.Node{h.Tr(h.Th(h.Scope("row"), g.Text(name)), h.Td(found(is), g.Text(count(n))))}
}

// rows returns a row for each label that has something. If prefix is not empty, tests find a
// row by prefix and label.
func rows[N int | int64](byLabel map[string]N, prefix string) []g.Node {
	var all []g.Node
	for _, label := range ordered(byLabel) {
		is := ""
		if prefix != "" {
			is = prefix + label
		}
		all = append(all, one(spaced(label), is, byLabel[label])...)
	}
	return all
}

// inOrder is the order of labels: that of a message's life, not alphabetical.
var inOrder = []string{
	"waiting", "delivering", "held", "deleting", "releasing",
	"full", "partial", "empty", "error",
	"delivered", "failed", "rejected", "released", "cut_off", "dead_lettered", "discarded", "abandoned",
}

// ordered returns the labels in order, unknown ones last.
func ordered[N int | int64](byLabel map[string]N) []string {
	place := func(label string) int {
		if i := slices.Index(inOrder, label); i >= 0 {
			return i
		}
		return len(inOrder)
	}
	labels := slices.Sorted(maps.Keys(byLabel))
	slices.SortStableFunc(labels, func(a, b string) int { return place(a) - place(b) })
	return labels
}

// spaced returns a label as words.
func spaced(label string) string { return strings.ReplaceAll(label, "_", " ") }
