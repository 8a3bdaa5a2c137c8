package queue

import (
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/sqs-poller/poller/internal/message"
)

// MaxMoveRate is the highest rate of a move task, in messages a second:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
const MaxMoveRate = 500

// MoveStatus is the state of a move task, in SQS's words.
type MoveStatus string

// The states of a move task.
const (
	MoveRunning    MoveStatus = "RUNNING"
	MoveCompleted  MoveStatus = "COMPLETED"
	MoveCancelling MoveStatus = "CANCELLING"
	MoveCancelled  MoveStatus = "CANCELLED"
	MoveFailed     MoveStatus = "FAILED"
)

// Move is how far a move task has got.
type Move struct {
	Status MoveStatus
	// Moved and ToMove are approximate.
	Moved, ToMove int64
	Reason        string // why it failed
}

// StartMove has SQS move the messages of a dead-letter queue, whose ARN is source, back to
// where each came from, or to the queue whose ARN is destination. rate is in messages a
// second, at most MaxMoveRate; 0 leaves it to SQS. It returns the task's handle.
func (q *Queue) StartMove(ctx context.Context, source, destination string, rate int) (string, error) {
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &source}
	if destination != "" {
		in.DestinationArn = &destination
	}
	if rate > 0 {
		perSecond := int32(rate) //nolint:gosec // at most MaxMoveRate
		in.MaxNumberOfMessagesPerSecond = &perSecond
	}
	out, err := commanded(ctx, q, startMove, func(ctx context.Context) (*sqs.StartMessageMoveTaskOutput, error) {
		return q.client.sqs.StartMessageMoveTask(ctx, in)
	})
	if err != nil {
		return "", err
	}
	return text(out.TaskHandle), nil
}

// LastMove returns the newest move task of a dead-letter queue; ok is false if there is
// none.
func (q *Queue) LastMove(ctx context.Context, source string) (m Move, ok bool, err error) {
	out, err := commanded(ctx, q, listMoves, func(ctx context.Context) (*sqs.ListMessageMoveTasksOutput, error) {
		return q.client.sqs.ListMessageMoveTasks(ctx, &sqs.ListMessageMoveTasksInput{SourceArn: &source})
	})
	if err != nil || len(out.Results) == 0 {
		return Move{}, false, err
	}
	r := out.Results[0]
	m = Move{Status: MoveStatus(text(r.Status)), Moved: r.ApproximateNumberOfMessagesMoved, Reason: text(r.FailureReason)}
	if r.ApproximateNumberOfMessagesToMove != nil {
		m.ToMove = *r.ApproximateNumberOfMessagesToMove
	}
	return m, true, nil
}

// CancelMove ends a move task. What it has moved stays moved.
func (q *Queue) CancelMove(ctx context.Context, handle string) error {
	_, err := commanded(ctx, q, cancelMove, func(ctx context.Context) (*sqs.CancelMessageMoveTaskOutput, error) {
		return q.client.sqs.CancelMessageMoveTask(ctx, &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
	})
	return err
}

// Sources returns the URLs of the queues that have this one as their dead-letter queue, at
// most the first thousand.
func (q *Queue) Sources(ctx context.Context) ([]string, error) {
	out, err := commanded(ctx, q, listSources, func(ctx context.Context) (*sqs.ListDeadLetterSourceQueuesOutput, error) {
		return q.client.sqs.ListDeadLetterSourceQueues(ctx, &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &q.url})
	})
	if err != nil {
		return nil, err
	}
	return out.QueueUrls, nil
}

// commanded makes one call of a command and classifies its error.
func commanded[Out any](ctx context.Context, q *Queue, a action, do func(context.Context) (*Out, error)) (*Out, error) {
	limited, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := do(limited)
	if err != nil {
		return nil, q.client.failed(ctx, a, q.name, err, callTimeout)
	}
	return out, nil
}

// Rejection is what DeadLetter noted on a message that it sent to the dead-letter queue.
type Rejection struct {
	Status, Reason string
}

// RejectionOf returns why the target rejected a message of a dead-letter queue; ok is false
// if DeadLetter did not send it there, or could not note it.
func RejectionOf(m *message.Message) (r Rejection, ok bool) {
	noted, ok := m.Attributes[rejectedAttribute]
	if !ok {
		return Rejection{}, false
	}
	for field := range strings.FieldsSeq(noted.StringValue) {
		switch name, value, _ := strings.Cut(field, "="); name {
		case "status":
			r.Status = value
		case "reason":
			r.Reason = value
		}
	}
	return r, true
}

// Again returns a draft of a message that was received from a dead-letter queue, as it was
// before it came there. On a FIFO queue its deduplication id is the message's id, so that
// sending it twice within five minutes is sending it once.
func Again(m *message.Message, fifo bool) Draft {
	d := Draft{Body: m.Body, GroupID: m.GroupID, TraceHeader: m.TraceHeader}
	if fifo {
		d.DeduplicationID = m.ID
	}
	for name, a := range m.Attributes {
		if name == rejectedAttribute {
			continue
		}
		if d.Attributes == nil {
			d.Attributes = make(map[string]message.Attribute, len(m.Attributes))
		}
		d.Attributes[name] = a
	}
	return d
}

// Age returns how old a message is by SQS's clock.
func (q *Queue) Age(now time.Time, m *message.Message) time.Duration {
	return max(0, now.Add(q.ClockOffset()).Sub(m.SentAt))
}
