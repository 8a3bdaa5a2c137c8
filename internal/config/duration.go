package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that is written 500ms, 30s, 5m or 1h30m.
type Duration time.Duration

// UnmarshalText reads a number with a unit.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "" {
		return errors.New("empty duration: use a number with a unit, such as 500ms, 30s or 5m")
	}
	v, err := time.ParseDuration(s)
	if err == nil && (v != 0 || strings.ContainsAny(s, "smh")) {
		*d = Duration(v)
		return nil
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil && isShort(s) {
		return fmt.Errorf("duration %s has no unit: use %ss for seconds", s, s)
	}
	return fmt.Errorf("invalid duration%s: use a number with a unit, such as 500ms, 30s or 5m", shown(s))
}

// String is as time.Duration's, without the zeros at its end: 15m, not 15m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
