package consumer

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// histogramKind is one of a queue's histograms.
type histogramKind uint8

const (
	receiveCounts histogramKind = iota
	ages
	slotWaits
	tokenWaits
	quotaWaits
	gateWaits
	batchSizes
	// durations is the first of the histograms of deliveries, one an outcome.
	durations

	histogramKinds = durations + histogramKind(message.Connection) + 1
)

// histogramOptions are what each is made of, and histogramDescs what describes it.
var histogramOptions, histogramDescs = describeHistograms()

func describeHistograms() (options [histogramKinds]prometheus.HistogramOpts, descs [histogramKinds]*prometheus.Desc) {
	one := func(kind histogramKind, name, help string, labels prometheus.Labels, buckets []float64) {
		o := prometheus.HistogramOpts{Name: "poller_" + name, Help: help, ConstLabels: labels, Buckets: buckets}
		options[kind], descs[kind] = o, prometheus.NewDesc(o.Name, o.Help, nil, labels)
	}
	seconds := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}
	one(receiveCounts, "message_receives", "The receive count of a message, at each receive.", nil,
		[]float64{1, 2, 3, 5, 10, 20, 50, 100})
	one(ages, "message_age_seconds", "From SentTimestamp to the delivery's start.", nil,
		[]float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400})
	const waits = "How long a message in hand waited for a slot, a token, a quota or the gate."
	one(slotWaits, "pace_wait_seconds", waits, prometheus.Labels{"for": "slot"}, seconds)
	one(tokenWaits, "pace_wait_seconds", waits, prometheus.Labels{"for": "token"}, seconds)
	one(quotaWaits, "pace_wait_seconds", waits, prometheus.Labels{"for": "quota"}, seconds)
	one(gateWaits, "pace_wait_seconds", waits, prometheus.Labels{"for": "gate"}, seconds)
	one(batchSizes, "batch_messages", "Messages of a request to the target; missing without --batch.", nil,
		[]float64{1, 2, 5, 10, 20, 50, 100})
	for _, outcome := range message.Outcomes() {
		one(durations+histogramKind(outcome), "delivery_duration_seconds", "One delivery, from its start to its outcome.",
			prometheus.Labels{"outcome": outcome.String()}, seconds)
	}
	return options, descs
}

// histograms are a queue's. Each is made when there is first something to observe: a
// process may have hundreds of queues. The one that an alert counts from 0 is there from
// the start.
type histograms struct {
	mu   sync.Mutex // guards what follows
	made [histogramKinds]prometheus.Histogram
}

func newHistograms() *histograms {
	h := new(histograms)
	h.of(receiveCounts)
	return h
}

// of returns a histogram.
func (h *histograms) of(kind histogramKind) prometheus.Histogram {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.made[kind] == nil {
		h.made[kind] = prometheus.NewHistogram(histogramOptions[kind])
	}
	return h.made[kind]
}

// observe records how long a delivery took, with its trace as an exemplar if it has one.
func (h *histograms) observe(took time.Duration, result message.Result) {
	of := h.of(durations + histogramKind(result.Outcome))
	if with, ok := of.(prometheus.ExemplarObserver); ok && result.Span != nil {
		with.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": result.Span.TraceID()})
		return
	}
	of.Observe(took.Seconds())
}

func (h *histograms) waited(want ratelimit.Want) prometheus.Histogram {
	switch want {
	case ratelimit.Token:
		return h.of(tokenWaits)
	case ratelimit.Allowance:
		return h.of(quotaWaits)
	case ratelimit.Consent:
		return h.of(gateWaits)
	default:
		return h.of(slotWaits)
	}
}

// Describe implements prometheus.Collector.
func (h *histograms) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range histogramDescs {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (h *histograms) Collect(metrics chan<- prometheus.Metric) {
	h.mu.Lock()
	made := h.made
	h.mu.Unlock()
	for _, one := range made {
		if one != nil {
			metrics <- one
		}
	}
}
