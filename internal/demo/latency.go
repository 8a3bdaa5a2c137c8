package demo

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Latency is how long the sink takes for an answer: evenly spread from Min to Max.
type Latency struct {
	Min, Max time.Duration
}

// UnmarshalText reads 200ms, or a range such as 100ms-200ms.
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

// of is the latency of the n-th request.
func (l Latency) of(n int64) time.Duration {
	return l.Min + time.Duration(spread(n)*float64(l.Max-l.Min))
}

// spread is the n-th of numbers from 0 to 1. The multiples of the golden ratio,
// without their whole parts, are as even a spread as there is, and the same in
// every run.
func spread(n int64) float64 {
	_, part := math.Modf(float64(n) * math.Phi)
	return part
}
