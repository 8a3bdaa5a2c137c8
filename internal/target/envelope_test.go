package target

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/message"
)

// notification is a body as SNS writes it.
const notification = `{
  "Type" : "Notification",
  "MessageId" : "dc1e94d9-56c5-5e96-808d-cc7f68faa162",
  "TopicArn" : "arn:aws:sns:eu-central-1:123456789012:orders",
  "Subject" : "Placed",
  "Message" : "{\"id\":\"7 é\"}",
  "Timestamp" : "2026-11-02T09:30:00.123Z",
  "SignatureVersion" : "1",
  "Signature" : "secret",
  "MessageAttributes" : {
    "tenant" : {"Type":"String","Value":"7"},
    "tags" : {"Type":"String.Array","Value":"[\"a\"]"},
    "blob" : {"Type":"Binary","Value":"AQI="},
    "beanstalk.sqsd.path" : {"Type":"String","Value":"/jobs"},
    "traceparent" : {"Type":"String","Value":"00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01"}
  }
}`

func unwrapping(o *Options) { o.UnwrapSNS = true }

func TestWhatIsInsideAnEnvelopeIsDelivered(t *testing.T) {
	m := msg(notification)
	got, body := asked(t, "raw", m, unwrapping)
	if body != `{"id":"7 é"}` || m.Body != notification || m.Attributes != nil {
		t.Errorf("body %q", body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "X-Poller-Topic": "arn:aws:sns:eu-central-1:123456789012:orders",
		"X-Poller-Message-Id": m.ID, "X-Poller-Attr-Tenant": "7", "X-Poller-Attr-Tags": `["a"]`, "X-Poller-Attr-Omitted": "blob",
		"Traceparent": "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	if got, _ := asked(t, "sqsd", msg(notification), unwrapping); got.RequestURI != "/jobs" {
		t.Errorf("sqsd went to %s", got.RequestURI)
	}
	_, body = asked(t, "lambda", msg(notification), unwrapping)
	var event sqsEvent
	if err := json.Unmarshal([]byte(body), &event); err != nil || event.Records[0].Body != `{"id":"7 é"}` ||
		!bytes.Equal(event.Records[0].MessageAttributes["blob"].BinaryValue, []byte{1, 2}) {
		t.Errorf("%v: %s", err, body)
	}
	if got, body := asked(t, "raw", msg(notification)); body != notification || got.Header.Get("X-Poller-Topic") != "" {
		t.Error("it is unwrapped though nobody asked for it")
	}
}

func TestABodyThatIsNoEnvelopeIsDeliveredAsItIs(t *testing.T) {
	bodies := []string{
		"", "text", `{"a":1}`, `"TopicArn"`, `[{"TopicArn":"x"}]`,
		strings.Replace(notification, `"Notification"`, `"SubscriptionConfirmation"`, 1),
		strings.Replace(notification, `"TopicArn"`, `"topic"`, 1),
		strings.Replace(notification, `"Message" :`, `"Text" :`, 1),
		strings.Replace(notification, `"Timestamp"`, `"At"`, 1),
		strings.Replace(notification, `"MessageId"`, `"Id"`, 1),
		strings.Replace(notification, `"AQI="`, `"?"`, 1),
		notification[:200],
	}
	var log bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		target := over(t, w, unwrapping, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		for _, body := range append(bodies, notification) {
			expect(t, target.Deliver(t.Context(), "orders", msg(body)), message.Delivered, 200, "2xx")
		}
		_, got, _ := w.seen()
		for i, body := range bodies {
			if got[i] != body {
				t.Errorf("%q came as %q", body, got[i])
			}
		}
		reg := prometheus.NewRegistry()
		if err := target.Register(reg); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []float64{float64(len(bodies)), 1} { // none, unwrapped
			if n := families[0].GetMetric()[i].GetCounter().GetValue(); n != want {
				t.Errorf("counted %v, want %v", n, want)
			}
		}
	})
	if strings.Count(log.String(), "\n") != 1 || strings.Contains(log.String(), "secret") {
		t.Errorf("log:\n%s", log.String())
	}
}

func TestAnEnvelopeMayHaveAnEmptyMessageAndNoAttributes(t *testing.T) {
	m := msg(`{"Type":"Notification","MessageId":"1","TopicArn":"t","Message":"","Timestamp":"x"}`)
	m.Attributes = map[string]message.Attribute{"own": str("1")}
	got, body := asked(t, "raw", m, unwrapping)
	if body != "" || got.Header.Get("X-Poller-Topic") != "t" || got.Header.Get("X-Poller-Attr-Own") != "1" {
		t.Errorf("%q, %v", body, got.Header)
	}
}
