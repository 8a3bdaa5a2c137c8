package admin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// queueCard shows the i-th queue of s. Ids contain its index, not its name, which may have
// characters that are invalid in an id.
func queueCard(s Status, i int, q Queue) g.Node {
	id := "queue-" + strconv.Itoa(i)
	return h.Section(
		h.Class("card"), h.Aria("labelledby", id),
		h.H2(h.ID(id), kind("Queue"), g.Text(" "+q.Name+" "), dim("→ "+q.Target)),
		queueVerdict(s, q),
		queueProblem(s, q),
		queueFigures(q, s.At),
		queueCharts(q.Name, s.adapts(q.Target)),
		queueTables(q),
	)
}

// kind labels the name after it.
func kind(text string) g.Node { return h.Span(h.Class("kind"), g.Text(text)) }

// queueVerdict is omitted if there is only one queue: the page's verdict is the same.
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

// unsaidOf shows the queue's problem, unless a verdict on the page mentions it.
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
		figure("Lag", "lag", q.lag(), ""),
		depth(q.Depth, now),
		figure("Time to empty", "drain", q.drain(), ""),
		deadLetters(q.DeadLetters),
		figure("Delivered", "delivered", rate(q.DeliveredPerSecond), rate(q.StartedPerSecond)+" started"),
		q.Batches.figure(),
	)
}

// figure says how full the last requests were. It is not there where each carries one
// message.
func (b *Batches) figure() g.Node {
	if b == nil {
		return nil
	}
	value, more := "–", "none yet"
	if len(b.Last) > 0 {
		sum := 0
		for _, n := range b.Last {
			sum += n
		}
		value = strconv.FormatFloat(math.Round(10*float64(sum)/float64(len(b.Last)))/10, 'f', -1, 64)
		more = "the mean of the last " + strconv.Itoa(len(b.Last))
		if len(b.Last) == 1 {
			more = "the last one"
		}
	}
	if b.Dissolved > 0 {
		more += "; " + count(b.Dissolved) + " dissolved: they failed as a whole"
	}
	return figure("Messages a request", "batch", value+" of "+count(b.Most), more)
}

// figure shows one number of the queue and, smaller, a note. Tests and scripts find the
// number by is.
func figure(name, is, value, more string) g.Node {
	return h.Div(
		h.Dt(g.Text(name)),
		h.Dd(found(is), g.Text(value)),
		g.If(more != "", h.Dd(h.Class("more"), g.Text(more))),
	)
}

// found marks an element so that tests and scripts can find it.
func found(is string) g.Node { return g.If(is != "", h.Data("is", is)) }

func depth(d *Depth, now time.Time) g.Node {
	if d == nil {
		return figure("In the queue", "visible", "unknown", "no response from SQS yet")
	}
	return figure("In the queue", "visible", count(d.Visible),
		fmt.Sprintf("%s in flight, %s delayed; %s ago", count(d.InFlight), count(d.Delayed), span(now, d.AsOf)))
}

// lag returns the age of the oldest message.
func (q *Queue) lag() string {
	switch {
	case q.Lag == Unknown:
		return "unknown"
	case q.LagAtLeast:
		return "at least " + seconds(time.Duration(q.Lag))
	default:
		return seconds(time.Duration(q.Lag))
	}
}

// deadLetters shows what is in the dead-letter queue, if there is one.
func deadLetters(d *DeadLetters) g.Node {
	if d == nil {
		return nil
	}
	value := "unknown"
	if d.Messages != nil {
		value = count(*d.Messages)
	}
	return figure("Dead letters", "dead-letters", value, "in "+d.Name+"; "+count(d.Sent)+" sent by this worker")
}

// drain returns how long it will take to empty the queue.
func (q *Queue) drain() string {
	switch q.DrainState {
	case DrainGrowing:
		return "growing"
	case DrainSteady:
		return "not shrinking"
	case DrainPaused:
		return "paused"
	case DrainAway:
		return "stopped"
	case DrainEmpty:
		return "empty"
	case DrainShrinking:
		return q.emptyIn()
	default:
		return "unknown"
	}
}

// queueCharts are empty. page.js draws in them, and data-keep preserves its drawing. Each
// caption says what the lines are, in their colors. Where the concurrency is found, one shows
// it.
func queueCharts(name string, adapts bool) g.Node {
	line := func(class, text string) g.Node { return h.Span(h.Class("key "+class), g.Text(text)) }
	chart := func(of, label string, lines ...g.Node) g.Node {
		return h.Figure(
			h.Data("queue", name), h.Data("chart", of),
			h.Aria("label", label+" of queue "+name+" over the last 15 minutes"),
			h.FigCaption(append([]g.Node{g.Text(label + " ")}, lines...)...),
		)
	}
	return h.Div(
		h.Class("charts"), g.Attr("data-keep"),
		chart("backlog", "Backlog", line("one", "messages waiting in the queue")),
		chart("lag", "Lag", line("one", "age of the oldest known message, seconds")),
		chart("deliveries", "Deliveries a second", line("one", "delivered"), line("three", "failed")),
		chart("latency", "Delivery time", line("one", "median"), line("two", "99th percentile, seconds")),
		chart("waits", "Waiting time", line("one", "for the rate"), line("four", "for a quota"), line("two", "for a slot"), line("three", "for the gate, seconds")),
		g.If(adapts, chart("limit", "Concurrency found", line("one", "concurrent deliveries"))),
	)
}
