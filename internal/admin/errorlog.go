package admin

import (
	"bytes"
	"log"
	"log/slog"
)

// errorLog takes the lines of http.Server. They are a client's doing (it went
// away, it spoke no HTTP) and not worth a line at night, but for a panic.
func errorLog(logger *slog.Logger) *log.Logger {
	return log.New(lines{logger}, "", 0)
}

type lines struct{ logger *slog.Logger }

// Write implements io.Writer: one call a line.
func (l lines) Write(line []byte) (int, error) {
	text := slog.String("error", string(bytes.TrimSpace(line)))
	if bytes.Contains(line, []byte("panic")) {
		l.logger.Warn("an answer of the admin port failed", text)
	} else {
		l.logger.Debug("a connection to the admin port failed", text)
	}
	return len(line), nil
}
