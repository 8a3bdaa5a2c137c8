package localsqs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func text(value string) types.MessageAttributeValue {
	return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
}

// trySend sends a message that change has changed.
func (b bench) trySend(t *testing.T, url string, change func(*sqs.SendMessageInput)) (*sqs.SendMessageOutput, error) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &url, MessageBody: aws.String("m")}
	change(in)
	return b.SendMessage(t.Context(), in)
}

// tryBatch sends a batch of bodies, their ids "0", "1", ….
func (b bench) tryBatch(t *testing.T, url string, bodies ...string) (*sqs.SendMessageBatchOutput, error) {
	t.Helper()
	entries := []types.SendMessageBatchRequestEntry{}
	for i, body := range bodies {
		entries = append(entries, types.SendMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), MessageBody: &body})
	}
	return b.SendMessageBatch(t.Context(), &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: entries})
}

// The digests are those that SQS itself has answered.
func TestDigestsAreThoseOfSQS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "VisibilityTimeout", "0")
		out, err := b.trySend(t, url, func(in *sqs.SendMessageInput) {
			in.MessageBody = aws.String("msg")
			in.MessageAttributes = map[string]types.MessageAttributeValue{
				"Help.Me": text("Me"), "Hello": text("There"), "General": text("Kenobi"),
			}
		})
		wantNone(t, err)
		if *out.MD5OfMessageBody != "6e2baaf3b97dbeef01c0043275f9a0e7" ||
			*out.MD5OfMessageAttributes != "4c360f3fdafd970e05fae2f149d997f5" {
			t.Fatalf("digests %s and %s", *out.MD5OfMessageBody, *out.MD5OfMessageAttributes)
		}
		for names, digest := range map[string]string{
			"All": "4c360f3fdafd970e05fae2f149d997f5", ".*": "4c360f3fdafd970e05fae2f149d997f5",
			"General,Hello": "fca026605781cb4126a1e9044df24232", "Hello,Foo": "a311262e065454b75da111d535b8dacd",
			"Hel.*": "83fee93c1bcd8b9a5a923ffacdc636c7", "Foo,Help": "", "Hel*,Hello.": "",
		} {
			got := b.receive(t, url, func(in *sqs.ReceiveMessageInput) { in.MessageAttributeNames = strings.Split(names, ",") })
			if d := aws.ToString(got[0].MD5OfMessageAttributes); d != digest {
				t.Errorf("asked for %s: digest %q, want %q", names, d, digest)
			}
		}

		out, err = b.trySend(t, url, func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{
				"attr1": {DataType: aws.String("Binary"), BinaryValue: []byte("traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01")},
			}
		})
		wantNone(t, err)
		if *out.MD5OfMessageAttributes != "8cbe4db156db8a94db8b801b7addb984" {
			t.Fatalf("digest of a binary attribute %s", *out.MD5OfMessageAttributes)
		}
	})
}

func TestAttributesArriveAsTheyWereSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		trace := "Root=1-5759e988-bd862e3fe1be46a994272793"
		out, err := b.trySend(t, url, func(in *sqs.SendMessageInput) {
			in.MessageAttributes = map[string]types.MessageAttributeValue{
				"text":   text("zwölf \"quotes\" \\ \n\t\x7f  😀"),
				"number": {DataType: aws.String("Number.float"), StringValue: aws.String("-1.5e+10")},
				"png":    {DataType: aws.String("Binary.png"), BinaryValue: []byte{0, 1, 255}},
			}
			in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
				"AWSTraceHeader": {DataType: aws.String("String"), StringValue: &trace},
			}
			in.MessageGroupId = aws.String("tenant-1")
		})
		wantNone(t, err)
		if out.MD5OfMessageSystemAttributes == nil {
			t.Fatal("no digest of the system attributes")
		}
		m := b.receive(t, url)[0]
		if v := m.MessageAttributes["text"]; *v.StringValue != "zwölf \"quotes\" \\ \n\t\x7f  😀" || *v.DataType != "String" {
			t.Errorf("text %q of type %s", *v.StringValue, *v.DataType)
		}
		if v := m.MessageAttributes["number"]; *v.StringValue != "-1.5e+10" || *v.DataType != "Number.float" {
			t.Errorf("number %q of type %s", *v.StringValue, *v.DataType)
		}
		if v := m.MessageAttributes["png"]; string(v.BinaryValue) != "\x00\x01\xff" || *v.DataType != "Binary.png" {
			t.Errorf("binary %q of type %s", v.BinaryValue, *v.DataType)
		}
		if m.Attributes["AWSTraceHeader"] != trace || m.Attributes["MessageGroupId"] != "tenant-1" {
			t.Errorf("system attributes %v", m.Attributes)
		}
	})
}

