package queue

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// receiveMargin is how long a receive may take beyond its long poll.
const receiveMargin = 10 * time.Second

// Receive asks for up to maximum (1 to 10) messages, waits up to wait for the first one,
// and hides them for visibility. Both are whole seconds; 0 means the queue's own setting.
// Do not cancel ctx during the call: what SQS has handed out by then stays hidden.
//
// attempt, for a FIFO queue, is the ReceiveRequestAttemptId, or empty. If the response is
// lost, a receive with the same one within 5 minutes gets the same messages again:
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
func (q *Queue) Receive(ctx context.Context, maximum int, wait, visibility time.Duration, attempt string) ([]*message.Message, error) {
	return q.ReceiveWithin(ctx, maximum, wait, visibility, attempt, nil)
}

// ReceiveWithin is Receive, except that admit is called before an answer that is not small
// is read.
func (q *Queue) ReceiveWithin(
	ctx context.Context, maximum int, wait, visibility time.Duration, attempt string, admit Admit,
) ([]*message.Message, error) {
	body := receiveBody(q.url, attempt, maximum, int(wait/time.Second), int(visibility/time.Second))
	var messages []*message.Message
	start := time.Now()
	date, took, err := call(ctx, q, receive, wait+receiveMargin, 0, func(ctx context.Context) (time.Time, error) {
		return q.client.wire.do(ctx, receive, body, func(answer *http.Response) (err error) {
			messages, err = q.client.wire.messages(ctx, answer, admit)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	var handedOut time.Time
	if !date.IsZero() && len(messages) > 0 {
		handedOut = q.client.clock.handedOut(date, start, time.Now())
	}
	payload := 0
	for _, m := range messages {
		m.HandedOut = handedOut
		payload += m.Size()
	}
	q.tally.count(receive, message.NoFault, payload)
	if len(messages) > 0 && took <= quickAnswer {
		q.tally.lasted(receive, took)
	}
	return messages, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
