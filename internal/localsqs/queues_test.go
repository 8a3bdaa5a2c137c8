package localsqs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (b bench) tryCreate(t *testing.T, name string, attributes map[string]string) error {
	t.Helper()
	_, err := b.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	return err
}

func TestQueueNamesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		fifo := map[string]string{"FifoQueue": "true"}
		for _, name := range []string{"a", strings.Repeat("n", 80), "Orders_2-x"} {
			wantNone(t, b.tryCreate(t, name, nil))
		}
		for _, name := range []string{"a.fifo", strings.Repeat("n", 75) + ".fifo"} {
			wantNone(t, b.tryCreate(t, name, fifo))
		}
		for _, name := range []string{"", strings.Repeat("n", 81), "a b", "a/b", "ä", "a.b", "orders.fifo"} {
			wantError(t, b.tryCreate(t, name, nil), "InvalidParameterValue", "1 to 80 in length")
		}
		for _, name := range []string{"orders", ".fifo", "a.b.fifo", strings.Repeat("n", 76) + ".fifo"} {
			wantError(t, b.tryCreate(t, name, fifo), "InvalidParameterValue", "must end with .fifo suffix")
		}
		answer := post(t, b.s, "CreateQueue", jsonType, `{}`)
		if !strings.Contains(answer.body, "MissingRequiredParameterException") {
			t.Fatalf("without a name: %s", answer.body)
		}
	})
}

func TestAttributesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, fifo := b.queue(t, "orders"), b.queue(t, "orders.fifo")
		for name, value := range map[string]string{
			"VisibilityTimeout": "43201", "DelaySeconds": "901", "MessageRetentionPeriod": "59", "MaximumMessageSize": "1048577",
			"ReceiveMessageWaitTimeSeconds": "21", "Policy": "none", "RedriveAllowPolicy": `{"redrivePermission":"some"}`,
			"KmsDataKeyReusePeriodSeconds": "59", "SqsManagedSseEnabled": "yes",
		} {
			err := b.tryCreate(t, "new", map[string]string{name: value})
			wantError(t, err, "InvalidAttributeValue", name)
			if _, ok := errors.AsType[*types.InvalidAttributeValue](err); !ok {
				t.Fatalf("%T is not the SDK's type", err)
			}
			wantError(t, b.set(t, url, name, value), "InvalidAttributeValue", name)
			wantError(t, b.set(t, url, name, "-1"), "InvalidAttributeValue", name)
		}
		for name, value := range map[string]string{"MessageRetentionPeriod": "1209601", "MaximumMessageSize": "1023", "DelaySeconds": "1s"} {
			wantError(t, b.set(t, url, name, value), "InvalidAttributeValue", name)
		}
		for _, name := range []string{"Colour", "QueueArn", "CreatedTimestamp", "FifoQueue", "ContentBasedDeduplication"} {
			wantError(t, b.set(t, url, name, "true"), "InvalidAttributeName", "Unknown Attribute "+name)
			wantError(t, b.tryCreate(t, "new", map[string]string{name: "false"}), "InvalidAttributeName", name)
		}
		wantError(t, b.set(t, url, "DeduplicationScope", "queue"), "InvalidAttributeName", "only when FifoQueue is set to true")
		wantNone(t, b.set(t, fifo, "FifoQueue", "true"))
		wantError(t, b.set(t, fifo, "FifoQueue", "false"), "InvalidAttributeValue", "Modifying queue type")
		wantError(t, b.set(t, fifo, "DeduplicationScope", "group"), "InvalidAttributeValue", "DeduplicationScope")
		wantError(t, b.set(t, fifo, "FifoThroughputLimit", "perMessageGroupId"), "InvalidAttributeValue", "DeduplicationScope")
		wantNone(t, b.set(t, fifo, "DeduplicationScope", "messageGroup"))
		wantNone(t, b.set(t, fifo, "FifoThroughputLimit", "perMessageGroupId"))
		_, err := b.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: &url, AttributeNames: []types.QueueAttributeName{"Colour"},
		})
		wantError(t, err, "InvalidAttributeName", "Unknown Attribute Colour.")
	})
}

func TestAllAttributesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		made := fmt.Sprint(time.Now().Unix())
		standard := map[string]string{
			"ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesDelayed": "0", "ApproximateNumberOfMessagesNotVisible": "0",
			"CreatedTimestamp": made, "DelaySeconds": "0", "LastModifiedTimestamp": made, "MaximumMessageSize": "1048576",
			"MessageRetentionPeriod": "345600", "QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders",
			"ReceiveMessageWaitTimeSeconds": "0", "SqsManagedSseEnabled": "true", "VisibilityTimeout": "30",
		}
		url := b.queue(t, "orders")
		if got := b.attributes(t, url); !maps.Equal(got, standard) {
			t.Fatalf("attributes %v", got)
		}
		fifo := maps.Clone(standard)
		maps.Copy(fifo, map[string]string{
			"QueueArn": "arn:aws:sqs:us-east-1:000000000000:orders.fifo", "FifoQueue": "true",
			"ContentBasedDeduplication": "false", "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue",
		})
		if got := b.attributes(t, b.queue(t, "orders.fifo")); !maps.Equal(got, fifo) {
			t.Fatalf("attributes %v", got)
		}
		sleep(90 * time.Second)
		wantNone(t, b.set(t, url, "KmsMasterKeyId", "alias/key"))
		got := b.attributes(t, url, "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds", "SqsManagedSseEnabled", "Policy", "FifoQueue", "LastModifiedTimestamp")
		want := map[string]string{
			"KmsMasterKeyId": "alias/key", "KmsDataKeyReusePeriodSeconds": "300", "SqsManagedSseEnabled": "false",
			"LastModifiedTimestamp": fmt.Sprint(time.Now().Unix()),
		}
		if !maps.Equal(got, want) {
			t.Fatalf("attributes %v", got)
		}
		wantNone(t, b.set(t, url, "SqsManagedSseEnabled", "true"))
		if got := b.attributes(t, url, "KmsMasterKeyId", "SqsManagedSseEnabled"); !maps.Equal(got, map[string]string{"SqsManagedSseEnabled": "true"}) {
			t.Fatalf("attributes %v", got)
		}
	})
}

func TestCreatingAQueueAgainIsFineWithTheSameAttributes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.queue(t, "dead")
		first := map[string]string{
			"DelaySeconds": "1", "RedrivePolicy": `{"deadLetterTargetArn":"` + arnOf("dead") + `","maxReceiveCount":"4"}`,
			"Policy": `{"Version": "2012-10-17"}`,
		}
		wantNone(t, b.tryCreate(t, "orders", first))
		wantNone(t, b.tryCreate(t, "orders", first))
		wantNone(t, b.tryCreate(t, "orders", nil))
		wantNone(t, b.tryCreate(t, "orders", map[string]string{"DelaySeconds": "1", "VisibilityTimeout": "30"}))
		wantNone(t, b.tryCreate(t, "orders", map[string]string{"Policy": `{"Version":"2012-10-17"}`}))
		err := b.tryCreate(t, "orders", map[string]string{"DelaySeconds": "2"})
		wantError(t, err, "QueueAlreadyExists", "a different value for attribute DelaySeconds")
		if _, ok := errors.AsType[*types.QueueNameExists](err); !ok {
			t.Fatalf("%T is not the SDK's type", err)
		}
	})
}

func TestQueuesAreFoundByNameAndByTheirURLsPath(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		if url != "http://127.0.0.1:9324/000000000000/orders" {
			t.Fatalf("URL %s", url)
		}
		out, err := b.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("orders")})
		wantNone(t, err)
		if *out.QueueUrl != url {
			t.Fatalf("URL %s", *out.QueueUrl)
		}
		for _, address := range []string{
			url, "https://sqs.eu-central-1.amazonaws.com/000000000000/orders", "http://localsqs/000000000000/orders/",
			"http://h:1/queue/eu-central-1/000000000000/orders", "/000000000000/orders", "orders",
		} {
			b.send(t, address, "m")
		}
		for _, address := range []string{
			"http://h/000000000000/nowhere", "http://h/123456789012/orders", "nowhere",
			"http://h", "http://h/", "http://h/orders",
		} {
			_, err := b.trySend(t, address, func(*sqs.SendMessageInput) {})
			wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
			if _, ok := errors.AsType[*types.QueueDoesNotExist](err); !ok {
				t.Fatalf("%T is not the SDK's type", err)
			}
		}
		_, err = b.trySend(t, "http://[::1/000000000000/orders", func(*sqs.SendMessageInput) {})
		wantError(t, err, "InvalidAddress", "is not valid for this endpoint")
		_, err = b.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("orders"), QueueOwnerAWSAccountId: aws.String("123456789012")})
		wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", "")
	})
}

func TestQueuesAreListedByPrefixAndPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if out, err := b.ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil || out.QueueUrls != nil {
			t.Fatalf("%v, %v", out.QueueUrls, err)
		}
		var want []string
		for i := range 5 {
			want = append(want, b.queue(t, fmt.Sprint("a", i)))
		}
		b.queue(t, "b")
		var got []string
		pages := sqs.NewListQueuesPaginator(b, &sqs.ListQueuesInput{QueueNamePrefix: aws.String("a"), MaxResults: aws.Int32(2)})
		for n := 1; pages.HasMorePages(); n++ {
			out, err := pages.NextPage(t.Context())
			wantNone(t, err)
			got = append(got, out.QueueUrls...)
			if n > 3 {
				t.Fatal("the pages do not end")
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("listed %v", got)
		}
		_, err := b.ListQueues(t.Context(), &sqs.ListQueuesInput{MaxResults: aws.Int32(1001)})
		wantError(t, err, "InvalidParameterValue", "MaxResults")
		_, err = b.ListQueues(t.Context(), &sqs.ListQueuesInput{NextToken: aws.String("§")})
		wantError(t, err, "InvalidParameterValue", "next token")
	})
}