func TestBodiesArriveByteForByte(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		for _, body := range []string{
			"\t", " ", "\r\n", "\"", `\`, `{"a":"b\u0000"}`, "<xml/>&", "\u2028\u2029\u007f", "\ufffd", "\U0010ffff", strings.Repeat("x", 1<<20),
		} {
			b.send(t, url, body)
			got := b.receive(t, url)[0]
			if *got.Body != body {
				t.Errorf("sent %.40q, received %.40q", body, *got.Body)
			}
		}
	})
}

func TestWhatSQSDoesNotTakeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		attribute := func(name string, v types.MessageAttributeValue) func(*sqs.SendMessageInput) {
			return func(in *sqs.SendMessageInput) {
				in.MessageAttributes = map[string]types.MessageAttributeValue{name: v}
			}
		}
		of := func(dataType, value string) types.MessageAttributeValue {
			return types.MessageAttributeValue{DataType: &dataType, StringValue: &value}
		}
		body := func(s string) func(*sqs.SendMessageInput) {
			return func(in *sqs.SendMessageInput) { in.MessageBody = &s }
		}
		const invalid, value = "InvalidMessageContents", "InvalidParameterValue"
		for _, try := range []struct {
			what   string
			change func(*sqs.SendMessageInput)
			code   string
		}{
			{"no body", body(""), "MissingParameter"},
			{"a zero byte", body("a\x00"), invalid},
			{"a control character", body("\x0b"), invalid},
			{"U+FFFE", body("\ufffe"), invalid},
			{"U+FFFF", body("a\uffff"), invalid},
			{"over 1 MiB", body(strings.Repeat("x", 1<<20+1)), value},
			{"a delay over 15 minutes", func(in *sqs.SendMessageInput) { in.DelaySeconds = 901 }, value},
			{"a negative delay", func(in *sqs.SendMessageInput) { in.DelaySeconds = -1 }, value},
			{"an empty attribute", attribute("a", text("")), value},
			{"an attribute with a control character", attribute("a", text("\x08")), value},
			{"an attribute of no type", attribute("a", of("", "x")), value},
			{"an attribute of an unknown type", attribute("a", of("Text", "x")), value},
			{"an attribute of a type that only begins well", attribute("a", of("Stringy", "x")), value},
			{"a number that is none", attribute("a", of("Number", "twelve")), value},
			{"a binary attribute without bytes", attribute("a", of("Binary", "x")), value},
			{"a reserved name", attribute("aWs.a", text("x")), value},
			{"another reserved name", attribute("AMAZON.a", text("x")), value},
			{"a name that begins with a period", attribute(".a", text("x")), value},
			{"a name that ends with a period", attribute("a.", text("x")), value},
			{"two periods in succession", attribute("a..b", text("x")), value},
			{"a name with a space", attribute("a b", text("x")), value},
			{"a name that is too long", attribute(strings.Repeat("n", 257), text("x")), value},
			{"a list", attribute("a", types.MessageAttributeValue{
				DataType: aws.String("String"), StringValue: aws.String("x"), StringListValues: []string{"x"},
			}), "AWS.SimpleQueueService.UnsupportedOperation"},
			{"eleven attributes", func(in *sqs.SendMessageInput) {
				in.MessageAttributes = make(map[string]types.MessageAttributeValue)
				for i := range 11 {
					in.MessageAttributes[fmt.Sprint("a", i)] = text("x")
				}
			}, value},
			{"a deduplication id on a standard queue", func(in *sqs.SendMessageInput) { in.MessageDeduplicationId = aws.String("x") }, value},
			{"a group with a space", func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String("a b") }, value},
			{"a group that is too long", func(in *sqs.SendMessageInput) { in.MessageGroupId = aws.String(strings.Repeat("g", 129)) }, value},
			{"another system attribute", func(in *sqs.SendMessageInput) {
				in.MessageSystemAttributes = map[string]types.MessageSystemAttributeValue{
					"SenderId": {DataType: aws.String("String"), StringValue: aws.String("x")},
				}
			}, value},
		} {
			_, err := b.trySend(t, url, try.change)
			if err == nil {
				t.Errorf("%s was taken", try.what)
				continue
			}
			wantError(t, err, try.code, "")
		}
		b.depth(t, "orders", 0, 0, 0)
	})
}

func TestAMessageAndItsAttributesFitIntoTheQueuesMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "MaximumMessageSize", "1024")
		fill := func(n int) func(*sqs.SendMessageInput) {
			return func(in *sqs.SendMessageInput) {
				in.MessageBody = aws.String(strings.Repeat("x", n))
				in.MessageAttributes = map[string]types.MessageAttributeValue{"name": text("value")} // 4 + 6 + 5
			}
		}
		_, err := b.trySend(t, url, fill(1024-15))
		wantNone(t, err)
		_, err = b.trySend(t, url, fill(1024-14))
		wantError(t, err, "InvalidParameterValue", "Message must be shorter than 1024 bytes.")
		out, err := b.tryBatch(t, url, strings.Repeat("x", 1025), "short")
		wantNone(t, err)
		if len(out.Successful) != 1 || len(out.Failed) != 1 || *out.Failed[0].Code != "InvalidParameterValue" || !out.Failed[0].SenderFault {
			t.Fatalf("got %+v", out)
		}
	})
}

func TestABatchOfSendsFailsEntryByEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders")
		out, err := b.tryBatch(t, url, "a", "\x01", "c")
		wantNone(t, err)
		if len(out.Successful) != 2 || *out.Successful[1].Id != "2" || len(out.Failed) != 1 {
			t.Fatalf("%d successes and %d failures", len(out.Successful), len(out.Failed))
		}
		if f := out.Failed[0]; *f.Id != "1" || *f.Code != "InvalidMessageContents" || !f.SenderFault || *f.Message == "" {
			t.Fatalf("entry 1 failed with %s", *f.Code)
		}
		wantBodies(t, b.receive(t, url), "a c")

		_, err = b.tryBatch(t, url)
		wantError(t, err, "AWS.SimpleQueueService.EmptyBatchRequest", "")
		if _, ok := errors.AsType[*types.EmptyBatchRequest](err); !ok {
			t.Fatalf("%T is not the SDK's type", err)
		}
		_, err = b.tryBatch(t, url, make([]string, 11)...)
		wantError(t, err, "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", "11")
		half := strings.Repeat("x", 1<<19)
		_, err = b.tryBatch(t, url, half, half)
		wantNone(t, err)
		_, err = b.tryBatch(t, url, half, half+"x")
		wantError(t, err, "AWS.SimpleQueueService.BatchRequestTooLong", "1048577")
		b.depth(t, "orders", 2, 2, 0)
	})
}

func TestADelayHidesAMessageAndIsTheQueuesUnlessGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "DelaySeconds", "10")
		b.send(t, url, "queue's")
		_, err := b.trySend(t, url, func(in *sqs.SendMessageInput) { in.DelaySeconds = 5 })
		wantNone(t, err)
		b.depth(t, "orders", 0, 0, 2)
		a := b.attributes(t, url, "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessages")
		if a["ApproximateNumberOfMessagesDelayed"] != "2" || a["ApproximateNumberOfMessages"] != "0" {
			t.Fatalf("attributes %v", a)
		}
		sleep(5*time.Second - time.Millisecond)
		wantBodies(t, b.receive(t, url), "")
		sleep(time.Millisecond)
		wantBodies(t, b.receive(t, url), "m")
		sleep(5 * time.Second)
		wantBodies(t, b.receive(t, url), "queue's")
	})
}

func TestAMessageIsGoneAfterItsRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		url := b.queue(t, "orders", "MessageRetentionPeriod", "60")
		b.send(t, url, "received")
		b.send(t, url, "waiting")
		handle := b.receive(t, url, upTo(1), visibilityOf(300))[0].ReceiptHandle
		sleep(time.Minute - time.Millisecond)
		b.depth(t, "orders", 1, 1, 0)
		sleep(time.Millisecond)
		b.depth(t, "orders", 0, 0, 0)
		wantBodies(t, b.receive(t, url), "")
		wantNone(t, b.delete(t, url, handle))
		wantError(t, b.change(t, url, handle, 5), "InvalidParameterValue", "")
	})
}
