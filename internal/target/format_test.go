package target

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const ordersARN = "arn:aws:sqs:eu-central-1:123456789012:orders"

// sqsEvent is a function's input.
type sqsEvent struct{ Records []sqsRecord }

// asked returns the request and the body that a message becomes in a format.
func asked(t *testing.T, format string, m *message.Message, change ...func(*Options)) (*http.Request, string) {
	t.Helper()
	var got *http.Request
	var body string
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}
		route, err := over(t, w, append(change, func(o *Options) { o.Format = format })...).From(ordersARN)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, route.Deliver(t.Context(), "orders", m), message.Delivered, 200, "2xx")
		requests, bodies, _ := w.seen()
		got, body = requests[0], bodies[0]
	})
	return got, body
}

// full is a message with all that a message can have.
func full() *message.Message {
	m := msg(`{"a":"<é>"}`)
	m.ReceiveCount, m.SenderID = 2, "AIDAEXAMPLE"
	m.FirstReceivedAt = time.Date(2026, 11, 2, 9, 31, 0, 456e6, time.UTC)
	m.GroupID, m.DeduplicationID, m.SequenceNumber = "customer-7", "d-1", "18849496460467696128"
	m.TraceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793"
	m.Attributes = map[string]message.Attribute{
		"tenant": str("7"), "count": {DataType: "Number.int", StringValue: "42"}, "blob": {DataType: "Binary", BinaryValue: []byte{1, 2}},
	}
	return m
}

func TestFormatsNeedTheQueuesARNWhereTheirRequestsHaveIt(t *testing.T) {
	for _, name := range Formats() {
		_, err := over(t, &wire{}, func(o *Options) { o.Format = name }).From("")
		if want := name == "lambda" || name == "cloudevents"; (err != nil) != want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "allow sqs:GetQueueAttributes") {
			t.Error(err)
		}
	}
	if _, err := New(Options{URL: "http://h/", Timeout: 1, Slots: 1, Format: "xml"}); err == nil || !strings.Contains(err.Error(), "cloudevents, lambda, raw, sqsd") {
		t.Error(err)
	}
}

func TestASqsdRequestIsThatOfBeanstalksDaemon(t *testing.T) {
	m := full()
	m.Attributes["order.id_1"] = str("x")
	got, body := asked(t, "sqsd", m)
	if body != m.Body || got.Method != "POST" || got.RequestURI != "/hook?x=1" {
		t.Errorf("%s %s %q", got.Method, got.RequestURI, body)
	}
	for name, want := range map[string]string{
		"User-Agent": "aws-sqsd/2.0", "Content-Type": "application/json",
		"X-Aws-Sqsd-Msgid": m.ID, "X-Aws-Sqsd-Queue": "orders", "X-Aws-Sqsd-Receive-Count": "2",
		"X-Aws-Sqsd-First-Received-At": "2026-11-02T09:31:00Z", "X-Aws-Sqsd-Sender-Id": "AIDAEXAMPLE",
		"X-Aws-Sqsd-Attr-Tenant": "7", "X-Aws-Sqsd-Attr-Count": "42", "X-Aws-Sqsd-Attr-Order.id_1": "x",
		"X-Aws-Sqsd-Attr-Blob": "", "X-Poller-Message-Id": "",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
}

func TestABinaryAttributeIsLeftOutForSqsd(t *testing.T) {
	got, _ := asked(t, "sqsd", full())
	if value, ok := got.Header["X-Aws-Sqsd-Attr-Blob"]; ok {
		t.Errorf("it is sent as %q", value)
	}
}

func TestAMessageMayNameItsPathAndNothingElse(t *testing.T) {
	for given, want := range map[string]string{
		"/jobs/nightly":                    "/jobs/nightly",
		"/jobs?id=7&x=%20":                 "/jobs?id=7&x=%20",
		"/a%2Fb/c":                         "/a%2Fb/c",
		"/c d":                             "/c%20d",
		"/jobs#part":                       "/jobs",
		"":                                 "/hook?x=1",
		"jobs":                             "/hook?x=1",
		"//evil.test/x":                    "/hook?x=1",
		"http://evil.test/x":               "/hook?x=1",
		"/x\r\nHost: evil":                 "/hook?x=1",
		"/x?a b":                           "/hook?x=1",
		"/%zz":                             "/hook?x=1",
		"/é":                               "/hook?x=1",
		"@evil.test/":                      "/hook?x=1",
		"/" + strings.Repeat("x", maxPath): "/hook?x=1",
	} {
		m := msg("x")
		m.Attributes = map[string]message.Attribute{pathAttribute: str(given)}
		if got, _ := asked(t, "sqsd", m); got.RequestURI != want || got.Host != "orders.test" {
			t.Errorf("%q went to %s %s, want %s", given, got.Host, got.RequestURI, want)
		}
		if got, _ := asked(t, "raw", m); got.RequestURI != "/hook?x=1" {
			t.Errorf("raw follows the path %q", given)
		}
	}
}

func TestAFunctionGetsTheEventOfLambdasPoller(t *testing.T) {
	m := full()
	got, body := asked(t, "lambda", m)
	const want = `{"Records":[{"messageId":"3b1b0c6e-0000-4000-8000-000000000001","receiptHandle":"","body":"{\"a\":\"<é>\"}",` +
		`"attributes":{"AWSTraceHeader":"Root=1-5759e988-bd862e3fe1be46a994272793","ApproximateFirstReceiveTimestamp":"1793611860456",` +
		`"ApproximateReceiveCount":"2","MessageDeduplicationId":"d-1","MessageGroupId":"customer-7","SenderId":"AIDAEXAMPLE",` +
		`"SentTimestamp":"1793611800123","SequenceNumber":"18849496460467696128"},` +
		`"messageAttributes":{"blob":{"binaryValue":"AQI=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"},` +
		`"count":{"stringValue":"42","stringListValues":[],"binaryListValues":[],"dataType":"Number.int"},` +
		`"tenant":{"stringValue":"7","stringListValues":[],"binaryListValues":[],"dataType":"String"}},` +
		`"md5OfBody":"b92ba41755973cd1c20e9fd4c0173ab3","eventSource":"aws:sqs",` +
		`"eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:orders","awsRegion":"eu-central-1"}]}`
	if body != want {
		t.Errorf("\n got %s\nwant %s", body, want)
	}
	if got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-Amzn-Trace-Id") != m.TraceHeader {
		t.Errorf("%v", got.Header)
	}
	_, body = asked(t, "lambda", &message.Message{ID: "1", ReceiveCount: 1})
	var event sqsEvent
	if err := json.Unmarshal([]byte(body), &event); err != nil || len(event.Records[0].Attributes) != 1 || event.Records[0].MessageAttributes == nil {
		t.Errorf("%v: %s", err, body)
	}
}

