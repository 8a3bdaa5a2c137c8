package ratelimit

import (
	"fmt"
	"maps"
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds the metrics of pace and gate to reg, which carries the target's label.
func (p *Pace) Register(reg prometheus.Registerer) error {
	if err := reg.Register(collector{p}); err != nil {
		return fmt.Errorf("register the metrics of the pace: %w", err)
	}
	return nil
}

// collector reads what is known anyway, at a scrape.
type collector struct{ pace *Pace }

var (
	limitDesc = prometheus.NewDesc("poller_pace_limit",
		"What is in force: rate in deliveries started a second (+Inf: none), concurrency in deliveries at once.", []string{"kind"}, nil)
	stateDesc = prometheus.NewDesc("poller_gate_state",
		"1 for the state that the gate is in: open, half_open or closed.", []string{"state"}, nil)
	changesDesc = prometheus.NewDesc("poller_gate_changes_total",
		"Changes of the gate, by the state changed to and why.", []string{"to", "reason"}, nil)
	strikesDesc = prometheus.NewDesc("poller_strikes_total",
		"Failed tries that were proven to be the message's fault: a delivery that began later succeeded, or it had been proven once and few others failed.", nil, nil)
	witnessesDesc = prometheus.NewDesc("poller_gate_witnesses_total",
		"Receives of one message while the gate was closed, to try somebody new.", nil, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{limitDesc, stateDesc, changesDesc, strikesDesc, witnessesDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (k collector) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	limits, status, changes := k.pace.Limits(), k.pace.Gate(), k.pace.changeCounts()
	rate := math.Inf(1)
	if limits.Limited {
		rate = limits.Rate
	}
	gauge(limitDesc, rate, "rate")
	gauge(limitDesc, float64(limits.Concurrency), "concurrency")
	for state := range gateStates {
		value := 0.0
		if state == status.State {
			value = 1
		}
		gauge(stateDesc, value, state.String())
	}
	for _, key := range changeKeys() {
		counter(changesDesc, changes[key], key.to.String(), key.reason)
	}
	counter(strikesDesc, status.Strikes)
	counter(witnessesDesc, status.Witnesses)
}

// changeCounts are the changes so far.
func (p *Pace) changeCounts() map[changeKey]int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.gate.changes)
}
