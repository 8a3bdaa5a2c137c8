package admin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func queueCards(s Status) g.Node {
	cards := make(g.Group, 0, len(s.Queues))
	for i, q := range s.Queues {
		cards = append(cards, queueCard(s, i, q))
	}
	return cards
}

// queueCard shows the i-th queue of s. An id has its place rather than its name, which may
// have characters that an id may not.
func queueCard(s Status, i int, q Queue) g.Node {
	id := "queue-" + strconv.Itoa(i)
	return h.Section(
		h.Class("card"), h.Aria("labelledby", id),
		h.H2(h.ID(id), kind("Queue"), g.Text(" "+q.Name+" "), dim("→ "+q.Target)),
		queueVerdict(s, q),
		queueProblem(s, q),
		queueFigures(q, s.At),
		queueCharts(i, q.Name),
		queueTables(q),
	)
}

// kind is what the name after it is the name of.
func kind(text string) g.Node { return h.Span(h.Class("kind"), g.Text(text)) }

// queueVerdict is left out for an only queue: the page's own verdict is its.
func queueVerdict(s Status, q Queue) g.Node {
	if len(s.Queues) == 1 {
		return nil
	}
	return h.P(h.Class("verdict small "+string(q.Verdict.Level)), verdict(q.Verdict))
}

func queueProblem(s Status, q Queue) g.Node {
	if p := s.unsaidOf(q); p != nil {
		return h.P(h.Class("problem"), problem(Problem{p.What, p.Since}, s.At))
	}
	return nil
}

// unsaidOf is the queue's problem, unless a verdict on the page says it already.
func (s *Status) unsaidOf(q Queue) *SQSProblem {
	if q.Problem == nil || strings.Contains(s.Verdict.Text, q.Problem.What) ||
		len(s.Queues) > 1 && strings.Contains(q.Verdict.Text, q.Problem.What) {
		return nil
	}
	return q.Problem
}

func queueFigures(q Queue, now time.Time) g.Node {
	return h.Dl(
		h.Class("figures"),
		figure("Lag", "lag", seconds(time.Duration(q.Lag)), ""),
		depth(q.Depth, now),
		figure("Time to empty", "", q.drain(), ""),
		figure("Delivered", "delivered", rate(q.DeliveredPerSecond), rate(q.StartedPerSecond)+" started"),
	)
}

// figure is one number of the queue and, smaller, what more there is to say of it. Tests
// and scripts find the number by is.
func figure(name, is, value, more string) g.Node {
	return h.Div(
		h.Dt(g.Text(name)),
		h.Dd(found(is), g.Text(value)),
		g.If(more != "", h.Dd(h.Class("more"), g.Text(more))),
	)
}

// found is the mark by which an element is found, if it has one.
func found(is string) g.Node { return g.If(is != "", h.Data("is", is)) }

func depth(d *Depth, now time.Time) g.Node {
	if d == nil {
		return figure("In the queue", "visible", "unknown", "SQS has not said it yet")
	}
	return figure("In the queue", "visible", count(d.Visible),
		fmt.Sprintf("%s in flight, %s delayed; %s ago", count(d.InFlight), count(d.Delayed), span(now, d.AsOf)))
}

// drain is how long it will take until the queue is empty.
func (q *Queue) drain() string {
	switch q.DrainState {
	case DrainGrowing:
		return "growing"
	case DrainEmpty:
		return "none waits"
	case DrainShrinking:
		return q.emptyIn()
	default:
		return "unknown"
	}
}

// queueCharts are empty: page.js draws in them, and data-keep keeps what it has drawn.
func queueCharts(i int, name string) g.Node {
	chart := func(of, label, caption string) g.Node {
		return h.Figure(
			h.Data("queue", strconv.Itoa(i)), h.Data("chart", of),
			h.Role("img"), h.Aria("label", label+" of queue "+name+" over the last minutes"),
			h.FigCaption(g.Text(caption)),
		)
	}
	return h.Div(
		h.Class("charts"), g.Attr("data-keep"),
		chart("lag", "Lag", "Lag, seconds"),
		chart("pace", "Deliveries a second", "Deliveries a second"),
	)
}
