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

// assets are what the page asks for, by their path on the port.
var assets = map[string]string{
	"/page.css":  "page/page.css",
	"/page.js":   "page/page.js",
	"/icon.svg":  "page/icon.svg",
	"/uplot.js":  "page/uplot/uPlot.iife.min.js",
	"/uplot.css": "page/uplot/uPlot.min.css",
}

// handler answers GET and HEAD (the mux says 405 with Allow to other methods,
// and 404 to other paths), each answer with the headers of the port.
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
	mux.HandleFunc("GET /history.json", func(w http.ResponseWriter, r *http.Request) { s.answerJSON(w, r, s.history.columns()) })
	mux.HandleFunc("GET /{$}", s.answerPage)
	for path, file := range assets {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			// A new build has new files: ask each time, they are small.
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeFileFS(w, r, files, file)
		})
	}
	return guarded(mux)
}

// guarded sets what a browser has to know: load nothing from elsewhere, guess no
// types, keep nothing, show it in no frame.
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

// answerProblems says the word and 200 while there are none, else 503 and each
// of them in a line.
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
		s.options.Logger.WarnContext(r.Context(), "the status cannot be shown", slog.Any("error", err))
		http.Error(w, "the status cannot be shown as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(append(body, '\n'))
}

// scrapes takes what promhttp has to say: a metric that cannot be gathered.
type scrapes struct{ logger *slog.Logger }

// Println implements promhttp.Logger.
func (s scrapes) Println(v ...any) {
	s.logger.Warn("the metrics are not whole", slog.String("error", strings.TrimSpace(fmt.Sprintln(v...))))
}
