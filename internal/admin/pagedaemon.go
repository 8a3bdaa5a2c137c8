package admin

import (
	"fmt"
	"slices"
	"strings"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

// daemon shows the daemon as a whole: its build, its state, the verdict, and the problems
// that the verdict does not mention.
func daemon(s Status) g.Node {
	return g.Group{
		h.Header(build(s.Build), chips(s)),
		h.H1(h.ID("verdict"), h.Class("verdict "+string(s.Verdict.Level)), verdict(s.Verdict)),
		problems(s),
	}
}

// build shows the build. page.js reloads the page if it changes.
func build(b Build) g.Node {
	return h.P(h.Class("who"), h.Strong(g.Text("poller")), g.Text(" "+b.Version+" "), dim(b.Commit))
}

func chips(s Status) g.Node {
	chip := func(class, text string) g.Node { return h.Li(h.Class(class), g.Text(text)) }
	ready, healthy := chip("good", "ready"), chip("good", "healthy")
	if !s.Ready {
		ready = chip("notice", "not ready")
	}
	if !s.Healthy {
		healthy = chip("bad", "stuck")
	}
	return h.Ul(
		h.Class("chips"), h.Aria("label", "The daemon"),
		ready,
		healthy,
		g.If(s.Draining, chip("notice", "draining")),
		h.Li(h.Title("memory taken by messages, of what they may take"), g.Text(s.Memory.inWords())),
		h.Li(g.Text("up "+seconds(time.Duration(s.Uptime)))),
	)
}

// inWords says how full the memory for messages is.
func (m Memory) inWords() string {
	const mib = 1 << 20
	if m.Messages < mib/10 {
		return fmt.Sprintf("memory for messages: %d KiB of %.3g MiB", m.Messages>>10, float64(m.Budget)/mib)
	}
	return fmt.Sprintf("memory for messages: %.3g of %.3g MiB", float64(m.Messages)/mib, float64(m.Budget)/mib)
}

// verdict shows the level as a shape too, for those who cannot see its color. Screen
// readers read only the sentence.
func verdict(v Verdict) g.Node {
	mark := map[Level]string{Good: "●", Notice: "▲"}[v.Level]
	if mark == "" {
		mark = "✕"
	}
	return g.Group{
		h.Span(h.Class("mark"), h.Aria("hidden", "true"), g.Text(mark)),
		g.Text(" "),
		h.Span(g.Text(v.Text)),
	}
}

func problems(s Status) g.Node {
	unsaid := s.unsaid()
	if len(unsaid) == 0 {
		return nil
	}
	return h.Ul(
		h.Class("problems"), h.Aria("label", "Problems"),
		g.Map(unsaid, func(p Problem) g.Node { return h.Li(problem(p, s.At)) }),
	)
}

// unsaid returns the problems that the verdict does not mention.
func (s *Status) unsaid() []Problem {
	return slices.DeleteFunc(slices.Concat(s.Unhealthy, s.NotReady), func(p Problem) bool {
		return strings.Contains(s.Verdict.Text, p.What)
	})
}

// problem returns p as a sentence with its time marked up.
func problem(p Problem, now time.Time) g.Node {
	return g.Group{
		g.Text(p.What + ", since "), h.Time(g.Text(clock(p.Since))), g.Text(" (" + span(now, p.Since) + ")"),
	}
}

// dim de-emphasizes text.
func dim(text string) g.Node { return h.Span(h.Class("dim"), g.Text(text)) }
