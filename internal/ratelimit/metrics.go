package ratelimit

import (
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// Register registers the pace's metrics with reg, which carries the target's label.
func (p *Pace) Register(reg prometheus.Registerer) error {
	if err := reg.Register(collector{p}); err != nil {
		return fmt.Errorf("register pace metrics: %w", err)
	}
	return nil
}

// collector reads the limits at each scrape.
type collector struct{ pace *Pace }

var limitDesc = prometheus.NewDesc("poller_pace_limit",
	"Limits in force: rate in deliveries started per second (+Inf: no limit), concurrency in simultaneous deliveries.", []string{"kind"}, nil)

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- limitDesc
}

// Collect implements prometheus.Collector.
func (k collector) Collect(metrics chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	limits := k.pace.Limits()
	rate := math.Inf(1)
	if limits.Limited {
		rate = limits.Rate
	}
	gauge(limitDesc, rate, "rate")
	gauge(limitDesc, float64(limits.Concurrency), "concurrency")
}
