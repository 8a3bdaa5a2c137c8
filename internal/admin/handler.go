package admin

import (
	"embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

//go:embed page
var files embed.FS

// assets are the files that the page loads, by path.
var assets = map[string]string{
	"/page.css":  "page/page.css",
	"/page.js":   "page/page.js",
	"/icon.svg":  "page/icon.svg",
	"/uplot.js":  "page/uplot/uPlot.iife.min.js",
	"/uplot.css": "page/uplot/uPlot.min.css",
}

// handler returns the port's handler. It answers GET and HEAD, and POST to the control API
// if there is one; the mux answers 405 to other methods and 404 to other paths. Every
// response has the port's headers.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.options.Gatherer, promhttp.HandlerOpts{
		EnableOpenMetrics: true,
		ErrorHandling:     promhttp.ContinueOnError,
		ErrorLog:          scrapes{s.options.Logger},
	}))
	mux.HandleFunc("GET /-/healthy", answerProblems("healthy", s.options.Healthy))
	mux.HandleFunc("GET /-/ready", answerProblems("ready", s.options.Ready))
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, r *http.Request) { s.answerJSON(w, r, s.status(time.Now())) })
	mux.HandleFunc("GET /history.json", func(w http.ResponseWriter, r *http.Request) {
		s.answerJSON(w, r, s.history.columns(r.URL.Query().Get("queue")))
	})
	mux.HandleFunc("GET /{$}", s.answerPage)
	for path, file := range assets {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			// A new build has new files. They are small, so they are loaded every time.
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, file)
		})
	}
	if s.control != nil {
		s.control.handle(mux)
	}
	return guarded(mux)
}

// guarded sets the headers that tell a browser to load nothing from other hosts, not to
// guess types, not to cache, and not to show the page in a frame.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// answerProblems answers 200 and the word if there are no problems, else 503 and a line
// for each.
func answerProblems(word string, problems func(time.Time) []Problem) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		now := time.Now()
		all := problems(now)
		if len(all) == 0 {
			_, _ = fmt.Fprintln(w, word)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		for _, p := range all {
			_, _ = fmt.Fprintf(w, "not %s: %s, since %s (%s)\n",
				word, oneLine(p.What), p.Since.UTC().Format(time.RFC3339), seconds(now.Sub(p.Since)))
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func (s *Server) answerJSON(w http.ResponseWriter, r *http.Request, value any) {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		s.options.Logger.WarnContext(r.Context(), "cannot show the status", slog.Any("error", err))
		http.Error(w, "cannot show the status as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(body, '\n'))
}

// scrapes logs errors of promhttp, such as a metric that cannot be gathered.
type scrapes struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (s scrapes) Println(v ...any) {
	s.logger.Warn("metrics are incomplete", slog.String("error", strings.TrimSpace(fmt.Sprintln(v...))))
}