func TestADeletedQueueIsGoneAndCanBeMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "old")
		handle := b.receive(t, url)[0].ReceiptHandle
		_, err := b.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
		wantNone(t, err)
		_, err = b.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: &url})
		wantError(t, err, "AWS.SimpleQueueService.NonExistentQueue", "")
		wantError(t, b.delete(t, url, handle), "AWS.SimpleQueueService.NonExistentQueue", "")
		url = b.queue(t, "orders", "DelaySeconds", "5")
		wantNone(t, b.delete(t, url, handle))
		b.depth(t, "orders", 0, 0, 0)
		wantError(t, b.change(t, url, handle, 1), "InvalidParameterValue", "Message does not exist")
	})
}

func TestAPurgeEmptiesTheQueueOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		b.send(t, url, "in flight")
		handle := b.receive(t, url)[0].ReceiptHandle
		b.send(t, url, "visible")
		_, err := b.trySend(t, url, func(in *sqs.SendMessageInput) { in.DelaySeconds = 5 })
		wantNone(t, err)
		purge := func() error {
			_, err := b.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: &url})
			return err
		}
		wantNone(t, purge())
		b.depth(t, "orders", 0, 0, 0)
		wantNone(t, b.delete(t, url, handle))
		err = purge()
		wantError(t, err, "AWS.SimpleQueueService.PurgeQueueInProgress", "orders is allowed every 60 seconds")
		if _, ok := errors.AsType[*types.PurgeQueueInProgress](err); !ok {
			t.Fatalf("%T is not the SDK's type", err)
		}
		sleep(time.Minute)
		wantNone(t, purge())
	})
}

func TestTagsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		made, err := b.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("orders"), Tags: map[string]string{"a": "1"}})
		wantNone(t, err)
		tags := func() map[string]string {
			out, err := b.ListQueueTags(t.Context(), &sqs.ListQueueTagsInput{QueueUrl: made.QueueUrl})
			wantNone(t, err)
			return out.Tags
		}
		_, err = b.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: made.QueueUrl, Tags: map[string]string{"A": "", "a": "2", "b": "3"}})
		wantNone(t, err)
		if got := tags(); !maps.Equal(got, map[string]string{"A": "", "a": "2", "b": "3"}) {
			t.Fatalf("tags %v", got)
		}
		_, err = b.UntagQueue(t.Context(), &sqs.UntagQueueInput{QueueUrl: made.QueueUrl, TagKeys: []string{"A", "a", "nowhere"}})
		wantNone(t, err)
		if got := tags(); !maps.Equal(got, map[string]string{"b": "3"}) {
			t.Fatalf("tags %v", got)
		}
		many := make(map[string]string)
		for i := range 50 {
			many[fmt.Sprint(i)] = ""
		}
		_, err = b.TagQueue(t.Context(), &sqs.TagQueueInput{QueueUrl: made.QueueUrl, Tags: many})
		wantError(t, err, "InvalidParameterValue", "50")
	})
}

func TestPermissionsAreWrittenIntoThePolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		add := func(label string, actions ...string) error {
			_, err := b.AddPermission(t.Context(), &sqs.AddPermissionInput{
				QueueUrl: &url, Label: &label, AWSAccountIds: []string{"123456789012"}, Actions: actions,
			})
			return err
		}
		remove := func(label string) error {
			_, err := b.RemovePermission(t.Context(), &sqs.RemovePermissionInput{QueueUrl: &url, Label: &label})
			return err
		}
		wantNone(t, add("one", "ReceiveMessage"))
		wantNone(t, add("two", "SendMessage", "DeleteMessage"))
		wantError(t, add("one", "*"), "InvalidParameterValue", "Already exists.")
		wantError(t, add("three", "Fly"), "InvalidParameterValue", "SQS:Fly")
		policy := b.attributes(t, url, "Policy")["Policy"]
		want := `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},` +
			`"Action":"SQS:ReceiveMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:orders"}`
		if !strings.Contains(policy, want) || !strings.Contains(policy, `"Action":["SQS:SendMessage","SQS:DeleteMessage"]`) {
			t.Fatalf("policy %s", policy)
		}
		wantNone(t, remove("one"))
		wantNone(t, remove("two"))
		wantError(t, remove("two"), "InvalidParameterValue", "can't find label.")
		if a := b.attributes(t, url, "Policy"); len(a) != 0 {
			t.Fatalf("attributes %v", a)
		}
	})
}

func TestAQueueMadeInsideTheProcessIsTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url, err := b.s.CreateQueue("orders", map[string]string{"VisibilityTimeout": "5"})
		wantNone(t, err)
		b.send(t, url, "m")
		if a := b.attributes(t, url, "VisibilityTimeout"); a["VisibilityTimeout"] != "5" {
			t.Fatalf("attributes %v", a)
		}
		_, err = b.s.CreateQueue("orders", map[string]string{"VisibilityTimeout": "6"})
		if err == nil || !strings.HasPrefix(err.Error(), "QueueAlreadyExists: ") {
			t.Fatalf("got %v", err)
		}
		if _, _, _, ok := b.s.Depth("nowhere"); ok {
			t.Fatal("a queue that is not there has a depth")
		}
	})
}
