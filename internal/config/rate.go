package config

import (
	"fmt"
	"math"
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
		return fmt.Errorf("invalid rate%s: use 28/s, 1000/m or 50000/h", shown(s))
	}
	if n/seconds > maxRate {
		return fmt.Errorf("rate%s is over 1,000,000 per second: use a lower rate, or none for no limit", shown(s))
	}
	*r = Rate{Limited: true, PerSecond: n / seconds}
	return nil
}

// String is the rate as a person would write it, in the first unit in which two decimals
// are enough; or none.
func (r Rate) String() string {
	if !r.Limited {
		return "none"
	}
	for _, unit := range []struct {
		seconds float64
		name    string
	}{{1, "/s"}, {60, "/m"}, {3600, "/h"}} {
		n := r.PerSecond * unit.seconds
		if short := math.Round(n*100) / 100; math.Abs(n-short) <= 1e-9*n {
			return strconv.FormatFloat(short, 'f', -1, 64) + unit.name
		}
	}
	return strconv.FormatFloat(rounded(r.PerSecond), 'f', -1, 64) + "/s"
}

// rounded has six digits, as far as they are behind the point.
func rounded(perSecond float64) float64 {
	if perSecond >= 1e6 || perSecond == 0 {
		return math.Round(perSecond)
	}
	grain := math.Pow(10, 5-math.Floor(math.Log10(perSecond)))
	return math.Round(perSecond*grain) / grain
}
