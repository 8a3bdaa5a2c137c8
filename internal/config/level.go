package config

import (
	"fmt"
	"log/slog"
	"strings"
)

// Level is how much is logged: debug, info, warn or error.
type Level slog.Level

// UnmarshalText reads a level's name, in any case.
func (l *Level) UnmarshalText(text []byte) error {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(level.String(), string(text)) {
			*l = Level(level)
			return nil
		}
	}
	return fmt.Errorf("invalid log level%s: use debug, info, warn or error", shown(string(text)))
}

// String is the level's name.
func (l Level) String() string { return strings.ToLower(slog.Level(l).String()) }
