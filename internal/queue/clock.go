package queue

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// clockSamples is how many responses the offset is the median of.
	clockSamples = 9
	// clockNoise is the offset up to which the clocks count as equal: Date has whole
	// seconds.
	clockNoise = 2 * time.Second
	// quickAnswer bounds the calls that SQS answers immediately, whose Date is taken
	// from the middle of the call. A long poll's Date is from its end.
	quickAnswer = time.Second
)

// clock estimates SQS's clock minus ours from the Date of responses.
type clock struct {
	offset atomic.Int64
	last   atomic.Int64 // of the last response alone, as the SDK uses it

	mu      sync.Mutex // guards what follows
	samples [clockSamples]time.Duration
	n       int // samples so far
	ahead   ahead
	// When the last response came, by our monotonic clock and by our wall clock.
	came, wall time.Time
}

// note records the Date of a response, and returns it; the zero time if there is none.
func (c *clock) note(sent, came time.Time, header http.Header) time.Time {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	if header.Get("Age") != "" {
		return date // from a cache
	}
	c.last.Store(int64(date.Sub(came)))
	at := came
	if took := came.Sub(sent); took <= quickAnswer {
		at = came.Add(-took / 2)
	}
	sample := date.Add(500 * time.Millisecond).Sub(at)

	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead.note(date, sent, came)
	if c.wasSet(came) {
		c.n = 0 // the older samples are of another clock
	}
	c.came, c.wall = came, came.Round(0)
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
	return date
}

// wasSet reports whether our wall clock was set since the last response, or the machine
// suspended: then it and the monotonic clock no longer agree.
func (c *clock) wasSet(now time.Time) bool {
	return c.n > 0 && (now.Round(0).Sub(c.wall)-now.Sub(c.came)).Abs() > clockNoise
}

// handedOut returns the earliest time, on our clock, at which SQS can have written a
// response with that Date to a call made at sent, or the zero time if SQS's clock is
// unknown.
func (c *clock) handedOut(date, sent, came time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ahead.earliest(date, sent, came)
}

// skew returns by how much SQS's clock was ahead of ours when it last answered.
func (c *clock) skew() time.Duration { return time.Duration(c.last.Load()) }

func (c *clock) now() time.Duration { return time.Duration(c.offset.Load()) }
