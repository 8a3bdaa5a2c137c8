package admin

import (
	"bytes"
	"log/slog"
	"net/http"
	"time"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"
)

func (s *Server) answerPage(w http.ResponseWriter, r *http.Request) {
	v, ok := viewOf(s.status(time.Now()), r.URL.Query().Get("queue"))
	if !ok {
		http.Error(w, "there is no such queue: see / for all", http.StatusNotFound)
		return
	}
	s.answerHTML(w, r, document(v))
}

// answerHTML answers with the complete page, or with an error if it cannot be made.
func (s *Server) answerHTML(w http.ResponseWriter, r *http.Request, page g.Node) {
	var b bytes.Buffer
	if err := page.Render(&b); err != nil {
		s.options.Logger.WarnContext(r.Context(), "cannot show the page", slog.Any("error", err))
		http.Error(w, "cannot show the page; try /status.json", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}

// document returns the page for v. page.js fetches it repeatedly and replaces what has
// changed inside #main.
func document(v view) g.Node {
	s := v.Status
	return h.Doctype(h.HTML(
		h.Lang("en"),
		head(s),
		h.Body(
			h.P(h.ID("gone"), h.Role("alert"), g.Attr("hidden")),
			h.Main(
				h.ID("main"),
				daemon(s),
				v.cards(),
				failuresCard(s),
				heldCard(s),
				eventsCard(s.Events),
				controls(s),
				footer(s),
			),
		),
	))
}

func head(s Status) g.Node {
	return h.Head(
		h.Meta(h.Charset("utf-8")),
		h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
		h.Meta(h.Name("color-scheme"), h.Content("light dark")),
		h.TitleEl(g.Text(s.Verdict.Text+" · poller")),
		h.Link(h.Rel("icon"), h.Href("icon.svg"), h.Type("image/svg+xml")),
		h.Link(h.Rel("stylesheet"), h.Href("uplot.css")),
		h.Link(h.Rel("stylesheet"), h.Href("page.css")),
		h.Script(h.Src("uplot.js"), h.Defer()),
		h.Script(h.Src("page.js"), h.Defer()),
		// Without JavaScript the browser reloads the whole page.
		h.NoScript(h.Meta(g.Attr("http-equiv", "refresh"), h.Content("5"))),
	)
}

func footer(s Status) g.Node {
	return h.Footer(h.P(
		g.Text("As of "), h.Time(h.ID("at"), g.Text(clock(s.At))), g.Text("."),
		g.If(s.Dashboard != "", link(s.Dashboard, "more than the last 15 minutes")),
		link("status.json", "status.json"),
		link("metrics", "metrics"),
		link("-/healthy", "healthy"),
		link("-/ready", "ready"),
	))
}

// link returns one of several links on a line, with a space before it.
func link(to, text string) g.Node {
	return g.Group{g.Text(" "), h.A(h.Href(to), g.Text(text))}
}
