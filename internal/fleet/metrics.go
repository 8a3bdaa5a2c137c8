package fleet

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// results are of calls.
var results = []string{string(granted), string(quiet), string(late), "error"}

// newDurations returns the histogram of how long calls take.
func newDurations() prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "poller_fleet_call_duration_seconds",
		Help:    "How long calls to the fleet's coordinator take.",
		Buckets: []float64{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5},
	})
}

var (
	stateDesc = prometheus.NewDesc("poller_fleet_state",
		"1 for the state of this replica in its fleet.", []string{"state"}, nil)
	replicasDesc = prometheus.NewDesc("poller_fleet_replicas",
		"Replicas of the fleet that are live, as the coordinator last said.", nil, nil)
	shareDesc = prometheus.NewDesc("poller_fleet_share",
		"Starts per second with which this replica may go on by itself if the coordinator is away.", nil, nil)
	slotsDesc = prometheus.NewDesc("poller_fleet_slots",
		"Concurrent deliveries that this replica has been granted.", nil, nil)
	upDesc = prometheus.NewDesc("poller_fleet_coordinator_up",
		"1 if the last call to the coordinator was answered.", nil, nil)
	callsDesc = prometheus.NewDesc("poller_fleet_calls_total",
		"Calls to the coordinator, by result.", []string{"result"}, nil)
	tokensDesc = prometheus.NewDesc("poller_fleet_tokens_total",
		"Tokens that this replica was granted, by what became of them.", []string{"result"}, nil)
	lostDesc = prometheus.NewDesc("poller_fleet_memory_lost_total",
		"Times that the coordinator had lost its memory.", nil, nil)
)

// register registers the metrics with reg, which carries the target's label.
func (f *Fleet) register(reg prometheus.Registerer) error {
	if reg == nil {
		return nil
	}
	for _, c := range []prometheus.Collector{collector{f}, f.durations} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("register fleet metrics: %w", err)
		}
	}
	return nil
}

// collector reads the state at each scrape.
type collector struct{ fleet *Fleet }

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateDesc, replicasDesc, shareDesc, slotsDesc, upDesc, callsDesc, tokensDesc, lostDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (k collector) Collect(metrics chan<- prometheus.Metric) {
	f := k.fleet
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.member
	m.advance(time.Since(f.base))
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, value, labels...)
	}
	for s := range State(states) {
		gauge(stateDesc, one(s == m.state), s.String())
	}
	gauge(replicasDesc, float64(m.last.live))
	gauge(shareDesc, float64(m.share)/1e6)
	gauge(slotsDesc, float64(m.slots))
	gauge(upDesc, one(m.answered && f.problem.what == ""))
	for _, result := range results {
		counter(callsDesc, float64(f.calls[result]), result)
	}
	counter(tokensDesc, float64(m.tokens.used), "used")
	counter(tokensDesc, float64(m.tokens.lapsed), "lapsed")
	counter(lostDesc, float64(m.losses))
}

func one(set bool) float64 {
	if set {
		return 1
	}
	return 0
}
