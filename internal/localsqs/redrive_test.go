package localsqs

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// redriven makes a queue and its dead-letter queue.
func (b bench) redriven(t *testing.T, name, dead string, receives int, attributes ...string) (url, deadURL string) {
	t.Helper()
	deadURL = b.queue(t, dead)
	policy := fmt.Sprintf(`{"deadLetterTargetArn":"%s","maxReceiveCount":%d}`, arnOf(dead), receives)
	return b.queue(t, name, append(attributes, "RedrivePolicy", policy)...), deadURL
}

func TestAMessageGoesToTheDeadLetterQueueAtTheReceiveThatIsOneTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, dead := b.redriven(t, "orders", "dead", 2, "VisibilityTimeout", "1")
		sent := b.send(t, url, "poison")
		for range 2 {
			wantBodies(t, b.receive(t, url), "poison")
			sleep(time.Second)
		}
		wantBodies(t, b.receive(t, dead), "") // not before it is asked for again
		b.send(t, url, "good")
		wantBodies(t, b.receive(t, url), "good")
		m := b.receive(t, dead)[0]
		if *m.MessageId != *sent.MessageId || m.Attributes["DeadLetterQueueSourceArn"] != arnOf("orders") ||
			m.Attributes["ApproximateReceiveCount"] != "3" {
			t.Fatalf("%s arrived with %v", *m.MessageId, m.Attributes)
		}
		if m.Attributes["SentTimestamp"] != m.Attributes["ApproximateFirstReceiveTimestamp"] {
			t.Fatalf("timestamps were not kept: %v", m.Attributes)
		}
	})
}

func TestRetentionGoesOnInTheDeadLetterQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, dead := b.redriven(t, "orders", "dead", 1, "VisibilityTimeout", "1")
		wantNone(t, b.set(t, dead, "MessageRetentionPeriod", "60"))
		b.send(t, url, "m")
		sleep(50 * time.Second)
		b.receive(t, url)
		sleep(time.Second)
		b.receive(t, url)
		b.send(t, dead, "newer")
		sleep(9*time.Second - time.Millisecond)
		b.depth(t, "dead", 2, 0, 0)
		sleep(time.Millisecond)
		wantBodies(t, b.receive(t, dead), "newer")
	})
}

func TestALongPollOfTheDeadLetterQueueIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, dead := b.redriven(t, "orders", "dead", 1, "VisibilityTimeout", "0")
		b.send(t, url, "m")
		b.receive(t, url)
		var got []types.Message
		var parked sync.WaitGroup
		parked.Go(func() { got = b.receive(t, dead, waiting(20)) })
		synctest.Wait()
		wantBodies(t, b.receive(t, url), "")
		parked.Wait()
		wantBodies(t, got, "m")
	})
}

func TestAFIFOGroupGoesOnPastADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, dead := b.redriven(t, "orders.fifo", "dead.fifo", 1, "VisibilityTimeout", "1")
		b.sendGroup(t, url, "g", "poison", "good")
		b.receive(t, url, upTo(1))
		sleep(time.Second)
		wantBodies(t, b.receive(t, url), "good")
		m := b.receive(t, dead)[0]
		if *m.Body != "poison" || m.Attributes["MessageGroupId"] != "g" || m.Attributes["MessageDeduplicationId"] != "poison" {
			t.Fatalf("%s arrived with %v", *m.Body, m.Attributes)
		}
	})
}

func TestARedrivePolicyIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.queue(t, "dead")
		b.queue(t, "dead.fifo")
		b.queue(t, "closed", "RedriveAllowPolicy", `{"redrivePermission":"denyAll"}`)
		b.queue(t, "chosen", "RedriveAllowPolicy", `{"redrivePermission":"byQueue","sourceQueueArns":["`+arnOf("orders")+`"]}`)
		policy := func(name, count string) string {
			return `{"deadLetterTargetArn":"` + arnOf(name) + `","maxReceiveCount":` + count + `}`
		}
		for _, wrong := range []string{
			"no JSON", "{}", `{"maxReceiveCount":3}`, `{"deadLetterTargetArn":"` + arnOf("dead") + `"}`,
			`{"deadLetterTargetArn":"dead","maxReceiveCount":3}`,
			policy("dead", "0"), policy("dead", "1001"), policy("dead", `"many"`), policy("dead", "1.5"),
			policy("nowhere", "3"), policy("dead.fifo", "3"), policy("closed", "3"),
		} {
			wantError(t, b.set(t, url, "RedrivePolicy", wrong), "InvalidParameterValue", "RedrivePolicy")
		}
		wantNone(t, b.set(t, url, "RedrivePolicy", policy("chosen", "1000")))
		wantNone(t, b.set(t, url, "RedrivePolicy", policy("dead", `"3"`)))
		if p := b.attributes(t, url, "RedrivePolicy")["RedrivePolicy"]; p != policy("dead", "3") {
			t.Fatalf("policy %s", p)
		}
		wantNone(t, b.set(t, url, "RedrivePolicy", ""))
		if a := b.attributes(t, url); a["RedrivePolicy"] != "" {
			t.Fatalf("attributes %v", a)
		}
	})
}

func TestSourcesOfADeadLetterQueueAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		one, dead := b.redriven(t, "one", "dead", 1)
		two, _ := b.redriven(t, "two", "dead", 1)
		list := func(limit int32, token *string) *sqs.ListDeadLetterSourceQueuesOutput {
			in := &sqs.ListDeadLetterSourceQueuesInput{QueueUrl: &dead, NextToken: token}
			if limit > 0 {
				in.MaxResults = &limit
			}
			out, err := b.ListDeadLetterSourceQueues(t.Context(), in)
			wantNone(t, err)
			return out
		}
		if got := list(0, nil).QueueUrls; len(got) != 2 || got[0] != one || got[1] != two {
			t.Fatalf("sources %v", got)
		}
		page := list(1, nil)
		rest := list(1, page.NextToken)
		if len(page.QueueUrls) != 1 || len(rest.QueueUrls) != 1 || rest.QueueUrls[0] != two || rest.NextToken != nil {
			t.Fatalf("pages %v and %v", page.QueueUrls, rest.QueueUrls)
		}
		dead = one
		if got := list(0, nil).QueueUrls; len(got) != 0 {
			t.Fatalf("sources of a queue that is nobody's dead-letter queue: %v", got)
		}
	})
}

// fillDead puts n messages into a dead-letter queue by way of its source.
func (b bench) fillDead(t *testing.T, url string, n int) {
	t.Helper()
	wantNone(t, b.set(t, url, "VisibilityTimeout", "0")) // the SDK does not send a 0 of its own
	for i := range n {
		b.send(t, url, fmt.Sprint(i))
	}
	for range n + 1 {
		b.receive(t, url)
	}
	wantNone(t, b.set(t, url, "VisibilityTimeout", "30"))
}

func (b bench) start(t *testing.T, in *sqs.StartMessageMoveTaskInput) string {
	t.Helper()
	out, err := b.StartMessageMoveTask(t.Context(), in)
	wantNone(t, err)
	return *out.TaskHandle
}

func (b bench) task(t *testing.T, source string) types.ListMessageMoveTasksResultEntry {
	t.Helper()
	out, err := b.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: &source})
	wantNone(t, err)
	if len(out.Results) != 1 {
		t.Fatalf("%d tasks listed", len(out.Results))
	}
	return out.Results[0]
}

func TestAMoveTaskReturnsMessagesToWhereTheyCameFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		one, _ := b.redriven(t, "one", "dead", 1)
		two, _ := b.redriven(t, "two", "dead", 1)
		b.fillDead(t, one, 3)
		b.fillDead(t, two, 2)
		b.start(t, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arnOf("dead"))})
		if task := b.task(t, arnOf("dead")); *task.Status != "RUNNING" || task.TaskHandle == nil || *task.ApproximateNumberOfMessagesToMove != 5 {
			t.Fatalf("task %+v", task)
		}
		sleep(time.Second)
		task := b.task(t, arnOf("dead"))
		if *task.Status != "COMPLETED" || task.ApproximateNumberOfMessagesMoved != 5 || task.TaskHandle != nil ||
			task.DestinationArn != nil || task.StartedTimestamp == 0 {
			t.Fatalf("task %+v", task)
		}
		got := b.receive(t, one)
		wantBodies(t, got, "0 1 2")
		if a := got[0].Attributes; a["ApproximateReceiveCount"] != "1" || a["DeadLetterQueueSourceArn"] != "" {
			t.Fatalf("attributes %v", a)
		}
		wantBodies(t, b.receive(t, two), "0 1")
	})
}

