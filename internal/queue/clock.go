package queue

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// clockSamples is how many answers the offset is the median of.
	clockSamples = 9
	// clockNoise is what the offset must be over to count: Date has whole seconds.
	clockNoise = 2 * time.Second
	// quickAnswer is the longest that an answer takes which SQS gave at once: its
	// Date was written in the middle. A long poll's was written at the end.
	quickAnswer = time.Second
)

// clock is SQS's clock less ours, by the Date of the answers.
type clock struct {
	offset atomic.Int64

	mu      sync.Mutex // guards what follows
	samples [clockSamples]time.Duration
	n       int // samples so far
	ahead   ahead
}

// note takes in the Date of an answer.
func (c *clock) note(sent, came time.Time, header http.Header) {
	if header.Get("Age") != "" {
		return // somebody else's answer, kept
	}
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	at := came
	if took := came.Sub(sent); took <= quickAnswer {
		at = came.Add(-took / 2)
	}
	sample := date.Add(500 * time.Millisecond).Sub(at)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead.note(date, sent, came)
	c.samples[c.n%clockSamples] = sample
	c.n++
	sorted := c.samples
	known := sorted[:min(c.n, clockSamples)]
	slices.Sort(known)
	median := known[len(known)/2]
	if median.Abs() <= clockNoise {
		median = 0
	}
	c.offset.Store(int64(median))
}

// handedOut is the earliest moment, by our clock, at which SQS can have written an
// answer of that Date to a call that was made at sent; the zero time if nothing is
// known of its clock.
func (c *clock) handedOut(date, sent, came time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead.earliest(date, sent, came)
}

func (c *clock) now() time.Duration { return time.Duration(c.offset.Load()) }
