package queue

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/message"
)

// action is a call of the SQS API.
type action uint8

const (
	receive action = iota
	deleteBatch
	changeBatch
	sendBatch
	getAttributes
	getURL
	// What follows is called by commands, never by the daemon, and has no metrics.
	startMove
	listMoves
	cancelMove
	listSources

	actions
)

// ofDaemon are the actions that the daemon calls.
const ofDaemon = startMove

// String returns the action's name in the SQS API.
func (a action) String() string {
	return [actions]string{
		"ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "SendMessageBatch",
		"GetQueueAttributes", "GetQueueUrl",
		"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask", "ListDeadLetterSourceQueues",
	}[a]
}

// permission returns the IAM action that allows it. Batch calls have none of their own.
func (a action) permission() string {
	return "sqs:" + [actions]string{
		"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility", "SendMessage",
		"GetQueueAttributes", "GetQueueUrl",
		"StartMessageMoveTask", "ListMessageMoveTasks", "CancelMessageMoveTask", "ListDeadLetterSourceQueues",
	}[a]
}

// faults is the number of faults, including NoFault.
const faults = message.Network + 1

// billedBytes is the payload that SQS bills as one request: https://aws.amazon.com/sqs/pricing/
const billedBytes = 64 << 10

// tookBounds are the upper bounds of a duration's buckets, in seconds.
var tookBounds = [...]float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

var (
	requestsDesc = prometheus.NewDesc("poller_sqs_requests_total",
		"Requests to SQS, by result. A batch with failed entries is ok.", []string{"queue", "action", "result"}, nil)
	billedDesc = prometheus.NewDesc("poller_sqs_billed_requests_total",
		"Requests as SQS bills them: every 64 KiB of a request's messages is one. "+
			"Requests that were throttled, failed in SQS or got no response are not counted.", []string{"queue", "action"}, nil)
	tookDesc = prometheus.NewDesc("poller_sqs_request_duration_seconds",
		"From the start of a request to its complete response, if there was one. Long polls are excluded: "+
			"ReceiveMessage counts only if it returned messages within a second.", []string{"queue", "action"}, nil)
)

// metrics are those of all queues. They are plain numbers, made into series at a scrape: a
// process may have hundreds of queues, and a series that is kept takes as much memory as all
// numbers of a queue.
type metrics struct {
	mu      sync.Mutex // guards what follows
	tallies map[string]*tally
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	m := &metrics{tallies: make(map[string]*tally)}
	if reg == nil {
		return m, nil
	}
	if err := reg.Register(m); err != nil {
		return m, fmt.Errorf("register SQS metrics: %w", err)
	}
	return m, nil
}

// of returns the tally of a queue.
func (m *metrics) of(queue string) *tally {
	m.mu.Lock()
	defer m.mu.Unlock()
	t, known := m.tallies[queue]
	if !known {
		t = new(tally)
		m.tallies[queue] = t
	}
	return t
}

// Describe implements prometheus.Collector.
func (*metrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- requestsDesc
	descs <- billedDesc
	descs <- tookDesc
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(series chan<- prometheus.Metric) {
	m.mu.Lock()
	all := maps.Clone(m.tallies)
	m.mu.Unlock()
	for queue, t := range all {
		t.collect(queue, series)
	}
}

// tally is one queue's metrics.
type tally struct {
	mu       sync.Mutex // guards what follows
	requests [ofDaemon][faults]uint64
	billed   [ofDaemon]uint64
	took     [ofDaemon]durations
}

// durations counts how long calls took.
type durations struct {
	count   uint64
	sum     float64
	buckets [len(tookBounds)]uint64 // not cumulative
}

// fromTheStart reports whether an action's series are there before its first call, for the
// alerts that count from 0. The others are there once there is something to show.
func fromTheStart(a action, f message.Fault) bool {
	return a <= changeBatch && (f == message.NoFault || f == message.Refused) || a == getAttributes && f == message.NoFault
}

// collect makes the series of a queue.
func (t *tally) collect(queue string, series chan<- prometheus.Metric) {
	t.mu.Lock()
	requests, billed, took := t.requests, t.billed, t.took
	t.mu.Unlock()
	for a := range ofDaemon {
		for f := range faults {
			if n := requests[a][f]; n > 0 || fromTheStart(a, f) {
				series <- prometheus.MustNewConstMetric(requestsDesc, prometheus.CounterValue, float64(n), queue, a.String(), result(f))
			}
		}
		if n := billed[a]; n > 0 || fromTheStart(a, message.NoFault) {
			series <- prometheus.MustNewConstMetric(billedDesc, prometheus.CounterValue, float64(n), queue, a.String())
		}
		if took[a].count > 0 {
			series <- took[a].histogram(queue, a)
		}
	}
}

func (d *durations) histogram(queue string, a action) prometheus.Metric {
	cumulative := make(map[float64]uint64, len(tookBounds))
	n := uint64(0)
	for i, bound := range tookBounds {
		n += d.buckets[i]
		cumulative[bound] = n
	}
	return prometheus.MustNewConstHistogram(tookDesc, d.count, d.sum, cumulative, queue, a.String())
}

// lasted notes how long a call took.
func (t *tally) lasted(a action, took time.Duration) {
	seconds := took.Seconds()
	bucket, _ := slices.BinarySearch(tookBounds[:], seconds)
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &t.took[a]
	d.count++
	d.sum += seconds
	if bucket < len(d.buckets) {
		d.buckets[bucket]++
	}
}

func result(f message.Fault) string {
	if f == message.NoFault {
		return "ok"
	}
	return f.String()
}

// count counts a request by its result and payload.
func (t *tally) count(a action, f message.Fault, payload int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.requests[a][f]++
	if f != message.ThrottledBySQS && f != message.Network {
		t.billed[a] += uint64(max(1, (payload+billedBytes-1)/billedBytes))
	}
}
