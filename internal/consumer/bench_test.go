package consumer

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// endless is a queue that always has ten more, and takes everything.
type endless struct {
	left    atomic.Int64
	settled chan int
}

func (e *endless) ReceiveWithin(ctx context.Context, maximum int, _, _ time.Duration, _ string, _ func(context.Context, int)) ([]*message.Message, error) {
	last := e.left.Add(-int64(maximum))
	maximum += int(min(last, 0)) // the rest, of the last receive
	if maximum <= 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	messages := make([]*message.Message, maximum)
	for i := range messages {
		id := strconv.FormatInt(max(last, 0)+int64(i), 10)
		messages[i] = &message.Message{ID: id, ReceiptHandle: id, Body: "{}", ReceiveCount: 1, SentAt: time.Now()}
	}
	return messages, nil
}

func (e *endless) Delete(_ context.Context, handles []string) []error {
	e.settled <- len(handles)
	return nil
}

func (*endless) ChangeVisibility(context.Context, []message.VisibilityChange) []error { return nil }
func (*endless) DeadLetter(context.Context, []message.Letter) []error                 { return nil }
func (*endless) LookDead(context.Context) (message.Depth, error)                      { return message.Depth{}, nil }
func (*endless) ClockOffset() time.Duration                                           { return 0 }

func (*endless) Look(context.Context) (message.QueueAttributes, error) {
	return message.QueueAttributes{}, nil
}

// instant is a target that takes everything immediately.
type instant struct{}

func (instant) Deliver(context.Context, string, *message.Message) message.Result { return delivered2xx }

// BenchmarkAMessage is what the engine itself costs a message, from the receive's
// answer to the delete's, with neither SQS nor HTTP in it.
func BenchmarkAMessage(b *testing.B) {
	q := &endless{settled: make(chan int, 1000)}
	b.ReportAllocs()
	messages := (b.N + 9) / 10 * 10
	q.left.Store(int64(messages))
	c, err := New(Options{
		Queue: "orders", Target: "default", Source: q, Deliver: instant{},
		Gate: gate.New(1), Pace: ratelimit.New(ratelimit.Limits{Concurrency: 64}), Weight: 1,
		Visibility: 30 * time.Second, Timeout: 30 * time.Second, Gather: 20 * time.Millisecond,
		Backoff: time.Second, BackoffMax: time.Minute, DrainTimeout: 25 * time.Second,
		Registerer: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	now, abort := context.WithCancel(b.Context())
	ended := make(chan Summary)
	b.ResetTimer()
	go func() { ended <- c.Run(b.Context(), now) }()
	for settled := 0; settled < messages; settled += <-q.settled {
	}
	b.StopTimer()
	abort()
	<-ended
}
