package demo

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Limit is how many requests are accepted in any window of a given length: 28/s is at
// most 28 in any second, 1000/m at most 1,000 in any minute. The zero value is no limit.
type Limit struct {
	N   int
	Per time.Duration
}

// maxLimit bounds how much is remembered of the window.
const maxLimit = 10_000_000

var units = map[string]time.Duration{"": time.Second, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// UnmarshalText parses 28/s, 1000/m, 50000/h, or a bare number a second.
func (l *Limit) UnmarshalText(text []byte) error {
	number, unit, slash := strings.Cut(string(text), "/")
	per, known := units[unit]
	n, err := strconv.Atoi(number)
	if err != nil || !known || slash && unit == "" || n < 1 || n > maxLimit {
		return fmt.Errorf("invalid limit %q: write a whole number from 1 to %d and a unit, such as 28/s, 1000/m or 50000/h",
			text, maxLimit)
	}
	*l = Limit{N: n, Per: per}
	return nil
}

func (l Limit) String() string {
	switch {
	case l.N == 0:
		return "none"
	case l.Per == 24*time.Hour:
		return strconv.Itoa(l.N) + "/d"
	case l.Per == time.Hour:
		return strconv.Itoa(l.N) + "/h"
	case l.Per == time.Minute:
		return strconv.Itoa(l.N) + "/m"
	default:
		return strconv.Itoa(l.N) + "/s"
	}
}
