package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/demo"
)

// demoResult is what came of the requests, by the poller and by the push.
type demoResult struct {
	poller, push way
	took         time.Duration
	receives     int  // that a message has
	retries      int  // that the push makes
	outage       bool // one has begun
	adaptive     bool
	// The most that was held, and was on the queue, and the longest that a request
	// was on its way.
	mostHeld, mostQueued int
	mostLag              time.Duration
}

// way is what came of the requests on one of the two ways.
type way struct {
	accepted, delivered, dead int64
	sink                      demo.Stats
}

func (r demoResult) undelivered() int64 { return max(r.poller.accepted-r.poller.delivered, 0) }

// text is the summary: a table, and what it means.
func (r demoResult) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nAfter %s:\n\n  %-37s %7s %7s\n", r.took.Round(time.Second/10), "", "poller", "push")
	for _, row := range []struct {
		what string
		of   func(way) int64
	}{
		{"accepted by the front door", func(w way) int64 { return w.accepted }},
		{"delivered to the downstream", func(w way) int64 { return w.delivered }},
		{"refused by the downstream (429, 503)", func(w way) int64 { return w.sink.RefusedInAll() }},
		{"lost: left in the dead-letter queue", func(w way) int64 { return w.dead }},
		{"most requests at once", func(w way) int64 { return int64(w.sink.SeenAtOnceMax) }},
		{"most requests in a second", func(w way) int64 { return int64(w.sink.PerSecondMax) }},
	} {
		fmt.Fprintf(&b, "  %-37s %7d %7d\n", row.what, row.of(r.poller), row.of(r.push))
	}
	b.WriteByte('\n')
	for _, text := range r.meaning() {
		b.WriteString(paragraph(text) + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// meaning is a paragraph for each thing to know.
func (r demoResult) meaning() []string {
	var lines []string
	overrun := r.poller.sink.Overrun()
	switch {
	case r.undelivered() > 0:
		return []string{
			fmt.Sprintf("%s not delivered: a request that the downstream rejects %d times goes to the dead-letter queue.",
				were(r.undelivered()), r.receives),
		}
	case r.adaptive:
		lines = append(lines, fmt.Sprintf("Every request was delivered. To find how many the downstream takes at a time, and whether it "+
			"takes more by now, has cost %d refusals, %.1f%% of the deliveries.", overrun, 100*float64(overrun)/float64(max(r.poller.delivered, 1))))
	case overrun > 0:
		lines = append(lines, fmt.Sprintf("Every request was delivered, but not on the first try: the downstream was overrun, and "+
			"answered 429 to %d, outages aside. A pace below its limit, like the demo's default, avoids that.", overrun))
	case r.outage:
		lines = append(lines, "Every request was delivered: the outage cost none.")
	default:
		lines = append(lines, "Every request was delivered, and the downstream was never overrun.")
	}
	wait := fmt.Sprintf("The bursts waited in the queue: up to %d requests, for up to %.1f s.", r.mostQueued, r.mostLag.Seconds())
	if r.outage {
		wait = fmt.Sprintf("While the downstream was down, requests waited: up to %d held, up to %d in the queue, "+
			"for up to %.1f s.", r.mostHeld, r.mostQueued, r.mostLag.Seconds())
	}
	lines = append(lines, wait)
	if r.push.dead > 0 {
		lines = append(lines, fmt.Sprintf("The push got the same requests, and they had nowhere to wait: %d ended up dead after %d retries, "+
			"although nothing was wrong with them.", r.push.dead, r.retries))
	}
	return lines
}

func were(n int64) string {
	if n == 1 {
		return "1 request was"
	}
	return fmt.Sprintf("%d requests were", n)
}
