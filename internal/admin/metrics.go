package admin

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Register registers the metrics of the process with reg, which carries no labels: the
// build, the start time, and the Go and process collectors.
func Register(reg prometheus.Registerer, build Build) error {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "poller_build_info",
		Help: "Always 1; the labels identify the build.",
		ConstLabels: prometheus.Labels{
			"version": build.Version, "commit": build.Commit, "goversion": build.GoVersion,
		},
	})
	info.Set(1)
	start := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "poller_start_time_seconds",
		Help: "When the daemon started, as a Unix timestamp in seconds.",
	})
	start.Set(float64(time.Now().UnixMilli()) / 1000)
	for _, c := range []prometheus.Collector{
		info, start,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := reg.Register(c); err != nil {
			return fmt.Errorf("register process metrics: %w", err)
		}
	}
	return nil
}
