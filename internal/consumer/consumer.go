package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// source is the queue, as the engine uses it. Errors are *message.SQSError.
type source interface {
	// ReceiveWithin calls admit before it reads a large answer, with the bytes that takes.
	ReceiveWithin(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string,
		admit func(ctx context.Context, bytes int)) ([]*message.Message, error)
	Delete(ctx context.Context, handles []string) []error
	ChangeVisibility(ctx context.Context, changes []message.VisibilityChange) []error
	Look(ctx context.Context) (message.QueueAttributes, error)
	ClockOffset() time.Duration
	LookDead(ctx context.Context) (message.Depth, error)
	DeadLetter(ctx context.Context, letters []message.Letter) []error
}

// target is where messages are delivered to. Deliver returns within the target's
// own timeout, or soon after ctx is done.
type target interface {
	Deliver(ctx context.Context, queue string, m *message.Message) message.Result
}

// batchTarget is a target that takes several messages in one request.
type batchTarget interface {
	// DeliverBatch is Deliver for several. If the answer tells them apart, each has a result
	// of its own; else each is nil, and whole is everybody's.
	DeliverBatch(ctx context.Context, queue string, all []*message.Message) (whole message.Result, each []message.Result)
	// SizeInBatch is how much of a request m takes at most, in bytes.
	SizeInBatch(m *message.Message) int
}

// Options are what a Consumer is made of. All are required except Registerer, Memory, Batch
// and BatchWait.
type Options struct {
	// Queue and Target are their names, for the logs and for X-Poller-Queue.
	Queue, Target string
	Source        source
	Deliver       target
	// Batch is how many messages a request carries at most. Over 1, Deliver is also a
	// batchTarget.
	Batch int
	// BatchWait is how long a message waits for others that it can be sent with.
	BatchWait time.Duration
	// Gate is the target's.
	Gate *gate.Gate
	// Pace is the target's; Weight is this queue's share of it, over 0.
	Pace   *ratelimit.Pace
	Weight float64
	// Memory is shared by all consumers of the process; nil: one of its own.
	Memory *Memory
	// Copied returns how many bytes of it a delivery takes beside the message; nil: none.
	Copied func(*message.Message) int

	// FIFO reports whether the queue is a FIFO queue: it keeps the sequence within each message
	// group.
	FIFO bool
	// FIFOStrict has the next message of a group wait until the one before it is deleted:
	// after a crash one message of a group comes again at most.
	FIFOStrict bool
	// OnRejected is what happens to a message that the target rejects.
	OnRejected OnRejected
	// Attributes are the queue's, as they were when it was reached. Their visibility
	// timeout is at least 1 s unless Visibility is set.
	Attributes message.QueueAttributes
	// Visibility is asked for at each receive; whole seconds. 0: the queue's own.
	Visibility time.Duration
	// Timeout is the longest time that a delivery takes.
	Timeout time.Duration
	// Gather is the least time between receives that return partly filled; 0: none.
	Gather time.Duration
	// Backoff is the delay of a message's first release; it doubles with its
	// receive count, up to BackoffMax.
	Backoff, BackoffMax time.Duration
	// DrainTimeout is from the stop to the release of what is left.
	DrainTimeout time.Duration

	// MaxWait bounds the long polls, in whole seconds; 0: SQS's 20 s.
	MaxWait time.Duration

	// Seed is what jitter is drawn from, together with the message's id: the same
	// seed gives the same jitter.
	Seed uint64
	// Registerer carries the labels queue and target; nil: no metrics.
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Consumer takes the messages of one queue to one target.
type Consumer struct {
	options Options
	log     *slog.Logger
	hist    *histograms
	pace    *ratelimit.Share
	gate    *gate.Seat
	born    time.Time
	turned  atomic.Int64 // when the loop last turned, in nanoseconds since it was born
	awake   chan struct{}

	mu sync.Mutex // guards what follows

	armed   time.Time // when the loop wakes by itself
	hand    hand
	demand  demand
	stats   stats
	recent  failures
	notices *notices
	sqs     sqsCalls
	gateLog gateLog
	paceLog paceLog

	polls      *crew[*poll]
	deliveries *crew[*life]
	calls      *crew[*call]

	attempts   attempts
	extension  extension
	view       view
	dead       deadWatch
	attributes attributes

	requests int64          // to the target
	running  int            // requests, of lost messages too
	calling  int            // settles, extensions, attributes
	blocked  ratelimit.Want // why the last start was refused
	soonAt   time.Time      // when a receive may ask for more, if the quotas bound it
	dry      bool           // what the pace was told last
	drain    drain
	aborted  bool // the second signal, or the end of the grace
	ended    bool // Run has stopped working and waits for its goroutines
}

// New makes a consumer; Run starts it.
func New(o Options) (*Consumer, error) {
	if o.Memory == nil {
		o.Memory = NewMemory(defaultBudget)
	}
	var batches batchTarget
	if o.Batch = max(o.Batch, 1); o.Batch > 1 {
		var ok bool
		if batches, ok = o.Deliver.(batchTarget); !ok {
			return nil, fmt.Errorf("--batch: the target of queue %s takes one message a request", o.Queue)
		}
	}
	c := &Consumer{
		options: o,
		born:    time.Now(),
		log:     o.Logger.With("queue", o.Queue, "target", o.Target),
		awake:   make(chan struct{}, 1),
		demand:  newDemand(o.Gather),
		notices: newNotices(),
		stats:   newStats(),
	}
	c.sqs = newSQSCalls(c.log, &c.recent, o.Seed)
	c.gateLog = gateLog{log: c.log, notices: c.notices, gate: o.Gate}
	c.view = newView(c)
	c.attributes = newAttributes(c.log, c.notices, o.Visibility, o.Attributes)
	c.attempts = newAttempts(o.FIFO, o.Seed, o.Queue)
	c.hist = newHistograms()
	c.hand = newHand(c, batches)
	c.followVisibility()
	if err := register(o.Registerer, c); err != nil {
		return nil, err
	}
	c.pace = o.Pace.Join(o.Weight, c.wake)
	c.gate = o.Gate.Join(c.wake)
	c.hand.pace, c.hand.gate = c.pace, c.gate
	c.paceLog = paceLog{log: c.log, notices: c.notices, pace: c.pace}
	return c, nil
}

// supply is what the demand needs to know.
func (c *Consumer) supply(now time.Time, limit gate.Limit) supply {
	limits, part := c.pace.Limits(), c.pace.Part()
	each := float64(c.options.Batch) // what a slot and a token are good for
	speed := math.Inf(1)
	if limits.Limited {
		speed = limits.Rate * part * each
	}
	return supply{
		slots:     float64(min(limit.Slots, limits.Concurrency)) * part * each,
		rate:      speed,
		part:      part,
		waiting:   c.hand.count[waiting] - c.hand.followers,
		usable:    c.pace.Usable(now, limit.Startable) * c.options.Batch,
		followers: c.hand.followers,
		held:      c.hand.count[held],
		free:      c.options.Memory.free(),
		inHand:    c.hand.size(),
	}
}
