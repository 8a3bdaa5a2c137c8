package gate

import (
	"fmt"
	"maps"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds the gate's metrics to reg, which carries the target's label.
func (g *Gate) Register(reg prometheus.Registerer) error {
	if err := reg.Register(collector{g}); err != nil {
		return fmt.Errorf("register gate metrics: %w", err)
	}
	return nil
}

// collector reads the gate's state at each scrape.
type collector struct{ gate *Gate }

var (
	stateDesc = prometheus.NewDesc("poller_gate_state",
		"1 for the state that the gate is in: starting, open, wary, closed or half_open.", []string{"state"}, nil)
	changesDesc = prometheus.NewDesc("poller_gate_changes_total",
		"State changes of the gate, by new state and reason.", []string{"to", "reason"}, nil)
	strikesDesc = prometheus.NewDesc("poller_strikes_total",
		"Failed tries that are the message's fault: a delivery that began later succeeded, or the message is known bad.", nil, nil)
	probesDesc = prometheus.NewDesc("poller_gate_probe_receives_total",
		"Receives of a single message while the gate was closed, to probe with a new message.", nil, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{stateDesc, changesDesc, strikesDesc, probesDesc} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (k collector) Collect(metrics chan<- prometheus.Metric) {
	g := k.gate
	g.mu.Lock()
	state, changes, strikes, probes := g.state, maps.Clone(g.counted), g.strikes, g.probeReceives
	g.mu.Unlock()
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	for _, s := range States() {
		value := 0.0
		if s == state {
			value = 1
		}
		metrics <- prometheus.MustNewConstMetric(stateDesc, prometheus.GaugeValue, value, s.String())
	}
	for _, key := range changeKeys() {
		counter(changesDesc, changes[key], key.to.String(), key.reason)
	}
	counter(strikesDesc, strikes)
	counter(probesDesc, probes)
}
