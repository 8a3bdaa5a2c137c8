package consumer

import (
	"math/bits"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// Durations counts durations in buckets that are a quarter of a doubling wide, from 1 ms to
// 4.6 hours: enough for a median and a 99th percentile of the last seconds. It is nil until
// there is one.
type Durations []int64

const (
	durationBuckets = 96
	perDoubling     = 4
)

// add counts d.
func (c *Durations) add(d time.Duration) {
	if *c == nil {
		*c = make(Durations, durationBuckets)
	}
	(*c)[bucketOf(d)]++
}

// bucketOf returns the bucket of d: the first whose bound is not below it.
func bucketOf(d time.Duration) int {
	us := uint64(max(d/time.Microsecond, 0))
	units := us / 250 // of a quarter of a millisecond
	if units < perDoubling {
		return 0
	}
	exponent := bits.Len64(units) - 3                                                      // of the part above the quarters
	return min(1+exponent*perDoubling+int(units>>exponent)-perDoubling, durationBuckets-1) //nolint:gosec // under 8
}

// DurationBound returns the upper bound of a bucket of Durations.
func DurationBound(bucket int) time.Duration {
	if bucket == 0 {
		return time.Millisecond
	}
	exponent, quarter := (bucket-1)/perDoubling, (bucket-1)%perDoubling
	return time.Duration(perDoubling+quarter+1) << exponent * 250 * time.Microsecond
}

// Waits are how long messages in hand have waited before their delivery, by what they waited
// for.
type Waits struct{ Slot, Token, Quota, Gate Wait }

// Wait is how long messages have waited, in all.
type Wait struct {
	Sum   time.Duration
	Count int64
}

// add counts a wait, as the histogram does.
func (w *Waits) add(want ratelimit.Want, d time.Duration) {
	one := &w.Slot
	switch want {
	case ratelimit.Token:
		one = &w.Token
	case ratelimit.Allowance:
		one = &w.Quota
	case ratelimit.Consent:
		one = &w.Gate
	}
	one.Sum += d
	one.Count++
}

// Cause is one way in which deliveries, or SQS calls, have failed.
type Cause struct {
	// Outcome and Status are empty for SQS calls.
	Outcome string
	Status  int
	Reason  string
	// Words say more, if there was no answer.
	Words       string
	Count       int64
	First, Last time.Time
	// Example is the id of the last message that failed so.
	Example string
}

// causesKept is how many causes are remembered; the one that was last seen longest ago goes.
const causesKept = 50

// causes groups failures by their cause.
type causes []Cause

func (c *causes) add(f Failure) {
	words := wordsOf(f)
	oldest := 0
	for i := range *c {
		one := &(*c)[i]
		if one.Outcome == f.Outcome && one.Status == f.Status && one.Reason == f.Reason && one.Words == words {
			one.Count++
			one.Last, one.Example = f.At, f.MessageID
			return
		}
		if one.Last.Before((*c)[oldest].Last) {
			oldest = i
		}
	}
	fresh := Cause{
		Outcome: f.Outcome, Status: f.Status, Reason: f.Reason, Words: words,
		Count: 1, First: f.At, Last: f.At, Example: f.MessageID,
	}
	if len(*c) == causesKept {
		(*c)[oldest] = fresh
		return
	}
	*c = append(*c, fresh)
}

const longestWords = 80

// wordsOf returns the innermost cause of a failure without an answer: what comes before it
// has addresses, which differ though the cause is the same.
func wordsOf(f Failure) string {
	if f.Status != 0 {
		return ""
	}
	words := f.Detail[strings.LastIndex(f.Detail, ": ")+1:]
	words = strings.TrimSpace(words)
	if len(words) > longestWords {
		words = strings.ToValidUTF8(words[:longestWords], "") + "…"
	}
	return words
}

// failedDeliveries returns how many deliveries were not delivered.
func (s *stats) failedDeliveries() int64 {
	n := int64(0)
	for key, count := range s.deliveries {
		if key.outcome != message.Delivered {
			n += count
		}
	}
	return n
}
