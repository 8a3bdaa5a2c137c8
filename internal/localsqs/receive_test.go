package localsqs

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestALongPollAnswersWhenAMessageComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		start := time.Now()
		time.AfterFunc(7*time.Second, func() { b.send(t, url, "m") })
		wantBodies(t, b.receive(t, url, waiting(20)), "m")
		if d := time.Since(start); d != 7*time.Second {
			t.Fatalf("answered after %v", d)
		}
		start = time.Now()
		wantBodies(t, b.receive(t, url, waiting(20)), "")
		if d := time.Since(start); d != 20*time.Second {
			t.Fatalf("an empty long poll took %v", d)
		}
	})
}

func TestTheQueuesWaitAppliesWhereTheReceiveSaysNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "ReceiveMessageWaitTimeSeconds", "3")
		start := time.Now()
		b.receive(t, url)
		if d := time.Since(start); d != 3*time.Second {
			t.Fatalf("waited %v", d)
		}
	})
}

func TestALongPollSeesDelaysAndVisibilitiesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "first")
		b.receive(t, url, visibilityOf(9))
		_, err := b.trySend(t, url, func(in *sqs.SendMessageInput) { in.DelaySeconds = 4 })
		wantNone(t, err)
		start := time.Now()
		wantBodies(t, b.receive(t, url, waiting(20)), "m")
		if d := time.Since(start); d != 4*time.Second {
			t.Fatalf("the delay was seen after %v", d)
		}
		wantBodies(t, b.receive(t, url, waiting(20)), "first")
		if d := time.Since(start); d != 9*time.Second {
			t.Fatalf("the visibility's end was seen after %v", d)
		}
	})
}

func TestLongPollsAreServedInTheOrderOfTheirArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		var served []string
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				got := b.receive(t, url, waiting(20), upTo(1))
				mu.Lock()
				defer mu.Unlock()
				served = append(served, fmt.Sprintf("%d:%s", i, bodies(got)))
			})
			synctest.Wait()
		}
		for i := range 5 {
			b.send(t, url, fmt.Sprint("m", i))
			synctest.Wait()
		}
		all.Wait()
		if got := strings.Join(served, " "); got != "0:m0 1:m1 2:m2 3:m3 4:m4" {
			t.Fatalf("served %s", got)
		}
	})
}

// At one instant a visibility ends and a new receive arrives: the long poll that
// was there before gets the message, however the two are woken.
func TestALateComerDoesNotOvertakeALongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "m")
		b.receive(t, url, visibilityOf(5))
		var early []types.Message
		var parked sync.WaitGroup
		parked.Go(func() { early = b.receive(t, url, waiting(20)) })
		sleep(5 * time.Second)
		late := b.receive(t, url)
		parked.Wait()
		wantBodies(t, early, "m")
		wantBodies(t, late, "")
	})
}

func TestABatchWakesOneLongPollWithAllOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		var got []types.Message
		var parked sync.WaitGroup
		parked.Go(func() { got = b.receive(t, url, waiting(20)) })
		synctest.Wait()
		_, err := b.tryBatch(t, url, "a", "b", "c")
		wantNone(t, err)
		parked.Wait()
		wantBodies(t, got, "a b c")
	})
}

func TestALongPollWhoseClientWentAwayTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		ctx, cancel := context.WithCancel(t.Context())
		var gone sync.WaitGroup
		gone.Go(func() {
			_, err := b.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		})
		synctest.Wait()
		cancel()
		b.send(t, url, "m") // the long poll may not yet have noticed
		gone.Wait()
		got := b.receive(t, url)
		wantBodies(t, got, "m")
		if n := got[0].Attributes["ApproximateReceiveCount"]; n != "1" {
			t.Fatalf("the lost long poll cost a receive: count %s", n)
		}
	})
}

// leaving is a client that goes away after the server has handed out messages
// and before it has read the answer.
type leaving struct {
	http.ResponseWriter
	header http.Header
}

func (l leaving) Header() http.Header         { return l.header }
func (l leaving) WriteHeader(int)             {}
func (l leaving) Write(p []byte) (int, error) { return len(p), nil }
func (l leaving) FlushError() error           { return errors.New("connection reset by peer") }

func TestAnAnswerThatCannotBeWrittenGivesItsMessagesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		for _, name := range []string{"orders", "orders.fifo"} {
			url := b.queue(t, name)
			if name == "orders" {
				b.send(t, url, "a")
				b.send(t, url, "b")
			} else {
				b.sendGroup(t, url, "g", "a", "b")
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/",
				strings.NewReader(`{"QueueUrl":"`+url+`","MaxNumberOfMessages":10}`))
			wantNone(t, err)
			r.Header.Set("Content-Type", jsonType)
			r.Header.Set("X-Amz-Target", "AmazonSQS.ReceiveMessage")
			b.s.ServeHTTP(leaving{header: make(http.Header)}, r)
			got := b.receive(t, url)
			wantBodies(t, got, "a b")
			if n := got[0].Attributes["ApproximateReceiveCount"]; n != "1" {
				t.Fatalf("the lost answer cost a receive: count %s", n)
			}
		}
	})
}

func TestSystemAttributesAreThoseAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "VisibilityTimeout", "0")
		sent := time.Now().UnixMilli()
		b.send(t, url, "m")
		sleep(1500 * time.Millisecond)
		first := b.receive(t, url)[0].Attributes
		sleep(time.Second)
		second := b.receive(t, url)[0].Attributes
		if first["SentTimestamp"] != fmt.Sprint(sent) || first["ApproximateFirstReceiveTimestamp"] != fmt.Sprint(sent+1500) ||
			first["ApproximateReceiveCount"] != "1" || first["SenderId"] == "" || len(first) != 4 {
			t.Fatalf("first receive %v", first)
		}
		if second["ApproximateFirstReceiveTimestamp"] != fmt.Sprint(sent+1500) || second["ApproximateReceiveCount"] != "2" {
			t.Fatalf("second receive %v", second)
		}
		//nolint:staticcheck // old clients use the deprecated list
		only := func(system []types.MessageSystemAttributeName, old []types.QueueAttributeName) map[string]string {
			return b.receive(t, url, func(in *sqs.ReceiveMessageInput) {
				in.MessageSystemAttributeNames, in.AttributeNames = system, old
			})[0].Attributes
		}
		if a := only(nil, nil); len(a) != 0 {
			t.Fatalf("asked for none, got %v", a)
		}
		if a := only([]types.MessageSystemAttributeName{"SenderId"}, []types.QueueAttributeName{"SentTimestamp", "SequenceNumber"}); len(a) != 2 {
			t.Fatalf("asked for two that are there, got %v", a)
		}
		_, err := b.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &url, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"VisibilityTimeout"},
		})
		wantError(t, err, "InvalidAttributeName", "VisibilityTimeout")
	})
}

func TestAReceiveThatAsksForTheImpossibleIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		for _, in := range []sqs.ReceiveMessageInput{
			{MaxNumberOfMessages: 11},
			{MaxNumberOfMessages: -1},
			{WaitTimeSeconds: 21},
			{WaitTimeSeconds: -1},
			{VisibilityTimeout: 43_201},
			{VisibilityTimeout: -1},
			{ReceiveRequestAttemptId: aws.String("a")}, // on a standard queue
		} {
			in.QueueUrl = &url
			_, err := b.ReceiveMessage(t.Context(), &in)
			wantError(t, err, "InvalidParameterValue", "is invalid. Reason: ")
		}
	})
}

func TestAShortPollOfAQueueWithTooManyInFlightIsOverLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		q := b.s.queues["orders"]
		now := b.s.lock()
		for range inFlightLimit + 1 {
			q.send(&draft{body: "m", bodyMD5: md5Of("m"), delay: -1, details: &noDetails}, now)
		}
		b.s.unlock(now)
		for range inFlightLimit / 10 {
			now := b.s.lock()
			q.take(ask{limit: 10, visibility: time.Minute}, now)
			b.s.unlock(now)
		}
		_, err := b.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url})
		wantError(t, err, "OverLimit", "")
		start := time.Now()
		wantBodies(t, b.receive(t, url, waiting(5)), "") // a long poll is told nothing
		if d := time.Since(start); d != 5*time.Second {
			t.Fatalf("the long poll took %v", d)
		}
		wantBodies(t, b.receive(t, url, waiting(20), upTo(1)), "")
		sleep(40 * time.Second) // visibility ends
		wantBodies(t, b.receive(t, url, upTo(1)), "m")
	})
}

func TestDeletingAQueueEndsItsLongPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		var parked sync.WaitGroup
		parked.Go(func() {
			_, err := b.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, WaitTimeSeconds: 20})
			wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", "")
		})
		synctest.Wait()
		start := time.Now()
		_, err := b.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
		wantNone(t, err)
		parked.Wait()
		if d := time.Since(start); d != 0 {
			t.Fatalf("the long poll lived on for %v", d)
		}
	})
}

func TestCloseEndsLongPollsAndAnswersNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "m")
		b.receive(t, url)
		var parked sync.WaitGroup
		parked.Go(func() { wantBodies(t, b.receive(t, url, waiting(20)), "") })
		synctest.Wait()
		b.s.Close()
		parked.Wait()
		_, err := b.ListQueues(t.Context(), &sqs.ListQueuesInput{})
		if err == nil || !strings.Contains(err.Error(), "The server is closed.") {
			t.Fatalf("got %v", err)
		}
		if _, err := b.s.CreateQueue("late", nil); err == nil {
			t.Fatal("a closed server made a queue")
		}
	})
}

func TestAnIdleServerRunsForWeeksInNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "MessageRetentionPeriod", "1209600")
		b.send(t, url, "m")
		for range 1200 * 3600 / 20 / 100 {
			b.receive(t, url, waiting(20), visibilityOf(30))
		}
	})
}