func TestAnEventIsACloudEvent(t *testing.T) {
	m := full()
	got, body := asked(t, "cloudevents", m)
	if body != m.Body {
		t.Errorf("body %q", body)
	}
	for name, want := range map[string]string{
		"Ce-Specversion": "1.0", "Ce-Id": m.ID, "Ce-Source": ordersARN, "Ce-Type": "dev.knative.connector.event.aws-sqs",
		"Ce-Time": "2026-11-02T09:30:00.123Z", "Content-Type": "application/json",
		"X-Poller-Message-Id": m.ID, "X-Poller-Attr-Tenant": "7",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
}

func TestAnEventsAttributesAreLifted(t *testing.T) {
	m := msg("x")
	m.Attributes = map[string]message.Attribute{
		"ce-type": str("order.placed"), "ce_type": str("lost"), "ce_subject": str(`Zürich "1" 100%`), "ce_id": str("17"),
		"ce-source": str("/orders"), "ce-specversion": str("0.3"), "ce-datacontenttype": str("text/csv"), "ce-dataschema": str(""),
		"ce-Upper": str("no"), "ce-": str("no"), "ce-a\r\nx": str("no"), "cepheus": str("no"),
		"ce-binary": {DataType: "Binary", BinaryValue: []byte("x")},
	}
	got, _ := asked(t, "cloudevents", m)
	for name, want := range map[string]string{
		"Ce-Type": "order.placed", "Ce-Subject": "Z%C3%BCrich%20%221%22%20100%25", "Ce-Id": "17", "Ce-Source": "/orders",
		"Ce-Specversion": "1.0", "Content-Type": "text/csv", "Ce-Datacontenttype": "", "Ce-Dataschema": "", "Ce-Upper": "",
		"Ce-Binary": "", "X-Poller-Attr-Cepheus": "no", "X-Poller-Attr-Ce-Type": "", "X-Poller-Encoded": "X-Poller-Attr-Omitted",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	for name, values := range got.Header {
		if len(values) != 1 {
			t.Errorf("%s: %q", name, values)
		}
	}
}

func TestWhatMakesAnEventIsSentHoweverLargeItsOtherAttributesAre(t *testing.T) {
	m := msg("x")
	m.Attributes = map[string]message.Attribute{"ce-a": str(strings.Repeat("a", maxAttributes)), "ce-b": str(strings.Repeat("b", 10000))}
	got, _ := asked(t, "cloudevents", m)
	if got.Header.Get("Ce-Type") == "" || got.Header.Get("Ce-Source") == "" || got.Header.Get("Ce-B") != "" {
		t.Errorf("%d headers", len(got.Header))
	}
}

func TestAConfiguredContentTypeAndUserAgentGoFirstInEachFormat(t *testing.T) {
	for _, name := range Formats() {
		got, _ := asked(t, name, msg("{}"), func(o *Options) {
			o.Headers = []Header{{Name: "Content-Type", Value: "application/x-own"}, {Name: "User-Agent", Value: "own"}}
		})
		if got.Header.Get("Content-Type") != "application/x-own" || got.Header.Get("User-Agent") != "own" {
			t.Errorf("%s: %v", name, got.Header)
		}
	}
}
