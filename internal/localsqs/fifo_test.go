package localsqs

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestAGroupComesInOrderAndBlocksWhileInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g1", "a1")
		b.sendGroup(t, url, "g2", "b1")
		b.sendGroup(t, url, "g1", "a2", "a3")
		first := b.receive(t, url, upTo(2))
		wantBodies(t, first, "a1 a2")
		wantBodies(t, b.receive(t, url), "b1") // another group goes on
		wantNone(t, b.delete(t, url, first[0].ReceiptHandle))
		wantBodies(t, b.receive(t, url), "") // a2 is still in flight
		wantNone(t, b.delete(t, url, first[1].ReceiptHandle))
		wantBodies(t, b.receive(t, url), "a3")
	})
}

func TestAReceiveTakesAsMuchOfOneGroupAsThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g1", "a1")
		b.sendGroup(t, url, "g2", "b1")
		b.sendGroup(t, url, "g3", "c1")
		b.sendGroup(t, url, "g1", "a2")
		b.sendGroup(t, url, "g2", "b2")
		wantBodies(t, b.receive(t, url, upTo(3), visibilityOf(1)), "a1 a2 b1")
		wantBodies(t, b.receive(t, url), "c1") // b2 waits behind b1
		sleep(time.Second)
		wantBodies(t, b.receive(t, url), "a1 a2 b1 b2")
	})
}

// As recorded from SQS: a message in flight blocks what comes after it in its
// group, not what came before and was released.
func TestAReleasedMessageComesAgainBeforeItsFollowers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g", "a", "b", "c")
		got := b.receive(t, url)
		wantBodies(t, got, "a b c")
		wantNone(t, b.change(t, url, got[2].ReceiptHandle, 0))
		wantBodies(t, b.receive(t, url), "")
		wantNone(t, b.change(t, url, got[0].ReceiptHandle, 0))
		wantBodies(t, b.receive(t, url), "a")
		wantNone(t, b.change(t, url, got[1].ReceiptHandle, 0))
		wantBodies(t, b.receive(t, url), "")
	})
}

func TestTheHeadsDelayHoldsItsFollowersBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g", "a", "b")
		got := b.receive(t, url)
		wantNone(t, b.change(t, url, got[0].ReceiptHandle, 60))
		wantNone(t, b.change(t, url, got[1].ReceiptHandle, 0))
		start := time.Now()
		wantBodies(t, b.receive(t, url, waiting(20)), "")
		wantBodies(t, b.receive(t, url, waiting(20)), "")
		got = b.receive(t, url, waiting(20))
		wantBodies(t, got, "a b")
		if d := time.Since(start); d != time.Minute {
			t.Fatalf("the group came after %v", d)
		}
	})
}

func TestADuplicateIsAnsweredWithTheFirstForFiveMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo", "ContentBasedDeduplication", "true")
		send := func(group, body string, dedup *string) *sqs.SendMessageOutput {
			out, err := b.trySend(t, url, func(in *sqs.SendMessageInput) {
				in.MessageBody, in.MessageGroupId, in.MessageDeduplicationId = &body, &group, dedup
			})
			wantNone(t, err)
			return out
		}
		first := send("g", "m", nil)
		if len(*first.SequenceNumber) != 20 {
			t.Fatalf("sequence number %s", *first.SequenceNumber)
		}
		got := b.receive(t, url)
		if d := got[0].Attributes["MessageDeduplicationId"]; d != "62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a" {
			t.Fatalf("deduplication id %s is not the SHA-256 of the body", d)
		}
		wantNone(t, b.delete(t, url, got[0].ReceiptHandle))
		sleep(5*time.Minute - time.Millisecond)
		again := send("other", "m", nil)
		if *again.MessageId != *first.MessageId || *again.SequenceNumber != *first.SequenceNumber {
			t.Fatalf("the duplicate is %s, the first was %s", *again.MessageId, *first.MessageId)
		}
		wantBodies(t, b.receive(t, url), "")
		own := send("g", "m", aws.String("own"))
		if *own.MessageId == *first.MessageId || *own.SequenceNumber <= *first.SequenceNumber {
			t.Fatalf("sequence number %s after %s", *own.SequenceNumber, *first.SequenceNumber)
		}
		sleep(time.Millisecond)
		if late := send("g", "m", nil); *late.MessageId == *first.MessageId {
			t.Fatal("a duplicate was known for over five minutes")
		}
		wantBodies(t, b.receive(t, url), "m m")
	})
}

func TestDeduplicationMayBePerGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo", "DeduplicationScope", "messageGroup", "FifoThroughputLimit", "perMessageGroupId")
		b.sendGroup(t, url, "g1", "m")
		b.sendGroup(t, url, "g2", "m")
		b.sendGroup(t, url, "g1", "m")
		wantBodies(t, b.receive(t, url), "m m")
	})
}

func TestPurgeForgetsDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g", "m")
		b.receive(t, url)
		_, err := b.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
		wantNone(t, err)
		b.sendGroup(t, url, "g", "m")
		wantBodies(t, b.receive(t, url), "m")
	})
}

func TestAFIFOQueueAsksForGroupAndDeduplication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		try := func(change func(*sqs.SendMessageInput)) error {
			_, err := b.trySend(t, url, change)
			return err
		}
		wantError(t, try(func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("d") }),
			"MissingParameter", "The request must contain the parameter MessageGroupId.")
		wantError(t, try(func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("g") }),
			"InvalidParameterValue", "ContentBasedDeduplication")
		wantError(t, try(func(in *sqs.SendMessageInput) {
			in.MessageGroupId, in.MessageDeduplicationId, in.DelaySeconds = aws.String("g"), aws.String("d"), 2
		}), "InvalidParameterValue", "DelaySeconds")
		_, err := b.tryBatch(t, url, "m")
		wantError(t, err, "InvalidParameterValue", "The request must contain the parameter MessageGroupId.")
	})
}

func TestAFIFOQueuesDelayHoldsForWhatIsInIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo", "DelaySeconds", "60")
		b.sendGroup(t, url, "g", "a", "b")
		sleep(10 * time.Second)
		wantNone(t, b.set(t, url, "DelaySeconds", "15"))
		start := time.Now()
		wantBodies(t, b.receive(t, url, waiting(20)), "a b")
		if d := time.Since(start); d != 5*time.Second {
			t.Fatalf("the messages came after %v", d)
		}
	})
}

func TestAnExpiredHandleOfAFIFOQueueIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo", "VisibilityTimeout", "1")
		b.sendGroup(t, url, "g", "m")
		handle := b.receive(t, url)[0].ReceiptHandle
		wantNone(t, b.change(t, url, handle, 5))
		sleep(5 * time.Second)
		wantError(t, b.delete(t, url, handle), "InvalidParameterValue", "The receipt handle has expired")
		wantError(t, b.change(t, url, handle, 5), "InvalidParameterValue", "The receipt handle has expired")
		newest := b.receive(t, url)[0].ReceiptHandle
		wantError(t, b.delete(t, url, handle), "InvalidParameterValue", "The receipt handle has expired")
		wantNone(t, b.delete(t, url, newest))
		wantNone(t, b.delete(t, url, newest))
	})
}

func TestAReceiveAttemptIsRepeatedWithItsHandles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo", "VisibilityTimeout", "10")
		b.sendGroup(t, url, "g1", "a", "b")
		attempt := func(id string) []types.Message {
			return b.receive(t, url, func(in *sqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id })
		}
		first := attempt("one")
		b.sendGroup(t, url, "g2", "c")
		sleep(9 * time.Second)
		second := attempt("one")
		wantBodies(t, second, "a b")
		if *second[0].ReceiptHandle != *first[0].ReceiptHandle || second[0].Attributes["ApproximateReceiveCount"] != "1" {
			t.Fatal("the repeated attempt is another receive")
		}
		sleep(9 * time.Second) // the visibility timeout started again
		wantBodies(t, attempt("two"), "c")
		wantNone(t, b.change(t, url, first[1].ReceiptHandle, 10))
		wantBodies(t, attempt("one"), "") // one of them was changed
		sleep(10 * time.Second)
		third := attempt("one")
		wantBodies(t, third, "a b c")
		if *third[0].ReceiptHandle == *first[0].ReceiptHandle {
			t.Fatal("a handle outlived its visibility")
		}
		wantNone(t, b.delete(t, url, third[2].ReceiptHandle))
		wantBodies(t, attempt("one"), "") // one of them was deleted
	})
}

func TestALongPollOfAFIFOQueueIsServedWhenTheGroupIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders.fifo")
		b.sendGroup(t, url, "g", "a", "b")
		got := b.receive(t, url, upTo(1))
		var next []types.Message
		var parked sync.WaitGroup
		parked.Go(func() { next = b.receive(t, url, waiting(20)) })
		sleep(3 * time.Second)
		wantNone(t, b.delete(t, url, got[0].ReceiptHandle))
		parked.Wait()
		wantBodies(t, next, "b")
	})
}
