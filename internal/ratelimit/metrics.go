package ratelimit

import (
	"fmt"
	"math"

	"github.com/prometheus/client_golang/prometheus"
)

// Register adds poller_pace_limit to reg, which carries the target's label.
func (p *Pace) Register(reg prometheus.Registerer) error {
	limit := func(kind string, value func(Limits) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "poller_pace_limit",
			Help:        "What is in force: rate in deliveries started a second (+Inf: none), concurrency in deliveries at once.",
			ConstLabels: prometheus.Labels{"kind": kind},
		}, func() float64 { return value(p.Limits()) })
	}
	for _, c := range []prometheus.Collector{
		limit("rate", func(l Limits) float64 {
			if !l.Limited {
				return math.Inf(1)
			}
			return l.Rate
		}),
		limit("concurrency", func(l Limits) float64 { return float64(l.Concurrency) }),
	} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("register the metrics of the pace: %w", err)
		}
	}
	return nil
}
