package demo

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Latency is how long the sink takes to answer, uniformly distributed from Min to Max.
type Latency struct {
	Min, Max time.Duration
}

// UnmarshalText parses 200ms, or a range such as 100ms-200ms.
func (l *Latency) UnmarshalText(text []byte) error {
	from, to, ranged := strings.Cut(string(text), "-")
	if !ranged {
		to = from
	}
	shortest, err := time.ParseDuration(from)
	longest, err2 := time.ParseDuration(to)
	if err != nil || err2 != nil || shortest < 0 || shortest > longest {
		return fmt.Errorf("invalid latency %q: write a duration such as 200ms, or a range such as 100ms-200ms", text)
	}
	*l = Latency{Min: shortest, Max: longest}
	return nil
}

func (l Latency) String() string {
	if l.Min == l.Max {
		return l.Min.String()
	}
	return l.Min.String() + "-" + l.Max.String()
}

// of returns the latency of the n-th request.
func (l Latency) of(n int64) time.Duration {
	return l.Min + time.Duration(spread(n)*float64(l.Max-l.Min))
}

// spread returns the n-th of a sequence of numbers from 0 to 1: the fractional parts of
// the multiples of the golden ratio, which are evenly spread and the same in every run.
func spread(n int64) float64 {
	_, part := math.Modf(float64(n) * math.Phi)
	return part
}
