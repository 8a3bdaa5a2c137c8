package consumer

import (
	"fmt"
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// register adds the metrics of c to reg.
func register(reg prometheus.Registerer, c *Consumer) error {
	if reg == nil {
		return nil
	}
	for _, collector := range []prometheus.Collector{c.hist, &collector{consumer: c}} {
		if err := reg.Register(collector); err != nil {
			return fmt.Errorf("register the metrics of queue %s: %w", c.options.Queue, err)
		}
	}
	return nil
}

// collector reads everything that is counted anyway, at a scrape.
type collector struct{ consumer *Consumer }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("poller_"+name, help, labels, nil)
}

var (
	receivedDesc   = describe("messages_received_total", "Messages received.")
	settledDesc    = describe("messages_settled_total", "Messages settled, by what came of them.", "outcome")
	inHandDesc     = describe("messages_in_hand", "Messages received and not settled.", "state")
	depthDesc      = describe("queue_messages", "Messages in the queue: SQS's approximate count, and what was received and released since.", "state")
	blockedDesc    = describe("queue_blocked", "1 while nothing is received though messages are visible: in_flight_limit, groups or unsettled.", "reason")
	lagDesc        = describe("queue_lag_seconds", "Age of the oldest message; 0 when the queue is empty, missing if unknown. A lower bound.")
	drainDesc      = describe("queue_drain_seconds", "Estimated time until the queue is empty; +Inf while it does not shrink, missing if unknown, paused or away.")
	deadDesc       = describe("queue_dead_letters", "Messages in the dead-letter queue, as SQS says, approximately; missing if there is none, or if unknown.")
	deliveriesDesc = describe("deliveries_total", "Deliveries, by outcome and by the answer's class or why there was none.", "outcome", "status")
	requestsDesc   = describe("requests_total", "Requests to the target. With --batch one carries several deliveries.")
	dissolvedDesc  = describe("batches_dissolved_total", "Requests of several messages that failed as a whole, after which each is tried alone; missing without --batch.")
	duplicatesDesc = describe("receives_duplicate_total", "Messages that came again while in hand.")
	offsetDesc     = describe("clock_offset_seconds", "SQS's clock less ours; 0 while under 2 s.")
	receivesDesc   = describe("receives_total", "Receives that returned.", "result")
	extensionsDesc = describe("visibility_extensions_total", "Messages whose visibility was to be extended.", "result")
	ledgerDesc     = describe("delete_ledger_size", "Messages remembered as delivered.")
	hitsDesc       = describe("delete_ledger_hits_total", "Messages that came again after their delivery and were deleted.")
)

// Describe implements prometheus.Collector.
func (*collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		receivedDesc, settledDesc, inHandDesc, depthDesc, blockedDesc, lagDesc, drainDesc, deadDesc, deliveriesDesc,
		requestsDesc, dissolvedDesc, duplicatesDesc, offsetDesc, receivesDesc, extensionsDesc, ledgerDesc, hitsDesc,
	} {
		descs <- d
	}
}

// Collect implements prometheus.Collector.
func (k *collector) Collect(metrics chan<- prometheus.Metric) {
	s := k.consumer.Snapshot(time.Now())
	one := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		one(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		one(d, prometheus.GaugeValue, value, labels...)
	}
	counter(receivedDesc, s.Received)
	counter(duplicatesDesc, s.Duplicates)
	counter(requestsDesc, s.Requests)
	counter(hitsDesc, s.LedgerHits)
	if s.Batches.Most > 1 {
		counter(dissolvedDesc, s.Batches.Dissolved)
	}
	for outcome, n := range s.Settled {
		counter(settledDesc, n, outcome)
	}
	for result, n := range s.Receives {
		counter(receivesDesc, n, result)
	}
	for result, n := range s.Extensions {
		counter(extensionsDesc, n, result)
	}
	deliveries := make(map[[2]string]int64)
	for _, d := range s.Deliveries {
		deliveries[[2]string{d.Outcome.String(), d.Status}] += d.Count
	}
	for labels, n := range deliveries {
		counter(deliveriesDesc, n, labels[:]...)
	}
	for state, n := range s.InHand {
		gauge(inHandDesc, float64(n), state)
	}
	for reason := byInFlightLimit; reason < blockedReasons; reason++ {
		value := 0.0
		if s.Blocked == reason.String() {
			value = 1
		}
		gauge(blockedDesc, value, reason.String())
	}
	if s.Lag.Known {
		gauge(lagDesc, s.Lag.Age.Seconds())
	}
	gauge(offsetDesc, s.ClockOffset.Seconds())
	gauge(ledgerDesc, float64(s.LedgerSize))
	if !math.IsNaN(s.Drain.Seconds) {
		gauge(drainDesc, s.Drain.Seconds)
	}
	if s.DeadLetters.Known {
		gauge(deadDesc, float64(s.DeadLetters.Messages))
	}
	if !s.DepthAt.IsZero() {
		gauge(depthDesc, float64(s.Depth.Visible), "visible")
		gauge(depthDesc, float64(s.Depth.InFlight), "in_flight")
		gauge(depthDesc, float64(s.Depth.Delayed), "delayed")
	}
}