func TestAMoveTaskKeepsItsRateAndCanBeCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, _ := b.redriven(t, "orders", "dead", 1)
		b.queue(t, "elsewhere")
		b.fillDead(t, url, 20)
		start := func() (string, error) {
			out, err := b.StartMessageMoveTask(t.Context(), &sqs.StartMessageMoveTaskInput{
				SourceArn: aws.String(arnOf("dead")), DestinationArn: aws.String(arnOf("elsewhere")),
				MaxNumberOfMessagesPerSecond: aws.Int32(2),
			})
			if err != nil {
				return "", err
			}
			return *out.TaskHandle, nil
		}
		handle, err := start()
		wantNone(t, err)
		_, err = start()
		wantError(t, err, "InvalidParameterValue", "There is already a task running")
		sleep(2100 * time.Millisecond)
		cancelled, err := b.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		wantNone(t, err)
		if cancelled.ApproximateNumberOfMessagesMoved != 5 {
			t.Fatalf("moved %d in 2.1 s at 2 a second", cancelled.ApproximateNumberOfMessagesMoved)
		}
		if s := *b.task(t, arnOf("dead")).Status; s != "CANCELLING" {
			t.Fatalf("status %s", s)
		}
		sleep(time.Minute)
		task := b.task(t, arnOf("dead"))
		if *task.Status != "CANCELLED" || task.ApproximateNumberOfMessagesMoved != 5 ||
			*task.DestinationArn != arnOf("elsewhere") || *task.MaxNumberOfMessagesPerSecond != 2 {
			t.Fatalf("task %+v", task)
		}
		_, err = b.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: &handle})
		wantError(t, err, "AWS.SimpleQueueService.UnsupportedOperation", "CANCELLED")
		b.depth(t, "elsewhere", 5, 0, 0)
		_, err = start()
		wantNone(t, err)
	})
}

func TestAMoveTaskFailsWithoutADestination(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, dead := b.redriven(t, "orders", "dead", 1)
		b.fillDead(t, url, 1)
		b.send(t, dead, "sent here by hand")
		source := aws.String(arnOf("dead"))
		b.start(t, &sqs.StartMessageMoveTaskInput{SourceArn: source})
		sleep(time.Second)
		if task := b.task(t, *source); *task.Status != "FAILED" || *task.FailureReason != "CouldNotDetermineMessageSource" ||
			task.ApproximateNumberOfMessagesMoved != 1 {
			t.Fatalf("task %+v", task)
		}
		gone := b.queue(t, "gone")
		b.start(t, &sqs.StartMessageMoveTaskInput{SourceArn: source, DestinationArn: aws.String(arnOf("gone"))})
		_, err := b.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &gone})
		wantNone(t, err)
		sleep(time.Second)
		if task := b.task(t, *source); *task.Status != "FAILED" || *task.FailureReason != "AWS.SimpleQueueService.NonExistentQueue" {
			t.Fatalf("task %+v", task)
		}
	})
}

func TestAMoveTaskIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.redriven(t, "orders", "dead", 1)
		b.queue(t, "other.fifo")
		for _, try := range []struct {
			source, to string
			rate       int32
			code, part string
		}{
			{"dead", "", 1, "InvalidParameterValue", "You must use this format"},
			{arnOf("nowhere"), "", 1, "ResourceNotFoundException", "SourceArn"},
			{arnOf("orders"), "", 1, "InvalidParameterValue", "must be configured as a Dead Letter Queue"},
			{arnOf("dead"), arnOf("nowhere"), 1, "ResourceNotFoundException", "DestinationArn"},
			{arnOf("dead"), arnOf("dead"), 1, "InvalidParameterValue", "must not be the same"},
			{arnOf("dead"), arnOf("other.fifo"), 1, "AWS.SimpleQueueService.UnsupportedOperation", "same type"},
			{arnOf("dead"), "", 501, "InvalidParameterValue", "501"},
			{arnOf("dead"), "", 0, "InvalidParameterValue", "0"},
		} {
			in := &sqs.StartMessageMoveTaskInput{SourceArn: &try.source, MaxNumberOfMessagesPerSecond: &try.rate}
			if try.to != "" {
				in.DestinationArn = &try.to
			}
			_, err := b.StartMessageMoveTask(t.Context(), in)
			wantError(t, err, try.code, try.part)
		}
		_, err := b.ListMessageMoveTasks(t.Context(), &sqs.ListMessageMoveTasksInput{SourceArn: aws.String(arnOf("nowhere"))})
		wantError(t, err, "ResourceNotFoundException", "SourceArn")
		_, err = b.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String("garbage")})
		wantError(t, err, "InvalidParameterValue", "TaskHandle")
		handle := b.start(t, &sqs.StartMessageMoveTaskInput{SourceArn: aws.String(arnOf("dead"))})
		_, err = b.CancelMessageMoveTask(t.Context(), &sqs.CancelMessageMoveTaskInput{TaskHandle: aws.String(handle[:12] + handle[4:12] + handle[12:])})
		if err == nil {
			t.Fatal("a made-up handle cancelled a task")
		}
	})
}
