package consumer

import (
	"fmt"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

func TestADurationIsInTheFirstBucketWhoseBoundIsNotBelowIt(t *testing.T) {
	t.Parallel()
	for bucket := range durationBuckets - 1 {
		bound := DurationBound(bucket)
		if next := DurationBound(bucket + 1); next <= bound || float64(next) > 1.3*float64(bound) {
			t.Errorf("bucket %d ends at %v, the next at %v", bucket, bound, next)
		}
		if got := bucketOf(bound - 250*time.Microsecond); got != bucket {
			t.Errorf("%v is in bucket %d, not %d", bound-250*time.Microsecond, got, bucket)
		}
		if got := bucketOf(bound); got != bucket+1 {
			t.Errorf("%v is in bucket %d, not %d", bound, got, bucket+1)
		}
	}
	for _, d := range []time.Duration{-time.Second, 0, 1 << 62} {
		if got := bucketOf(d); got != 0 && got != durationBuckets-1 {
			t.Errorf("%v is in bucket %d", d, got)
		}
	}
}

func TestFailuresOfOneCauseAreCountedTogether(t *testing.T) {
	t.Parallel()
	var c causes
	start := time.Date(2026, 7, 24, 12, 0, 0, 0, time.UTC)
	for i := range 10 {
		at := start.Add(time.Duration(i) * time.Second)
		c.add(Failure{At: at, MessageID: fmt.Sprint("m", i), Outcome: "connection", Reason: "refused", Detail: fmt.Sprintf("dial tcp 10.0.0.%d:80: connect: connection refused", i)})
		c.add(Failure{At: at, MessageID: "other", Outcome: "unavailable", Status: 503, Reason: "5xx", Detail: fmt.Sprint("anything ", i)})
	}
	c.add(Failure{At: start, Reason: "network", Detail: "ReceiveMessage on orders: connection reset"})
	if len(c) != 3 {
		t.Fatalf("%d causes: %+v", len(c), c)
	}
	want := Cause{Outcome: "connection", Reason: "refused", Words: "connection refused", Count: 10, First: start, Last: start.Add(9 * time.Second), Example: "m9"}
	if c[0] != want || c[1].Count != 10 || c[1].Words != "" || c[2].Words != "connection reset" {
		t.Errorf("%+v", c)
	}
	for i := range 2 * causesKept {
		c.add(Failure{At: start.Add(time.Duration(i) * time.Minute), Outcome: "failed", Status: 500 + i})
	}
	if len(c) != causesKept {
		t.Errorf("%d causes are kept", len(c))
	}
}

func TestWaitsAreCountedByWhatFor(t *testing.T) {
	t.Parallel()
	var w Waits
	w.add(ratelimit.Token, time.Second)
	w.add(ratelimit.Token, 2*time.Second)
	w.add(ratelimit.Allowance, 4*time.Second)
	w.add(ratelimit.Consent, time.Minute)
	w.add(ratelimit.Nothing, 0)
	if want := (Waits{Token: Wait{3 * time.Second, 2}, Quota: Wait{4 * time.Second, 1}, Gate: Wait{time.Minute, 1}, Slot: Wait{0, 1}}); w != want {
		t.Errorf("%+v", w)
	}
}
