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
	// quickAnswer bounds the calls that tell the offset: SQS has written the Date within
	// that time.
	quickAnswer = time.Second
)

// clock estimates SQS's clock minus ours from the Date of responses. A response is written
// after its call is sent and before it arrives, so
//
//	Date - came <= offset < Date + 1 s - sent
//
// A quick response tells the offset. A slow one may have waited in SQS, as a long poll does,
// or on its way to us, and cannot say which: it counts only where the offset that is known
// contradicts it, as the end of a long poll.
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
	took := came.Sub(sent)
	sent = came.Add(-took) // by the clock as it is now, if it was set meanwhile

	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead.note(date, sent, came)
	if by := c.setBy(came); by != 0 {
		c.n = 0 // the older samples are of another clock
		c.take(c.now() - by)
	}
	c.came, c.wall = came, came.Round(0)
	half := took / 2
	if took > quickAnswer {
		if known := c.now(); known > date.Sub(came)-clockNoise && known < date.Sub(sent)+clockNoise {
			return date
		}
		half = 0
	}
	c.samples[c.n%clockSamples] = date.Add(500 * time.Millisecond).Sub(came.Add(-half))
	c.n++
	sorted := c.samples
	known := sorted[:min(c.n, clockSamples)]
	slices.Sort(known)
	median := known[len(known)/2]
	c.take(median)
	return date
}

func (c *clock) take(offset time.Duration) {
	if offset.Abs() <= clockNoise {
		offset = 0
	}
	c.offset.Store(int64(offset))
}

// setBy returns by how much our wall clock was set ahead since the last response: it and
// the monotonic clock no longer agree. A machine that was suspended looks the same.
func (c *clock) setBy(now time.Time) time.Duration {
	if by := now.Round(0).Sub(c.wall) - now.Sub(c.came); !c.came.IsZero() && by.Abs() > clockNoise {
		return by
	}
	return 0
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
