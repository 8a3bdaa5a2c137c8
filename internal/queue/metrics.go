package queue

import (
	"errors"
	"fmt"
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

type metrics struct {
	requests *prometheus.CounterVec
	billed   *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) (metrics, error) {
	m := metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "poller_sqs_requests_total",
			Help: "Requests to SQS, by result. A batch with failed entries is ok.",
		}, []string{"queue", "action", "result"}),
		billed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "poller_sqs_billed_requests_total",
			Help: "Requests as SQS bills them: every 64 KiB of a request's messages is one. " +
				"Requests that were throttled, failed in SQS or got no response are not counted.",
		}, []string{"queue", "action"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "poller_sqs_request_duration_seconds",
			Help: "From the start of a request to its complete response, if there was one. Long polls are excluded: " +
				"ReceiveMessage counts only if it returned messages within a second.",
			Buckets: []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}, []string{"queue", "action"}),
	}
	if reg == nil {
		return m, nil
	}
	if err := errors.Join(reg.Register(m.requests), reg.Register(m.billed), reg.Register(m.took)); err != nil {
		return m, fmt.Errorf("register SQS metrics: %w", err)
	}
	return m, nil
}

// tally is one queue's metrics. A series is made when it is first needed: a process may
// have hundreds of queues, and most of their series would stay at 0. Those that an alert
// counts from 0 are there from the start.
type tally struct {
	metrics metrics
	queue   string

	mu       sync.Mutex // guards what follows
	requests [ofDaemon][faults]prometheus.Counter
	billed   [ofDaemon]prometheus.Counter
	took     [ofDaemon]prometheus.Observer
}

// fromTheStart are the actions of a daemon that runs.
var fromTheStart = []action{receive, deleteBatch, changeBatch, getAttributes}

func (m metrics) of(queue string) *tally {
	t := &tally{metrics: m, queue: queue}
	for _, a := range fromTheStart {
		t.request(a, message.NoFault)
		t.request(a, message.Refused)
		t.bill(a)
	}
	return t
}

// request returns the counter of an action's result. The mutex is held, or nobody else has
// the tally yet.
func (t *tally) request(a action, f message.Fault) prometheus.Counter {
	if t.requests[a][f] == nil {
		t.requests[a][f] = t.metrics.requests.WithLabelValues(t.queue, a.String(), result(f))
	}
	return t.requests[a][f]
}

// bill is request for what SQS bills.
func (t *tally) bill(a action) prometheus.Counter {
	if t.billed[a] == nil {
		t.billed[a] = t.metrics.billed.WithLabelValues(t.queue, a.String())
	}
	return t.billed[a]
}

// lasted notes how long a call took.
func (t *tally) lasted(a action, took time.Duration) {
	t.mu.Lock()
	if t.took[a] == nil {
		t.took[a] = t.metrics.took.WithLabelValues(t.queue, a.String())
	}
	h := t.took[a]
	t.mu.Unlock()
	h.Observe(took.Seconds())
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
	t.request(a, f).Inc()
	if f != message.ThrottledBySQS && f != message.Network {
		t.bill(a).Add(float64(max(1, (payload+billedBytes-1)/billedBytes)))
	}
}
