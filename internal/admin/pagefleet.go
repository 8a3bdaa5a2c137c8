package admin

import (
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// waits says in a sentence that nothing starts for want of a budget, empty while something may.
func (f *Fleet) waits() string {
	if f == nil {
		return ""
	}
	switch f.State {
	case "joining", "stopped", "pausing":
		return "Fleet " + f.Name + " " + spaced(f.State) + ": waiting for " + f.Waits
	default:
		return ""
	}
}

// fleetPart shows a target's fleet: this replica's place, and all replicas.
func fleetPart(t Target, s Status) g.Node {
	f := t.Fleet
	if f == nil {
		return nil
	}
	budget := "concurrency " + count(f.Concurrency)
	if f.Rate > 0 {
		budget = rate(f.Rate) + ", " + budget
	}
	more := "for " + span(s.At, f.Since) + "; " + count(f.Replicas) + " live share " + budget
	if f.Left > 0 {
		more += "; goes on for " + seconds(time.Duration(f.Left))
	}
	return g.Group{
		h.P(
			g.Text("Fleet "+f.Name+" "), h.B(g.Text(spaced(f.State))), g.Text(" "), dim(more),
		),
		g.If(f.Waits != "", h.P(h.Class("notice"), g.Text("Waiting for "+f.Waits))),
		g.If(f.Problem != "", h.P(h.Class("notice"), g.Text(f.Problem))),
		g.If(f.Mixed, h.P(h.Class("notice"), g.Text("Replicas have different budgets: the smaller holds."))),
		membersTable(f),
	}
}

func membersTable(f *Fleet) g.Node {
	if len(f.Members) == 0 {
		return nil
	}
	return scroll(h.Aria("label", "Replicas of fleet "+f.Name), h.Table(
		h.Class("wide"),
		h.Caption(g.Text("Replicas")),
		h.THead(h.Tr(
			column("replica"), column("state"), numberColumn("started"), numberColumn("slots"), numberColumn("share"),
			numberColumn("in hand"), numberColumn("held"), column("gate"), numberColumn("lag"), numberColumn("up"), numberColumn("seen"),
		)),
		h.TBody(g.Map(f.Members, memberRow)),
	))
}

func memberRow(m Member) g.Node {
	name := strings.TrimSpace(m.Host + " " + m.Version)
	if name == "" {
		name = m.ID
	}
	state := spaced(m.State)
	if m.Missing {
		state = "missing"
	}
	seen := seconds(time.Duration(m.Seen)) + " ago"
	return h.Tr(
		g.If(m.Missing, h.Class("failed")),
		h.Td(g.Text(name), g.If(m.Self, dim(" this one"))),
		h.Td(g.Text(state)),
		numberCell(rate(m.StartedPerSecond)),
		numberCell(count(m.Slots)),
		numberCell(strconv.FormatFloat(m.Share, 'f', 1, 64)+"/s"),
		numberCell(count(m.InHand)),
		numberCell(count(m.Held)),
		h.Td(g.Text(spaced(m.Gate))),
		numberCell(seconds(time.Duration(m.Lag))),
		numberCell(seconds(time.Duration(m.Up))),
		numberCell(seen),
	)
}
