package admin

import (
	"math"
	"strconv"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func targetCards(s Status) g.Node {
	cards := make(g.Group, 0, len(s.Targets))
	for i, t := range s.Targets {
		cards = append(cards, targetCard(i, t, s))
	}
	return cards
}

// targetCard shows the i-th target. Ids contain its index, as in queueCard.
func targetCard(i int, t Target, s Status) g.Node {
	place := strconv.Itoa(i)
	return h.Section(
		h.Class("card"), h.Aria("labelledby", "target-"+place),
		h.H2(h.ID("target-"+place), kind("Target"), g.Text(" "+t.Name+" "), dim(t.Place)),
		h.Div(
			h.Class("gauges"),
			rateGauge("rate-"+place, t),
			slotsGauge("slots-"+place, t),
			h.Div(h.P(g.Text("Mean delivery "), h.B(g.Text(mean(t.MeanDelivery))))),
			gateGauge(t.Gate, s.At),
			quotaGauges(place, t.Pace.Quotas, s.At),
			toldGauge(t.Pace.Told, s.At),
		),
		foundTable(t),
		overrides(t, s),
		share(t.Pace),
		fleetPart(t, s),
		deliveriesTable(t),
	)
}

// rateGauge shows the rate, and its share of the limit if there is one.
func rateGauge(id string, t Target) g.Node {
	limit := t.Pace.limited()
	of := "no limit"
	switch {
	case limit > 0:
		of = "of " + rate(limit) + ", burst " + strconv.Itoa(t.Pace.Burst)
	case t.Pace.Rate == 0:
		of = "paused"
	}
	return h.Div(
		h.P(h.ID(id), g.Text("Rate "), h.B(g.Text(rate(t.StartedPerSecond))), g.Text(" "), dim(of)),
		g.If(limit > 0, meter(id, limit, t.StartedPerSecond)),
	)
}

// limited returns the rate limit, if it can be shown as a whole.
func (p Pace) limited() float64 {
	if r := float64(p.Rate); r > 0 && !math.IsInf(r, 1) {
		return r
	}
	return 0
}

// slotsGauge shows how many deliveries are running, of the concurrency.
func slotsGauge(id string, t Target) g.Node {
	return h.Div(
		h.P(
			h.ID(id), g.Text("Concurrent deliveries "), h.B(g.Text(count(t.Delivering))), g.Text(" "),
			dim("of "+count(t.Pace.Concurrency)+t.Pace.Adaptive.between()),
		),
		meter(id, float64(t.Pace.Concurrency), float64(t.Delivering)),
	)
}

// meter shows value as a share of limit. The element with the id labels it.
func meter(id string, limit, value float64) g.Node {
	number := func(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }
	return h.Meter(h.Aria("labelledby", id), h.Min("0"), h.Max(number(limit)), h.Value(number(value)))
}

func gateGauge(gate Gate, now time.Time) g.Node {
	more := "for " + span(now, gate.Since)
	if gate.Held > 0 {
		more += "; " + count(gate.Held) + " held"
	}
	if gate.State == "half_open" {
		more += ", " + count(gate.Limit) + " concurrent"
	}
	if gate.Released > 0 {
		more += ", " + count(int(gate.Released)) + " released to make room"
	}
	if gate.NextProbe != nil {
		more += ", next probe at " + clock(*gate.NextProbe)
	}
	return h.Div(h.P(
		g.Text("Gate "), h.B(found("gate"), g.Text(spaced(gate.State))), g.Text(" "), dim(more),
	))
}

// quotaGauges show how much of each quota is used.
func quotaGauges(place string, quotas []Quota, now time.Time) g.Node {
	gauges := make(g.Group, 0, len(quotas))
	for i, q := range quotas {
		id := "quota-" + place + "-" + strconv.Itoa(i)
		more := "of " + q.words()
		if q.FreeAt != nil {
			more += ", used up: next start " + nextStart(now, *q.FreeAt)
		}
		gauges = append(gauges, h.Div(
			h.P(h.ID(id), g.Text("Quota "), h.B(g.Text(count(q.Used))), g.Text(" "), dim(more)),
			meter(id, float64(q.Limit), float64(q.Used)),
		))
	}
	return gauges
}

// nextStart says when a delivery may start again.
func nextStart(now, at time.Time) string {
	return "in " + seconds(max(at.Sub(now), 0)) + ", at " + clockFrom(now, at)
}

// toldGauge shows what the target has said of its limits.
func toldGauge(told *Told, now time.Time) g.Node {
	if told == nil {
		return nil
	}
	more := "until " + clockFrom(now, told.ResetAt)
	if told.Remaining == 0 {
		more = "next start " + nextStart(now, told.ResetAt)
	}
	if told.WaitingSince != nil {
		more += ", waiting for " + span(now, *told.WaitingSince)
	}
	return h.Div(h.P(g.Text("The target says "), h.B(g.Text(count(told.Remaining)+" more")), g.Text(" "), dim(more)))
}

// share notes that the figures are one replica's share, if replicas share a budget.
func share(p Pace) g.Node {
	if p.Replicas <= 1 {
		return nil
	}
	return h.P(h.Class("dim"), found("share"),
		g.Text("Rate, burst and concurrency are the share of one of "+count(p.Replicas)+" replicas."))
}

// deliveriesTable has a row for each answer that there has been.
func deliveriesTable(t Target) g.Node {
	var rows []row
	for _, d := range t.Deliveries {
		if d.Count == 0 {
			continue
		}
		class := "failed"
		if d.Outcome == delivered {
			class = ""
		}
		rows = append(rows, row{class, []g.Node{text(d.Outcome), text(d.answer()), text(t.lately(d)), text(count(d.Count))}})
	}
	return table{
		label: "Deliveries to " + t.Name, caption: "Deliveries", small: true,
		columns: []column{{"outcome", ""}, {"answer", "words"}, {"last minute", "number"}, {"total", "number"}},
		rows:    rows, none: "none yet",
	}.node()
}

// lately returns the last minute's count for d's outcome and status.
func (t Target) lately(d Deliveries) string {
	for _, l := range t.DeliveriesLastMinute {
		if l.Outcome == d.Outcome && l.Status == d.Status && l.Answer == d.Answer {
			return count(l.Count)
		}
	}
	return "0"
}
