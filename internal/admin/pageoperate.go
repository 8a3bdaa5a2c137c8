package admin

import (
	"slices"
	"strconv"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// controls are the buttons of the control API. page.js shows them; the token that is
// entered stays in its memory.
func controls(s Status) g.Node {
	if !s.Control {
		return nil
	}
	field := func(id, label string, more ...g.Node) g.Node {
		return h.Div(
			h.Label(h.For(id), g.Text(label)),
			h.Input(append([]g.Node{h.ID(id), h.AutoComplete("off"), g.Attr("spellcheck", "false")}, more...)...),
		)
	}
	button := func(action, text string) g.Node {
		return h.Button(h.Type("submit"), h.Name("action"), h.Value(action), g.Text(text))
	}
	return h.Details(
		h.Class("card controls"), h.ID("controls"), g.Attr("data-keep"),
		h.Summary(g.Text("Pause, resume, pace")),
		h.NoScript(h.P(h.Class("dim"), g.Text("Without JavaScript use the commands poller pause, resume and pace."))),
		h.Form(
			h.ID("unlock"), h.Class("fields"),
			field("token", "Control token", h.Type("password"), h.Required()),
			h.Button(h.Type("submit"), g.Text("Show the buttons")),
		),
		h.Form(
			h.ID("operate"), h.Class("fields"), g.Attr("hidden"),
			h.Div(
				h.Label(h.For("target"), g.Text("Target")),
				h.Select(h.ID("target"), g.If(len(s.Targets) > 1, h.Option(h.Value(""), g.Text("all (pause, resume)"))),
					g.Map(s.Targets, func(t Target) g.Node { return h.Option(h.Value(t.Name), g.Text(t.Name)) })),
			),
			field("for", "For (empty: until resumed)", h.Placeholder("30m")),
			field("by", "Your name", h.MaxLength("64")),
			field("rate", "Rate", h.Placeholder("10/s")),
			field("concurrency", "Concurrency", h.Type("number"), h.Min("1"), h.Max("10000")),
			g.If(slices.ContainsFunc(s.Targets, func(t Target) bool { return t.Fleet != nil }),
				field("fleet", "All replicas of the fleet", h.Type("checkbox"))),
			h.Div(h.Class("buttons"), button("pause", "Pause"), button("resume", "Resume"), button("pace", "Set the pace")),
		),
		h.P(h.ID("operated"), h.Role("status")),
	)
}

// overrides lists what an operator has set for a target.
func overrides(t Target, s Status) g.Node {
	if len(t.Overrides) == 0 {
		return nil
	}
	return h.Ul(h.Class("overrides"), h.Aria("label", "Set by an operator"), g.Map(t.Overrides, func(o Override) g.Node {
		what := map[string]string{"pause": "Paused", "rate": "Rate " + o.Value, "concurrency": "Concurrency " + o.Value}[o.Kind]
		from := ""
		if o.From != "" {
			from = " from " + o.From
		}
		return h.Li(h.B(g.Text(what)), g.Text(o.who()+from+" since "), h.Time(g.Text(clock(o.Since))),
			g.Text(" ("+span(s.At, o.Since)+"), "+o.ends()))
	}))
}

// eventsShown is how many changes the page lists.
const eventsShown = 20

// eventsCard lists what changed: the marks of the charts.
func eventsCard(events []Event) g.Node {
	if len(events) == 0 {
		return nil
	}
	shown := events[:min(len(events), eventsShown)]
	rows := make([]row, len(shown))
	for i, e := range shown {
		rows[i] = row{cells: []g.Node{
			at(clock(e.At)), h.Span(h.Class("mark-"+e.Kind), g.Text(e.Kind)), text(e.Target), text(e.Text),
		}}
	}
	return h.Section(
		h.Class("card"), h.Aria("labelledby", "changes"),
		h.H2(h.ID("changes"), g.Text("Changes")),
		table{
			label:   "Table of the changes",
			columns: []column{{"at", ""}, {"what", ""}, {"target", ""}, {"change", "detail"}},
			rows:    rows,
		}.node(),
		g.If(len(events) > eventsShown, h.P(h.Class("dim"), g.Text(strconv.Itoa(len(events)-eventsShown)+" more are in status.json."))),
	)
}
