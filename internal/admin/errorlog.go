package admin

import (
	"bytes"
	"log"
	"log/slog"
)

// errorLog takes the log lines of http.Server. Except for panics, they are caused by
// clients (one went away or did not speak HTTP) and are not worth waking anybody for.
func errorLog(logger *slog.Logger) *log.Logger {
	return log.New(lines{logger}, "", 0)
}

type lines struct{ logger *slog.Logger }

// Write implements io.Writer. Each call is one line.
func (l lines) Write(line []byte) (int, error) {
	text := slog.String("error", string(bytes.TrimSpace(line)))
	if bytes.Contains(line, []byte("panic")) {
		l.logger.Warn("admin port: handler panicked", text)
	} else {
		l.logger.Debug("admin port: connection failed", text)
	}
	return len(line), nil
}
