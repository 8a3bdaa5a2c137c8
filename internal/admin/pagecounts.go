package admin

import (
	"maps"
	"slices"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// queueTables shows what happened to the queue's messages, and how they arrived.
func queueTables(q Queue) g.Node {
	return h.Div(
		h.Class("tables"),
		counts("In hand", rows(q.InHand, "in-hand-")),
		counts("Settled", rows(q.Settled, "settled-")),
		counts("Receives", rows(q.Receives, ""), row("waiting now", "", count(q.Parked))),
		counts("Messages",
			row("received", "received", count(q.Received)),
			row("again while in hand", "", count(q.Duplicates)),
			row("again after delivery", "", count(q.Ledger.Hits)),
			row("in the ledger", "", count(q.Ledger.Size)),
		),
	)
}

func counts(caption string, rows ...g.Node) g.Node {
	return h.Table(h.Caption(g.Text(caption)), h.TBody(rows...))
}

func row(name, is, value string) g.Node {
	return h.Tr(h.Th(h.Scope("row"), g.Text(name)), h.Td(found(is), g.Text(value)))
}

// rows returns a row per label. If prefix is not empty, tests find a row by prefix and
// label.
func rows[N int | int64](byLabel map[string]N, prefix string) g.Node {
	return g.Map(ordered(byLabel), func(label string) g.Node {
		is := ""
		if prefix != "" {
			is = prefix + label
		}
		return row(spaced(label), is, count(byLabel[label]))
	})
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
