package admin

import (
	"cmp"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// view is what of the status a page shows: everything, or one of several queues.
type view struct {
	Status
	// queue is the one that is shown; empty for all.
	queue string
}

// viewOf returns the view of one queue, or of all if name is empty; ok is false if there is
// no such queue.
func viewOf(s Status, name string) (v view, ok bool) {
	if name == "" || len(s.Queues) == 1 && s.Queues[0].Name == name {
		return view{Status: s}, true
	}
	i := slices.IndexFunc(s.Queues, func(q Queue) bool { return q.Name == name })
	if i < 0 {
		return view{}, false
	}
	v = view{Status: s, queue: name}
	q := s.Queues[i]
	others := func(queue string) bool { return queue != name }
	v.Targets = slices.DeleteFunc(slices.Clone(s.Targets), func(t Target) bool { return t.Name != q.Target })
	v.Failures = slices.DeleteFunc(slices.Clone(s.Failures), func(f Failure) bool { return others(f.Queue) })
	v.Causes = slices.DeleteFunc(slices.Clone(s.Causes), func(c Cause) bool { return others(c.Queue) })
	v.Held = slices.DeleteFunc(slices.Clone(s.Held), func(m Held) bool { return others(m.Queue) })
	v.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e Event) bool { return e.Target != "" && e.Target != q.Target })
	return v, true
}

// cards shows one queue with its target, or a row for each of several.
func (v view) cards() g.Node {
	if v.queue == "" && len(v.Queues) > 1 {
		return overview(v.Status)
	}
	cards := g.Group{}
	if v.queue != "" {
		cards = append(cards, h.Nav(h.Aria("label", "Queues"), h.P(h.A(h.Href("./"), g.Text("← all "+count(len(v.Queues))+" queues")))))
	}
	for i, q := range v.Queues {
		if v.queue == "" || q.Name == v.queue {
			cards = append(cards, queueCard(v.Status, i, q))
			break
		}
	}
	return append(cards, targetCards(v.Status))
}

var overviewColumns = []column{
	{"queue", ""}, {"state", ""}, {"waiting", "number"}, {"last 15 min", ""}, {"lag", "number"}, {"delivered", "number"}, {"held", "number"}, {"target", ""},
}

// overview has a row for each queue, the worst first.
func overview(s Status) g.Node {
	queues := slices.Clone(s.Queues)
	slices.SortStableFunc(queues, func(a, b Queue) int {
		return cmp.Or(cmp.Compare(b.Verdict.Level.rank(), a.Verdict.Level.rank()), cmp.Compare(b.backlogSize(), a.backlogSize()))
	})
	targets := make(map[string]Target, len(s.Targets))
	for _, t := range s.Targets {
		targets[t.Name] = t
	}
	return h.Section(
		h.Class("card"), h.Aria("labelledby", "queues"),
		h.H2(h.ID("queues"), g.Text(count(len(queues))+" queues"), dim(levels(queues))),
		scroll("Table of the queues", h.Table(
			h.Class("wide overview"), h.Role("table"),
			h.THead(h.Role("rowgroup"), h.Tr(h.Role("row"), g.Map(overviewColumns, columnHead))),
			h.TBody(h.Role("rowgroup"), g.Map(queues, func(q Queue) g.Node { return overviewRow(q, targets[q.Target]) })),
		)),
	)
}

// levels counts the queues by severity.
func levels(queues []Queue) string {
	counts := make(map[Level]int)
	for _, q := range queues {
		counts[q.Verdict.Level]++
	}
	var parts []string
	for _, part := range []struct {
		level Level
		text  string
	}{{Bad, "needing action"}, {Notice, "to look at"}, {Good, "fine"}} {
		if n := counts[part.level]; n > 0 {
			parts = append(parts, count(n)+" "+part.text)
		}
	}
	return " " + strings.Join(parts, ", ")
}

func (q *Queue) backlogSize() int {
	if q.Depth == nil {
		return 0
	}
	return q.Depth.Visible
}

func overviewRow(q Queue, t Target) g.Node {
	waiting := "unknown"
	if q.Depth != nil {
		waiting = count(q.Depth.Visible)
	}
	state := ""
	if t.Gate.State != "" && t.Gate.State != "open" {
		state = ", gate " + spaced(t.Gate.State)
	}
	cell := func(nodes ...g.Node) g.Node { return h.Td(append([]g.Node{h.Role("cell")}, nodes...)...) }
	number := func(n string) g.Node { return cell(h.Class("number"), g.Text(n)) }
	return h.Tr(
		h.Role("row"),
		h.Th(h.Role("rowheader"), h.Scope("row"), h.A(h.Href("?queue="+url.QueryEscape(q.Name)), g.Text(q.Name))),
		cell(h.Class("state verdict-"+string(q.Verdict.Level)), verdict(q.Verdict)),
		cell(h.Class("number waiting"), g.Text(waiting)),
		cell(spark(q.trend)),
		number(seconds(time.Duration(q.Lag))),
		number(rate(q.DeliveredPerSecond)),
		number(zero(q.InHand["held"])),
		cell(g.Text(q.Target+state)),
	)
}

// zero returns a count, or nothing for 0: in a table of many, zeros hide the rest.
func zero(n int) string {
	if n == 0 {
		return ""
	}
	return count(n)
}

// Size of the overview's small charts.
const sparkWidth, sparkHeight = 90, 20

// spark draws a backlog as a small line. The number beside it says the last of it.
func spark(trend []float64) g.Node {
	if len(trend) < 2 {
		return nil
	}
	top := math.Max(slices.Max(trend), 1)
	points := make([]string, len(trend))
	for i, value := range trend {
		x := float64(i) / float64(trendPoints-1) * sparkWidth
		y := 1 + (1-value/top)*(sparkHeight-2)
		points[i] = strconv.FormatFloat(x, 'f', 0, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64)
	}
	return h.SVG(
		h.Class("spark"), g.Attr("viewBox", fmt.Sprintf("0 0 %d %d", sparkWidth, sparkHeight)),
		h.Width(strconv.Itoa(sparkWidth)), h.Height(strconv.Itoa(sparkHeight)), h.Aria("hidden", "true"),
		g.El("polyline", g.Attr("points", strings.Join(points, " "))),
	)
}
