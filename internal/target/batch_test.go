package target

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// inOneRequest delivers messages as a batch, to a target that answers with header and body.
func inOneRequest(t *testing.T, format, answer string, all ...*message.Message) (r *http.Request, body string, whole message.Result, each []message.Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(answer)}
		route, err := over(t, w, func(o *Options) { o.Format, o.Batch = format, 100 }).From(ordersARN)
		if err != nil {
			t.Fatal(err)
		}
		whole, each = route.DeliverBatch(t.Context(), "orders", all)
		if requests, bodies, _ := w.seen(); len(requests) == 1 {
			r, body = requests[0], bodies[0]
		} else {
			t.Fatalf("%d requests", len(requests))
		}
	})
	return r, body, whole, each
}

func three() []*message.Message {
	all := make([]*message.Message, 3)
	for i := range all {
		all[i] = full()
		all[i].ID = fmt.Sprint("id-", i)
	}
	return all
}

func outcomes(each []message.Result) string {
	var b strings.Builder
	for _, r := range each {
		b.WriteString(r.Outcome.String() + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestABatchsAnswerTellsItsMessagesApart(t *testing.T) {
	const typed = "Content-Type: application/json\r\n"
	names := func(ids ...string) string {
		var items []string
		for _, id := range ids {
			items = append(items, fmt.Sprintf(`{"itemIdentifier":%q}`, id))
		}
		return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
	}
	many := names(strings.Split(strings.Repeat("id-1,", 100_000)+"id-1", ",")...)
	for name, test := range map[string]struct{ body, lambda, cloudevents string }{
		"nothing":            {"", "delivered delivered delivered", "delivered delivered delivered"},
		"none":               {names(), "delivered delivered delivered", "delivered delivered delivered"},
		"one":                {names("id-1"), "delivered failed delivered", "delivered failed delivered"},
		"one twice":          {names("id-1", "id-1"), "delivered failed delivered", "delivered failed delivered"},
		"all":                {names("id-0", "id-1", "id-2"), "failed failed failed", "failed failed failed"},
		"one 100,000 times":  {many, "delivered failed delivered", "delivered failed delivered"},
		"another's":          {names("id-1", "id-9"), "invalid_answer", "invalid_answer"},
		"an empty id":        {names("id-1", ""), "invalid_answer", "invalid_answer"},
		"no list":            {`{"batchItemFailures":"id-1"}`, "invalid_answer", "invalid_answer"},
		"cut JSON":           {names("id-1")[:40], "invalid_answer", "invalid_answer"},
		"10,000 deep":        {strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), "invalid_answer", "invalid_answer"},
		"over 6 MB":          {`{"x":"` + strings.Repeat("y", maxResponse) + `"}`, "invalid_answer", "invalid_answer"},
		"an error's account": {`{"errorType":"E","errorMessage":"m"}`, "function_error", "delivered delivered delivered"},
	} {
		for format, want := range map[string]string{"lambda": test.lambda, "cloudevents": test.cloudevents} {
			t.Run(name+" to "+format, func(t *testing.T) {
				_, _, whole, each := inOneRequest(t, format, answerOf(typed, test.body), three()...)
				got := outcomes(each)
				if each == nil {
					got = whole.Reason
				}
				if got != want {
					t.Errorf("%s, want %s", got, want)
				}
			})
		}
	}
}

func TestAnAnswerToEventsThatIsNoJSONNamesNobody(t *testing.T) {
	_, _, whole, each := inOneRequest(t, "cloudevents", answerOf("Content-Type: text/plain\r\n", "fine"), three()...)
	if whole.Outcome != message.Delivered || outcomes(each) != "delivered delivered delivered" {
		t.Errorf("%v, %s", whole, outcomes(each))
	}
}

func TestABatchThatFailedAsAWholeHasOneResult(t *testing.T) {
	_, _, whole, each := inOneRequest(t, "lambda", "HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", three()...)
	if each != nil || whole.Outcome != message.Throttled || whole.RetryAfter != 7*time.Second {
		t.Errorf("%+v, each %v", whole, each)
	}
}

func TestAFunctionGetsABatchAsRecords(t *testing.T) {
	r, body, _, _ := inOneRequest(t, "lambda", answerOf("", ""), three()...)
	var event sqsEvent
	if err := json.Unmarshal([]byte(body), &event); err != nil || len(event.Records) != 3 {
		t.Fatalf("%v: %s", err, body)
	}
	for i, record := range event.Records {
		if record.MessageID != fmt.Sprint("id-", i) || record.Body != `{"a":"<é>"}` || record.ReceiptHandle != "" || record.EventSourceARN != ordersARN {
			t.Errorf("%+v", record)
		}
	}
	if r.Header.Get("Traceparent") != "" {
		t.Error("a batch has no one parent")
	}
}

func TestEventsInABatchHaveTheirAttributes(t *testing.T) {
	all := three()
	all[1].Body = "plain"
	all[2].Attributes = map[string]message.Attribute{"ce-type": str("made"), "ce-datacontenttype": str("application/json")}
	all[2].Body = "{not JSON"
	for _, n := range []int{1, 3} { // one is a batch of one
		r, body, _, _ := inOneRequest(t, "cloudevents", answerOf("", ""), all[:n]...)
		if got := r.Header.Get("Content-Type"); got != "application/cloudevents-batch+json" {
			t.Error(got)
		}
		var events []map[string]any
		if err := json.Unmarshal([]byte(body), &events); err != nil || len(events) != n {
			t.Fatalf("%v: %s", err, body)
		}
		for i, e := range events {
			if e["specversion"] != "1.0" || e["id"] != fmt.Sprint("id-", i) || e["source"] != ordersARN || e["partitionkey"] != "customer-7" {
				t.Errorf("%v", e)
			}
		}
		if data, ok := events[0]["data"].(map[string]any); !ok || data["a"] != "<é>" {
			t.Errorf("%v", events[0]["data"])
		}
		if n == 3 && (events[1]["data"] != "plain" || events[2]["data"] != "{not JSON" || events[2]["type"] != "made" || events[2]["datacontenttype"] != textType[0]) {
			t.Errorf("%v", events)
		}
	}
}

func TestABatchIsNoLongerThanItsSizesSay(t *testing.T) {
	for name, body := range map[string]string{
		"plain": strings.Repeat("x", 5000), "quotes": strings.Repeat(`"\`, 2000), "control": strings.Repeat("\x01\x7f\n", 2000),
		"lines": strings.Repeat("\u2028é", 2000), "not UTF-8": strings.Repeat("\xff\xfe", 2000), "JSON": `{"a":[` + strings.Repeat("1 , ", 2000) + "1]}",
	} {
		for _, f := range []batchFormat{lambda{}, cloudEventBatches{}} {
			m := full()
			m.Body = body
			m.Attributes["ce-more"] = message.Attribute{DataType: "String", StringValue: body}
			x := &exchange{request: &http.Request{}, head: writer{to: http.Header{}}}
			f.writeBatch(x, source{arn: ordersARN, region: "eu-central-1", queue: "orders"}, []*message.Message{m})
			if got, most := len(x.text), f.size(m); got > most {
				t.Errorf("%s: %d bytes of %T, at most %d", name, got, f, most)
			}
		}
	}
}

func TestABatchIsSignedByANameOfItsOwn(t *testing.T) {
	all := three()
	alone, two, others := parcel{first: all[0]}, parcel{all[0], all[:2]}, parcel{all[0], all}
	if alone.id() != "id-0" || two.id() == others.id() || two.id() == alone.id() || two.id() != (parcel{all[0], all[:2]}).id() {
		t.Errorf("%s, %s, %s", alone.id(), two.id(), others.id())
	}
}

func TestOnlyFormatsThatCanTakeABatch(t *testing.T) {
	for _, format := range []string{"raw", "sqsd"} {
		_, err := New(Options{URL: "http://h/", Timeout: 1, Slots: 1, Format: format, Batch: 2})
		if err == nil || !strings.Contains(err.Error(), "use --format cloudevents or lambda") {
			t.Errorf("%s: %v", format, err)
		}
	}
}
