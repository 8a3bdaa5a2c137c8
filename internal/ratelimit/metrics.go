package ratelimit

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/adapt"
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

var (
	limitDesc = prometheus.NewDesc("poller_pace_limit",
		"Limits in force: rate in deliveries started per second (+Inf: no limit), concurrency in simultaneous deliveries, "+
			"quota in deliveries started per second that the tightest quota allows in the long run (+Inf: no quota), "+
			"adaptive in simultaneous deliveries that the target was found to take (missing unless it is looked for).", []string{"kind"}, nil)
	adaptiveDesc = prometheus.NewDesc("poller_adaptive_changes_total",
		"Changes of the concurrency that is found, by reason; missing unless it is looked for.", []string{"reason"}, nil)
	aloneDesc = prometheus.NewDesc("poller_adaptive_refused_alone_total",
		"Deliveries answered 429 with nothing else running, which no concurrency explains; missing unless it is looked for.", nil, nil)
	quotaUsedDesc = prometheus.NewDesc("poller_quota_used",
		"Deliveries started in the last window of a quota, by the window's length.", []string{"window"}, nil)
	toldDesc = prometheus.NewDesc("poller_target_limit_remaining",
		"Deliveries that may start until the target takes more, as it has said itself; missing while nothing that it said holds.", nil, nil)
	toldResetDesc = prometheus.NewDesc("poller_target_limit_reset_seconds",
		"Time until the target takes more, as it has said itself; missing while nothing that it said holds.", nil, nil)
	toldIgnoredDesc = prometheus.NewDesc("poller_target_limit_ignored_total",
		"Statements of the target about its limits that were ignored because they make no sense.", nil, nil)
	quotaLimitDesc = prometheus.NewDesc("poller_quota_limit",
		"Deliveries that a quota allows to start in any window, by the window's length.", []string{"window"}, nil)
)

// Describe implements prometheus.Collector.
func (collector) Describe(descs chan<- *prometheus.Desc) {
	descs <- limitDesc
	descs <- adaptiveDesc
	descs <- aloneDesc
	descs <- quotaUsedDesc
	descs <- quotaLimitDesc
	descs <- toldDesc
	descs <- toldResetDesc
	descs <- toldIgnoredDesc
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
	quota := math.Inf(1)
	now := time.Now()
	for _, q := range k.pace.Quotas(now) {
		quota = min(quota, float64(q.N)/q.Window.Seconds())
		gauge(quotaUsedDesc, float64(q.Used), q.WindowName())
		gauge(quotaLimitDesc, float64(q.N), q.WindowName())
	}
	gauge(limitDesc, quota, "quota")
	if is, on := k.pace.Adaptive(); on {
		gauge(limitDesc, float64(is.Limit), "adaptive")
		for _, reason := range adapt.Reasons() {
			metrics <- prometheus.MustNewConstMetric(adaptiveDesc, prometheus.CounterValue, float64(is.Counted[reason]), reason.String())
		}
		metrics <- prometheus.MustNewConstMetric(aloneDesc, prometheus.CounterValue, float64(is.Alone))
	}
	told := k.pace.Told(now)
	if told.Known {
		gauge(toldDesc, float64(told.Remaining))
		gauge(toldResetDesc, told.Reset.Sub(now).Seconds())
	}
	metrics <- prometheus.MustNewConstMetric(toldIgnoredDesc, prometheus.CounterValue, float64(told.Ignored))
}
