package receiver_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/receiver"
	"github.com/sqs-poller/poller/internal/target"
)

// read returns the problem that a request has once it is changed.
func read(t *testing.T, format string, of request, change func(r *http.Request), edits ...string) *receiver.Problem {
	t.Helper()
	r := of.Clone(t.Context())
	change(r)
	body := string(of.body)
	for i := 0; i+1 < len(edits); i += 2 {
		if !strings.Contains(body, edits[i]) {
			t.Fatalf("%s: no %q in %s", format, edits[i], body)
		}
		body = strings.Replace(body, edits[i], edits[i+1], 1)
	}
	_, problem := receiver.Format(format).Read(r, []byte(body))
	return problem
}

func without(name string) func(r *http.Request) { return func(r *http.Request) { r.Header.Del(name) } }

func having(name, value string) func(r *http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func twice(name string) func(r *http.Request) {
	return func(r *http.Request) { r.Header.Add(name, r.Header.Get(name)) }
}

func at(path string) func(r *http.Request) {
	return func(r *http.Request) {
		u := *r.URL
		u.Path = path
		r.URL = &u
	}
}

func as(method string) func(r *http.Request) { return func(r *http.Request) { r.Method = method } }

func TestWhatIsWrongWithHeadersIsSaidInOneSentence(t *testing.T) {
	for _, c := range []struct {
		format string
		change func(r *http.Request)
		want   string
		status int
	}{
		{"raw", as(http.MethodPut), "the method is not POST", 405},
		{"raw", without("Content-Type"), "the Content-Type header is missing", 400},
		{"raw", without("X-Poller-Queue"), "the X-Poller-Queue header is missing", 400},
		{"raw", twice("X-Poller-Queue"), "the X-Poller-Queue header is there more than once", 400},
		{"raw", having("Idempotency-Key", "m-2"), "differs from X-Poller-Message-Id", 400},
		{"raw", having("X-Poller-Receive-Count", "0"), "not a number from 1 on", 400},
		{"raw", having("X-Poller-Sent-At", "today"), "not a time", 400},
		{"sqsd", having("User-Agent", "poller"), "does not begin with aws-sqsd/", 400},
		{"sqsd", without("X-Aws-Sqsd-Msgid"), "the X-Aws-Sqsd-Msgid header is missing", 400},
		{"sqsd", having("X-Aws-Sqsd-Receive-Count", "+1"), "not a number from 1 on", 400},
		{"sqsd", having("X-Aws-Sqsd-First-Received-At", "2026-11-02"), "not a time", 400},
		{"webhook", without("Webhook-Id"), "the Webhook-Id header is missing", 400},
		{"webhook", having("Webhook-Id", "a.b"), "contains a dot", 400},
		{"webhook", having("Webhook-Timestamp", "now"), "not a number of Unix seconds", 400},
		{"webhook", having("Webhook-Signature", "v1,abc"), "32 bytes in base64", 400},
		{"webhook", having("Webhook-Signature", "v0,"+strings.Repeat("A", 43)+"="), "32 bytes in base64", 400},
		{"cloudevents", without("Ce-Id"), "an event has no id", 400},
		{"cloudevents", having("Ce-Specversion", "0.3"), "specversion of an event is not 1.0", 400},
		{"cloudevents", having("Ce-Source", ":"), "source of an event is not a URI", 400},
		{"cloudevents", having("Ce-Time", "today"), "not a time", 400},
		{"cloudevents", having("Ce-A_b", "x"), "other characters than letters and digits", 400},
		{"cloudevents", having("Ce-Datacontenttype", "text/plain"), "that is Content-Type", 400},
		{"cloudevents", twice("Ce-Id"), "more than once", 400},
		{"cloudevents", having("Ce-Subject", "a b"), "printable ASCII", 400},
		{"cloudevents", having("Ce-Subject", "%ff"), "printable ASCII", 400},
		{"lambda", at("/"), "the path is not /2015-03-31/functions/NAME/invocations", 404},
	} {
		wantProblem(t, c.format, read(t, c.format, made(t, c.format), c.change), c.status, c.want)
	}
}

// made is a request of a format for a rich message.
func made(t *testing.T, format string) request {
	t.Helper()
	return delivered(t, rich(), func(o *target.Options) {
		if o.Format = format; format == "webhook" {
			o.Format, o.Auth.Webhook.Secrets = "raw", []string{oldSecret}
		}
	})
}

// record is one of a FIFO queue.
const record = `{"messageId":"m-1","receiptHandle":"","body":"{\"a\":\"<é>\"}","attributes":{"SequenceNumber":"18849496460467696128",` +
	`"ApproximateFirstReceiveTimestamp":"1793611861123","ApproximateReceiveCount":"2","MessageDeduplicationId":"d-1","MessageGroupId":"c-7",` +
	`"SenderId":"AIDAEXAMPLE","SentTimestamp":"1793611860123"},"messageAttributes":{"blob":{"binaryValue":"AQI=","stringListValues":[],` +
	`"binaryListValues":[],"dataType":"Binary"},"count":{"stringValue":"42","stringListValues":[],"binaryListValues":[],"dataType":"Number.int"}},` +
	`"md5OfBody":"b92ba41755973cd1c20e9fd4c0173ab3","eventSource":"aws:sqs",` +
	`"eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:orders.fifo","awsRegion":"eu-central-1"}`

func TestWhatIsWrongWithAnEventIsSaidInOneSentence(t *testing.T) {
	same := func(*http.Request) {}
	good := request{made(t, "lambda").Request, []byte(`{"Records":[` + record + `]}`)}
	for _, c := range []struct{ old, new, want string }{
		{`{"Records":`, `{"records":`, "the event has no Records"},
		{`{"Records":`, `{"More":1,"Records":`, "the event has a member that is unknown"},
		{`{"Records":`, `["Records":`, "the event is not a JSON object"},
		{`"messageId":"m-1"`, `"messageId":1`, "a record.messageId is not a string"},
		{`"messageId":"m-1"`, `"messageId":""`, "an empty messageId"},
		{`"messageId":"m-1",`, ``, "a record has no messageId"},
		{`"receiptHandle":""`, `"receiptHandle":null`, "a record.receiptHandle is not a string"},
		{`"body":"`, `"body":" `, "md5OfBody of a record is not that of its body"},
		{`"aws:sqs"`, `"aws:sns"`, "eventSource of a record is not aws:sqs"},
		{`:orders.fifo"`, `:a b"`, "eventSourceARN of a record is not a queue's ARN"},
		{`"awsRegion":"eu-central-1"`, `"awsRegion":"eu-west-1"`, "awsRegion of a record is not that in its eventSourceARN"},
		{`"SequenceNumber":"18849496460467696128",`, ``, "attributes of a record has no SequenceNumber"},
		{`"ApproximateReceiveCount":"2"`, `"ApproximateReceiveCount":2`, "ApproximateReceiveCount is not a string"},
		{`"ApproximateReceiveCount":"2"`, `"ApproximateReceiveCount":"0"`, "not a number from 1 on"},
		{`"SentTimestamp":"1`, `"SentTimestamp":"x`, "SentTimestamp in attributes of a record is not a number of milliseconds"},
		{`"SentTimestamp":`, `"Odd":"","SentTimestamp":`, "attributes of a record has a member that is unknown"},
		{`"binaryValue":"AQI="`, `"binaryValue":"?"`, "is not base64"},
		{`"binaryValue":"AQI="`, `"stringValue":"AQI="`, "a message attribute of type Binary has no binaryValue, or a stringValue"},
		{`"stringListValues":[]`, `"stringListValues":null`, "stringListValues is not an array"},
		{`"dataType":"Number.int"`, `"dataType":"Int"`, "dataType of a message attribute is not String, Number or Binary"},
	} {
		wantProblem(t, c.new, read(t, "lambda", good, same, c.old, c.new), 400, c.want)
	}
	other := strings.ReplaceAll(record, "m-1", "m-2")
	elsewhere := strings.ReplaceAll(other, ":orders.fifo", ":mails.fifo")
	for records, want := range map[string]string{
		"":                       "the event has no records",
		record + "," + record:    "two records have the same messageId",
		record + "," + elsewhere: "from different queues",
		record + "," + other:     "",
	} {
		r := request{good.Request, []byte(`{"Records":[` + records + `]}`)}
		wantProblem(t, records, read(t, "lambda", r, same), 400, want)
	}
	large := request{good.Request, bytes.Repeat([]byte(" "), 6<<20+1)}
	wantProblem(t, "6 MB", read(t, "lambda", large, same), 413, "larger than 6 MB")
}

func TestABatchOfEventsIsReadStrictly(t *testing.T) {
	const event = `{"specversion":"1.0","id":"m-1","source":"arn:aws:sqs:eu-central-1:123456789012:orders","type":"t",` +
		`"time":"2026-11-02T09:31:00.123Z","datacontenttype":"application/json","data":{"A":[1]},"tenant":7,"gone":null}`
	good := request{httptest.NewRequest(http.MethodPost, "/", nil), []byte("[" + event + "," + strings.Replace(event, "m-1", "m-2", 1) + "]")}
	good.Header.Set("Content-Type", "application/cloudevents-batch+json; charset=utf-8")
	d, problem := receiver.Format("cloudevents").Read(good.Request, good.body)
	if problem != nil || !d.Named || len(d.Messages) != 2 || d.Messages[1].ID != "m-2" || !d.Messages[1].SentAt.Equal(sent) {
		t.Errorf("%+v, %v", d, problem)
	}
	same := func(*http.Request) {}
	for _, c := range []struct{ old, new, want string }{
		{`m-2`, `m-1`, "two events have the same source and id"},
		{`"id":"m-1"`, `"id":1`, "an attribute of the wrong type"},
		{`"id":"m-1"`, `"id":null`, "an event has no id"},
		{`"id":"m-1"`, `"Id":"m-1"`, "other characters than letters and digits"},
		{`"tenant":7`, `"tenant":{}`, "an attribute of the wrong type"},
		{`"tenant":7`, `"data_base64":"eA=="`, "has data and data_base64"},
		{`[{"spec`, `[1,{"spec`, "an event is not a JSON object"},
		{`[{"spec`, `{"spec`, "not a JSON array of events"},
	} {
		wantProblem(t, c.new, read(t, "cloudevents", good, same, c.old, c.new), 400, c.want)
	}
	structured := having("Content-Type", "application/cloudevents+json")
	wantProblem(t, "structured", read(t, "cloudevents", request{good.Request, []byte(event)}, structured), 0, "")
	wantProblem(t, "no event", read(t, "cloudevents", request{good.Request, []byte("[]")}, same), 400, "not a JSON array of events")
}

func TestAnAnswerNamesWhatFailedWhereItCan(t *testing.T) {
	one := []receiver.Message{{ID: "m-1"}}
	for _, c := range []struct {
		d      receiver.Delivery
		failed []string
		status int
		body   string
	}{
		{receiver.Delivery{Messages: one}, nil, 202, ""},
		{receiver.Delivery{Messages: one}, []string{"m-1"}, 500, ""},
		{receiver.Delivery{Messages: one, Named: true}, nil, 202, `{"batchItemFailures":[]}`},
		{receiver.Delivery{Messages: one, Named: true}, []string{"m-1"}, 202, `{"batchItemFailures":[{"itemIdentifier":"m-1"}]}`},
	} {
		w := httptest.NewRecorder()
		c.d.Answer(w, 202, c.failed)
		if w.Code != c.status || strings.TrimSpace(w.Body.String()) != c.body {
			t.Errorf("%+v: %d %s", c, w.Code, w.Body)
		}
	}
}

func TestAFormatThatIsUnknownIsRefused(t *testing.T) {
	var f receiver.Format
	if err := f.UnmarshalText([]byte("xml")); err == nil || !strings.Contains(err.Error(), "cloudevents, lambda, raw, sqsd or webhook") {
		t.Error(err)
	}
}

func FuzzAnyRequestIsReadOrRefused(f *testing.F) {
	f.Add("lambda", "application/json", []byte(`{"Records":[{}]}`))
	f.Add("cloudevents", "application/cloudevents-batch+json", []byte(`[{"id":"`))
	f.Add("cloudevents", "application/cloudevents+json", []byte(`{"id":null,"":[]}`))
	f.Add("cloudevents", "text/plain", bytes.Repeat([]byte("["), 100_000))
	f.Fuzz(func(t *testing.T, format, kind string, body []byte) {
		var known receiver.Format
		if known.UnmarshalText([]byte(format)) != nil {
			return
		}
		r := httptest.NewRequest(http.MethodPost, "/2015-03-31/functions/f/invocations", nil)
		r.Header.Set("Content-Type", kind)
		d, problem := known.Read(r, body)
		if problem == nil && len(d.Messages) == 0 {
			t.Errorf("%s: nothing is delivered, and nothing is wrong", format)
		}
	})
}
