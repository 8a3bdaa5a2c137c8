package main

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

// play is what the demo shows.
type play struct {
	// Bursts come on average a little slower than the pace: the queue fills and empties.
	burst int
	every time.Duration
	sink  demo.SinkOptions
	// concurrency is the poller's, or 0 for demoConcurrency; if adaptive, the most that it
	// may find.
	concurrency int
	adaptive    bool
	// receives are what a message has before it goes to the dead-letter queue.
	receives int
	// retries are what a request has that is pushed: the waits before them.
	retries []time.Duration
}

// In the demo seconds stand for minutes: the outage is as long against the retries
// of push as one of a few minutes is against those of SNS or of a function.
var demoPlay = play{
	burst: 120,
	every: 7 * time.Second,
	sink: demo.SinkOptions{
		Capacity: demoConcurrency,
		Rate:     demo.Limit{N: 32, Per: time.Second},
		Latency:  demo.Latency{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond},
		Outages: demo.Schedule{
			Outages: []demo.Outage{{From: 3 * time.Second, To: 9 * time.Second, Status: http.StatusServiceUnavailable}},
			Every:   30 * time.Second,
		},
		Recovery: demo.Recovery{For: 4 * time.Second, Capacity: 3},
	},
	receives: 3,
	retries:  []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second},
}

// adaptivePlay has a partner that takes eight requests at a time, as fast as it answers
// them, and says nothing. The poller may make up to 50. A burst takes it most of the time
// until the next one.
var adaptivePlay = play{
	burst: 250,
	every: 7 * time.Second,
	sink: demo.SinkOptions{
		Capacity: 8,
		Latency:  demo.Latency{Min: 100 * time.Millisecond, Max: 200 * time.Millisecond},
	},
	concurrency: 50,
	adaptive:    true,
	receives:    demoPlay.receives,
	retries:     demoPlay.retries,
}

// quotaPlay is demoPlay with a partner that has a quota, and no outages. A burst is more
// than the quota, and the next comes when the rest of it has been delivered.
func quotaPlay(quota demo.Limit, saying demo.Saying) play {
	p := demoPlay
	p.sink.Outages, p.sink.Recovery = demo.Schedule{}, demo.Recovery{}
	p.sink.Quota, p.sink.Saying = quota, saying
	p.burst = quota.N + (quota.N+4)/5
	p.every = quota.Per * 5 / 4
	return p
}

// quotas are what the poller is given of the partner's quota: all, or nothing if it can
// read them in the answers.
func (p play) quotas() []config.Quota {
	if p.sink.Quota.N == 0 || p.sink.Saying != "" {
		return nil
	}
	_, unit, _ := strings.Cut(p.sink.Quota.String(), "/")
	return []config.Quota{{N: p.sink.Quota.N, Unit: unit}}
}

// limits says what the downstream answers 429 to.
func (p play) limits() string {
	switch {
	case p.sink.Rate.N == 0:
		return fmt.Sprintf("429 above %d at a time", p.sink.Capacity)
	case p.sink.Quota.N > 0:
		return fmt.Sprintf("429 above %s, %d/s or %d at once", p.sink.Quota, p.sink.Rate.N, p.sink.Capacity)
	}
	return fmt.Sprintf("429 above %d/s or %d at a time", p.sink.Rate.N, p.sink.Capacity)
}

// plan says when the downstream goes away, or what its quota is.
func (p play) plan() string {
	if p.adaptive {
		return fmt.Sprintf("Nobody told the poller how much the downstream takes: it finds out, between 1 and %d at a time.\n", p.concurrency)
	}
	if quota := p.sink.Quota; quota.N > 0 {
		text := fmt.Sprintf("The downstream is a partner with a quota of %s, by the clock. ", quota)
		if p.sink.Saying == "" {
			return text + "The poller has the same quota: what is over it waits in the queue.\n"
		}
		return text + "Nobody told the poller: it reads in the answers what is left.\n"
	}
	if len(p.sink.Outages.Outages) == 0 {
		return ""
	}
	first, again := p.sink.Outages.Outages[0], ""
	if p.sink.Outages.Every > 0 {
		again = fmt.Sprintf("; the same again every %s", config.Duration(p.sink.Outages.Every))
	}
	if first.To == 0 {
		return fmt.Sprintf("The downstream goes down after %s.\n", config.Duration(first.From))
	}
	return fmt.Sprintf("The downstream goes down after %s, for %s, and comes back overloaded%s.\n",
		config.Duration(first.From), config.Duration(first.To-first.From), again)
}

// outageInWords says what the downstream does while it is away.
func (p play) outageInWords() string {
	if status := p.sink.Outages.Outages[0].Status; status != 0 {
		return fmt.Sprintf("it answers %d to everything", status)
	}
	return "it answers nothing"
}
