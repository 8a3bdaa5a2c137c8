package config

import (
	"fmt"
	"strconv"
	"strings"
)

// maxRate is the highest rate a second. It is far over what one process delivers.
const maxRate = 1_000_000

// Rate is how many deliveries may start. Its zero value is no rate at all; a rate
// of 0 pauses.
type Rate struct {
	Limited   bool
	PerSecond float64
}

// UnmarshalText reads 28/s, 1000/m, 50000/h, 28 (a second), or none.
func (r *Rate) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "none" {
		*r = Rate{}
		return nil
	}
	number, unit, _ := strings.Cut(s, "/")
	seconds, known := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[unit]
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !known || strings.HasSuffix(s, "/") || strings.Trim(number, "0123456789.") != "" {
		return fmt.Errorf("%sis no rate: write 28/s, 1000/m or 50000/h", quoted(s))
	}
	if n/seconds > maxRate {
		return fmt.Errorf("%sis more than 1,000,000 a second: write a smaller rate, or none for no limit", quoted(s))
	}
	*r = Rate{Limited: true, PerSecond: n / seconds}
	return nil
}

// String is the rate a second, or none.
func (r Rate) String() string {
	if !r.Limited {
		return "none"
	}
	return strconv.FormatFloat(r.PerSecond, 'g', 6, 64) + "/s"
}
