package admin

import (
	"bytes"
	"html/template"
	"log/slog"
	"net/http"
	"time"
)

var page = template.Must(template.New("page.html").ParseFS(files, "page/page.html"))

func (s *Server) answerPage(w http.ResponseWriter, _ *http.Request) {
	var b bytes.Buffer
	if err := page.Execute(&b, s.status(time.Now())); err != nil {
		s.options.Logger.Warn("the page cannot be shown", slog.Any("error", err))
		http.Error(w, "the page cannot be shown; /status.json may be", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(b.Bytes())
}
