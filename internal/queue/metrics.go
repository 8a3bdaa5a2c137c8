package queue

import (
	"errors"
	"fmt"

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

// tally is one queue's metrics, looked up once.
type tally struct {
	requests [ofDaemon][faults]prometheus.Counter
	billed   [ofDaemon]prometheus.Counter
	took     [ofDaemon]prometheus.Observer
}

func (m metrics) of(queue string) *tally {
	t := new(tally)
	for a := range ofDaemon {
		name := a.String()
		for f := range faults {
			t.requests[a][f] = m.requests.WithLabelValues(queue, name, result(f))
		}
		t.billed[a] = m.billed.WithLabelValues(queue, name)
		t.took[a] = m.took.WithLabelValues(queue, name)
	}
	return t
}

func result(f message.Fault) string {
	if f == message.NoFault {
		return "ok"
	}
	return f.String()
}

// count counts a request by its result and payload.
func (t *tally) count(a action, f message.Fault, payload int) {
	t.requests[a][f].Inc()
	if f != message.ThrottledBySQS && f != message.Network {
		t.billed[a].Add(float64(max(1, (payload+billedBytes-1)/billedBytes)))
	}
}
