package consumer

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

const deadARN = "arn:aws:sqs:us-east-1:000000000000:orders-dlq"

func withDeadLetters() *fakeQueue {
	q := newFakeQueue()
	q.attributes.DeadLetterQueueARN = deadARN
	return q
}

func (q *fakeQueue) setDead(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.deadDepth = n
}

func TestTheDeadLetterQueueIsLookedAtEveryFiveMinutesAndSoonAfterAChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(10), nil)
		pass(time.Hour)
		if n := q.called("look dead"); n < 12 || n > 13 {
			t.Errorf("it was looked at %d times in an hour", n)
		}
		is := e.Snapshot(time.Now()).DeadLetters
		if is.Name != "orders-dlq" || !is.Known || is.Messages != 0 || !is.Since.IsZero() {
			t.Errorf("%+v", is)
		}
		q.setDead(5)
		pass(6 * time.Minute)
		seen := time.Now()
		q.setDead(7)
		pass(90 * time.Second)
		is = e.Snapshot(time.Now()).DeadLetters
		if is.Messages != 7 || is.Since.After(seen) || seen.Sub(is.Since) > 6*time.Minute {
			t.Errorf("%+v", is)
		}
		q.setDead(0)
		pass(6 * time.Minute)
		if is = e.Snapshot(time.Now()).DeadLetters; is.Messages != 0 || !is.Since.IsZero() {
			t.Errorf("%+v", is)
		}
		e.stop()
	})
}

func TestWhatWasInTheDeadLetterQueueBeforeHasNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(time.Millisecond)
		q.setDead(3)
		e := run(t, q, f, limitedTo(10), nil)
		pass(time.Minute)
		if is := e.Snapshot(time.Now()).DeadLetters; is.Messages != 3 || !is.Since.IsZero() || is.Sent != 0 {
			t.Errorf("%+v", is)
		}
		e.stop()
	})
}

func TestAReleaseAfterTheLastReceiveCountsAsSentToTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(0)
		q.retire = 5 // its maxReceiveCount
		f.answer = func(m *message.Message, _ int) (message.Result, time.Duration) {
			if m.ID == "m1" {
				return message.Result{Outcome: message.Rejected, Status: 400, Reason: "4xx"}, time.Millisecond
			}
			return delivered2xx, time.Millisecond
		}
		e := run(t, q, f, limitedTo(10), nil)
		pass(time.Minute)
		q.send(3)
		q.setDead(1)
		before := q.called("look dead")
		pass(2 * time.Minute)
		is := e.Snapshot(time.Now()).DeadLetters
		if is.Sent != 1 || is.Messages != 1 || is.Since.IsZero() {
			t.Errorf("%+v", is)
		}
		if n := q.called("look dead") - before; n < 1 || n > 4 {
			t.Errorf("it was looked at %d times in two minutes", n)
		}
		e.stop()
	})
}

func TestADeadLetterQueueThatMayNotBeLookedAtIsUnknownAndSaidOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(time.Millisecond)
		q.fault = func(action string, _ int) error {
			if action == "look dead" {
				return &message.SQSError{Action: "GetQueueAttributes", Queue: "orders-dlq", Fault: message.Refused, Code: "AccessDenied", Err: errLost}
			}
			return nil
		}
		e := run(t, q, f, limitedTo(10), nil)
		pass(50 * time.Minute)
		is := e.Snapshot(time.Now()).DeadLetters
		if is.Known || is.Name != "orders-dlq" || q.called("look dead") != 1 {
			t.Errorf("%+v, asked %d times", is, q.called("look dead"))
		}
		if n := strings.Count(e.said(), "allow sqs:GetQueueUrl and sqs:GetQueueAttributes"); n != 1 {
			t.Errorf("%d lines:\n%s", n, e.said())
		}
		e.stop()
	})
}

func TestAQueueWithoutADeadLetterQueueHasNone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := newFakeQueue(), newFakeTarget(time.Millisecond)
		e := run(t, q, f, limitedTo(10), nil)
		pass(time.Hour)
		if is := e.Snapshot(time.Now()).DeadLetters; is != (DeadLetters{}) || q.called("look dead") != 0 {
			t.Errorf("%+v", is)
		}
		e.stop()
	})
}

func TestARejectedMessageThatTheDeadLetterQueueDoesNotTakeIsSaidAndLeftToTheRedrive(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(0)
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			return message.Result{Outcome: message.Rejected, Status: 422, Reason: "4xx"}, time.Millisecond
		}
		q.fault = func(action string, _ int) error {
			if action == "dead-letter" {
				return &message.SQSError{Action: "SendMessageBatch", Queue: "orders-dlq", Fault: message.Invalid, Err: errLost}
			}
			return nil
		}
		q.send(1)
		e := run(t, q, f, limitedTo(10), func(o *Options) { o.OnRejected = DeadLetter })
		pass(time.Second)
		if said := e.said(); strings.Count(said, "the dead-letter queue does not take a rejected message: leaving it to the queue's own redrive") != 1 ||
			!strings.Contains(said, "message_id=m0") {
			t.Errorf("the log:\n%s", said)
		}
		if got := q.delay(0, 0); got < 1 || got > 2 {
			t.Errorf("released for %d s", got)
		}
		e.stop()
	})
}

func TestARejectedMessageThatIsLostOnItsWayToTheDeadLetterQueueIsNotTakenForDelivered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q, f := withDeadLetters(), newFakeTarget(time.Millisecond)
		f.answer = func(*message.Message, int) (message.Result, time.Duration) {
			return message.Result{Outcome: message.Rejected, Status: 422, Reason: "4xx"}, f.took
		}
		q.fault = func(action string, call int) error {
			if action == "dead-letter" {
				return away(action, call)
			}
			return nil
		}
		q.send(1)
		e := run(t, q, f, ratelimit.Limits{Concurrency: 1}, func(o *Options) { o.OnRejected = DeadLetter })
		pass(time.Second)
		q.mu.Lock()
		q.messages[0].handle, q.messages[0].visible = "another's", time.Now() // its visibility has ended
		q.mu.Unlock()
		pass(time.Minute) // lost, and received again
		q.mu.Lock()
		q.fault = nil
		q.mu.Unlock()
		pass(2 * time.Minute)
		if n := len(q.dead); n == 0 || !q.messages[0].deleted {
			t.Errorf("%d in the dead-letter queue, deleted %v", n, q.messages[0].deleted)
		}
		e.stop()
	})
}
