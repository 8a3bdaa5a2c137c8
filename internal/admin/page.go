package admin

import (
	"bytes"
	"html/template"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page shows a Status; page.js asks for it again and again.
var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"count":    count[int],
	"count64":  count[int64],
	"counts":   counts[int],
	"counts64": counts[int64],
	"duration": func(s Seconds) string { return seconds(time.Duration(s)) },
	"span":     func(now, since time.Time) string { return seconds(now.Sub(since).Round(time.Second)) },
	"clock":    clock,
	"unsaid":   unsaid,
	"unsaidOf": unsaidOf,
	"rate":     rate,
	"limited":  limited,
	"mean":     mean,
	"drain":    drain,
	"lately":   lately,
	"failure":  failure,
	"words":    func(label string) string { return strings.ReplaceAll(label, "_", " ") },
}).ParseFS(files, "page/page.html"))

func (s *Server) answerPage(w http.ResponseWriter, r *http.Request) {
	var b bytes.Buffer
	if err := page.Execute(&b, s.status(time.Now())); err != nil {
		s.options.Logger.WarnContext(r.Context(), "the page cannot be shown", slog.Any("error", err))
		http.Error(w, "the page cannot be shown; /status.json may be", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

type named struct{ Name, Count string }

// inOrder is how labels are listed: the way of a message, not the alphabet.
var inOrder = []string{
	"waiting", "delivering", "held", "deleting", "releasing",
	"full", "partial", "empty", "error",
	"delivered", "failed", "rejected", "released", "cut_off", "dead_lettered", "discarded", "abandoned",
}

func counts[N int | int64](byName map[string]N) []named {
	place := func(name string) int {
		if i := slices.Index(inOrder, name); i >= 0 {
			return i
		}
		return len(inOrder)
	}
	names := slices.Sorted(maps.Keys(byName))
	slices.SortStableFunc(names, func(a, b string) int { return place(a) - place(b) })
	all := make([]named, 0, len(names))
	for _, name := range names {
		all = append(all, named{name, count(byName[name])})
	}
	return all
}

// limited is the rate, where there is one that can be shown as a part of a whole.
func limited(p Pace) float64 {
	if r := float64(p.Rate); r > 0 && !math.IsInf(r, 1) {
		return r
	}
	return 0
}

func mean(n Number) string {
	if math.IsNaN(float64(n)) {
		return "–"
	}
	return seconds(time.Duration(float64(n) * float64(time.Second)))
}

func drain(q Queue) string {
	switch q.DrainState {
	case DrainGrowing:
		return "growing"
	case DrainEmpty:
		return "none waits"
	case DrainShrinking:
		return "about " + mean(q.Drain)
	default:
		return "unknown"
	}
}

// unsaid are the problems that the verdict above does not say already.
func unsaid(s Status) []Problem {
	return slices.DeleteFunc(slices.Concat(s.Unhealthy, s.NotReady), func(p Problem) bool {
		return strings.Contains(s.Verdict.Text, p.What)
	})
}

// unsaidOf is the queue's problem, unless a verdict on the page says it already.
func unsaidOf(s Status, q Queue) *SQSProblem {
	if q.Problem == nil || strings.Contains(s.Verdict.Text, q.Problem.What) ||
		len(s.Queues) > 1 && strings.Contains(q.Verdict.Text, q.Problem.What) {
		return nil
	}
	return q.Problem
}

// lately is the last minute's count of what d counts.
func lately(t Target, d Deliveries) string {
	for _, l := range t.DeliveriesLastMinute {
		if l.Outcome == d.Outcome && l.Status == d.Status {
			return count(l.Count)
		}
	}
	return "0"
}

func failure(f Failure) string {
	what := "SQS: " + f.Reason
	if f.Outcome != "" {
		what = f.Outcome + ", " + f.Reason
	}
	if f.Status != 0 {
		what = f.Outcome + ", " + strconv.Itoa(f.Status)
	}
	return what
}
