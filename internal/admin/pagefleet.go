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
	rows := make([]row, len(f.Members))
	for i, m := range f.Members {
		rows[i] = m.row()
	}
	return table{
		label: "Replicas of fleet " + f.Name, caption: "Replicas",
		columns: []column{
			{"replica", ""},
			{"state", ""},
			{"started", "number"},
			{"slots", "number"},
			{"share", "number"},
			{"in hand", "number"},
			{"held", "number"},
			{"gate", ""},
			{"lag", "number"},
			{"up", "number"},
			{"seen", "number"},
		},
		rows: rows,
	}.node()
}

func (m *Member) row() row {
	name := strings.TrimSpace(m.Host + " " + m.Version)
	if name == "" {
		name = m.ID
	}
	state, class := spaced(m.State), ""
	if m.Missing {
		state, class = "missing", "failed"
	}
	return row{class, []g.Node{
		g.Group{g.Text(name), g.If(m.Self, dim(" this one"))},
		text(state),
		text(rate(m.StartedPerSecond)),
		text(count(m.Slots)),
		text(strconv.FormatFloat(m.Share, 'f', 1, 64) + "/s"),
		text(count(m.InHand)),
		text(count(m.Held)),
		text(spaced(m.Gate)),
		text(seconds(time.Duration(m.Lag))),
		text(seconds(time.Duration(m.Up))),
		text(seconds(time.Duration(m.Seen)) + " ago"),
	}}
}
