package main

import (
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/lmittmann/tint"
)

// newLogger logs to out: as text for a person to read, or as JSON. The level may
// change while it is in use.
func newLogger(out io.Writer, format string, p *process, level *slog.LevelVar) *slog.Logger {
	if format == "auto" {
		format = "json"
		if p.interactive {
			format = "text"
		}
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: level, ReplaceAttr: inSeconds}))
	}
	return slog.New(tint.NewTextHandler(out, &tint.Options{
		Level:       level,
		TimeFormat:  "15:04:05.000",
		NoColor:     !p.color,
		ReplaceAttr: rounded,
	}))
}

// inSeconds writes durations as a number of seconds, to the microsecond, which is
// what programs can add up: 0.0123. Errors are their text.
func inSeconds(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.Float64(a.Key, math.Round(a.Value.Duration().Seconds()*1e6)/1e6)
	}
	return a
}

// rounded writes durations with three digits or so: 12.3ms.
func rounded(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	d := a.Value.Duration()
	grain := time.Nanosecond
	for grain < d.Abs()/1000 {
		grain *= 10
	}
	return slog.String(a.Key, d.Round(grain).String())
}
