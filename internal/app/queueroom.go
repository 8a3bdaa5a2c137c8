package app

import (
	"context"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/target"
)

const (
	firstOpenPause = 100 * time.Millisecond
	maxOpenPause   = 20 * time.Second
	// sayAgain is how often the log repeats why the queue cannot be reached.
	sayAgain = time.Minute
)

// queueRoom is one queue. First it is opened, then its consumer runs.
type queueRoom struct {
	app    *App
	config config.Queue
	name   string
	target *targetRoom
	log    *slog.Logger

	summary consumer.Summary // valid once run has returned

	mu       sync.Mutex         // guards what follows
	queue    *queue.Queue       // nil until it is reached
	consumer *consumer.Consumer // nil until it is reached
	problem  *admin.Problem     // why it has not been reached
}

func newQueueRoom(a *App, c config.Queue) *queueRoom {
	r := &queueRoom{
		app:     a,
		config:  c,
		name:    nameOf(c.Queue),
		target:  a.targets[c.Target],
		problem: &admin.Problem{What: "the queue " + nameOf(c.Queue) + " has not been reached yet", Since: a.started},
	}
	r.log = a.log.With("queue", r.name, "target", c.Target)
	return r
}

// nameOf returns the queue's name, given its URL, ARN or name.
func nameOf(ref string) string {
	return ref[strings.LastIndexAny(ref, "/:")+1:]
}

// run opens the queue and consumes it until the stop.
func (r *queueRoom) run(drainCtx, killCtx context.Context) error {
	q, attributes, err := r.open(drainCtx)
	if q == nil {
		return err
	}
	c, err := r.consume(q, attributes)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.queue, r.consumer, r.problem = q, c, nil
	r.mu.Unlock()
	r.summary = c.Run(drainCtx, killCtx)
	return nil
}

// open opens the queue. A refusal is an error. If SQS cannot be reached, throttles or
// answers 5xx, open tries again until the stop, and then returns neither a queue nor an
// error.
func (r *queueRoom) open(drainCtx context.Context) (*queue.Queue, queue.Attributes, error) {
	var said time.Time
	fault := message.NoFault
	for failures := 0; ; failures++ {
		q, attributes, err := r.tryOpen(drainCtx)
		if err == nil {
			return q, attributes, nil
		}
		if drainCtx.Err() != nil {
			return nil, attributes, nil //nolint:nilerr // the stop came first
		}
		if f := message.FaultOf(err); f != message.Network && f != message.ThrottledBySQS {
			return nil, attributes, err
		} else if now := time.Now(); f != fault || now.Sub(said) >= sayAgain {
			fault, said = f, now
			r.log.WarnContext(drainCtx, "the queue cannot be reached: trying again",
				slog.String("reason", f.String()), slog.Any("error", err))
		}
		r.notReached(err)
		pause := min(maxOpenPause, firstOpenPause<<min(failures, 16))
		select {
		case <-drainCtx.Done():
			return nil, attributes, nil
		case <-time.After(time.Duration(float64(pause) * (0.75 + r.jitter(failures)/2))):
		}
	}
}

// jitter returns a number in [0, 1) that depends only on the seed, the queue and the
// number of failures, so that a simulated start replays exactly.
func (r *queueRoom) jitter(failures int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("open " + r.name))
	return rand.New(rand.NewPCG(r.app.seed^h.Sum64(), uint64(failures))).Float64() //nolint:gosec // jitter, not a secret
}

func (r *queueRoom) notReached(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problem = &admin.Problem{What: err.Error(), Since: r.problem.Since}
}

// tryOpen tries once to open the queue and to read what the consumer needs to know.
func (r *queueRoom) tryOpen(ctx context.Context) (*queue.Queue, queue.Attributes, error) {
	q, attributes, unread, err := OpenQueue(ctx, r.app.sqs, r.config, r.app.config.Targets[r.config.Target])
	if err == nil && unread != nil {
		r.log.WarnContext(ctx, "the queue's attributes may not be read: its depth is unknown, and its visibility timeout is assumed to be "+
			"30 s unless --visibility-timeout is set; allow sqs:GetQueueAttributes", slog.Any("error", unread))
	}
	return q, attributes, err
}

// policies are the values of on_rejected.
var policies = map[string]consumer.OnRejected{
	"retry": consumer.Retry, "dead-letter": consumer.DeadLetter, "discard": consumer.Discard,
}

// consume creates the queue's consumer.
func (r *queueRoom) consume(q *queue.Queue, attributes queue.Attributes) (*consumer.Consumer, error) {
	t := r.app.config.Targets[r.config.Target]
	route, err := r.target.http.From(attributes.ARN)
	if err != nil {
		return nil, err
	}
	return consumer.New(consumer.Options{
		Queue:        q.Name(),
		Target:       r.target.name,
		Source:       q,
		Deliver:      r.app.tracer.Wrap(route, q.Name(), q.URL(), r.target.name),
		Batch:        t.BatchSize(),
		BatchWait:    time.Duration(t.BatchWait),
		Gate:         r.target.gate,
		Pace:         r.target.pace,
		Weight:       float64(r.config.Weight),
		Memory:       r.app.memory,
		Copied:       target.Copied(t.Format, t.BatchSize()),
		FIFO:         attributes.FIFO,
		FIFOStrict:   r.config.FIFOStrict,
		Attributes:   attributes.QueueAttributes,
		Visibility:   time.Duration(r.config.VisibilityTimeout),
		Timeout:      time.Duration(t.Timeout),
		Gather:       time.Duration(r.config.Gather),
		Backoff:      time.Duration(t.Backoff),
		BackoffMax:   time.Duration(t.BackoffMax),
		OnRejected:   policies[t.OnRejected],
		DrainTimeout: time.Duration(r.app.config.DrainTimeout),
		MaxWait:      shorter(r.app.maxWait, time.Duration(r.config.WaitTime)),
		Seed:         r.app.seed,
		Registerer: prometheus.WrapRegistererWith(
			prometheus.Labels{"queue": q.Name(), "target": r.target.name}, r.app.metrics),
		Logger: r.app.log,
	})
}

// shorter returns the shorter of two bounds of long polls, where 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// opened returns the queue, or nil if it has not been reached.
func (r *queueRoom) opened() *queue.Queue {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.queue
}

// state returns the consumer, or why there is none yet.
func (r *queueRoom) state() (*consumer.Consumer, *admin.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.consumer, r.problem
}
