package app

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/target"
)

func TestEachFormatThatCanBeConfiguredIsKnownToTheTarget(t *testing.T) {
	for _, name := range append(target.Formats(), "raw") {
		c := settingsWith(func(t *config.Target) { t.Format = name })
		if err := TryTarget("default", c.Targets["default"]); err != nil {
			t.Error(err)
		}
	}
	if err := TryTarget("default", settingsWith(func(t *config.Target) { t.Format = "xml" }).Targets["default"]); err == nil {
		t.Error("an unknown format is taken")
	}
}

func TestTheDaemonsRequestsProveWhoSendsThem(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		sqs, err := queue.NewClient(t.Context(), queue.Options{HTTPClient: inProcess{http.NotFoundHandler()}})
		if err != nil {
			t.Fatal(err)
		}
		defer sqs.Close()
		for name, test := range map[string]struct {
			auth config.Auth
			want map[string]string // the beginnings of headers
		}{
			"aws": {
				config.Auth{AWS: config.SigV4{Service: "lambda"}},
				map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=any/20000101/us-east-1/lambda/aws4_request"},
			},
			"aws in another region": {
				config.Auth{AWS: config.SigV4{Service: "execute-api", Region: "eu-west-1"}},
				map[string]string{"Authorization": "AWS4-HMAC-SHA256 Credential=any/20000101/eu-west-1/execute-api/aws4_request"},
			},
			"webhook": {
				config.Auth{Webhook: config.Webhook{Secrets: []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}},
				map[string]string{"Webhook-Id": "1", "Webhook-Signature": "v1,"},
			},
			"oauth2": {
				config.Auth{OAuth2: config.OAuth2{TokenURL: "http://orders.test/token", ClientID: "c", ClientSecret: "s", Style: "basic"}},
				map[string]string{"Authorization": "Bearer abc"},
			},
		} {
			var got http.Header
			downstream := newInMemory()
			server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					w.Header().Set("Content-Type", "application/json")
					_, _ = io.WriteString(w, `{"access_token":"abc","token_type":"bearer"}`)
					return
				}
				got = r.Header
			})}
			go func() { _ = server.Serve(downstream) }()
			c := settingsWith(func(t *config.Target) { t.Auth = test.auth }).Targets["default"]
			made, err := newTarget("default", c, Options{DialTarget: downstream.dial}, "poller", sqs)
			if err != nil {
				t.Fatal(err)
			}
			if result := made.Deliver(t.Context(), "orders", &message.Message{ID: "1", Body: "x"}); result.Outcome != message.Delivered {
				t.Errorf("%s: %+v", name, result)
			}
			for header, want := range test.want {
				if !strings.HasPrefix(got.Get(header), want) {
					t.Errorf("%s: %s is %q, want %q", name, header, got.Get(header), want)
				}
			}
			made.Close()
			_ = server.Close()
		}
	})
}

func TestTheCopyThatALambdaRequestTakesIsInTheMemory(t *testing.T) {
	environment(t)
	for format, copies := range map[string]int{"raw": 1, "lambda": 3} {
		synctest.Test(t, func(t *testing.T) {
			d := prepare(t, "orders", settingsWith(func(t *config.Target) { t.Format = format }), nil)
			d.latency = 20 * time.Second
			d.run(t)
			body := strings.Repeat("x", 100_000)
			d.call(t, "SendMessage", `{"QueueUrl":"http://127.0.0.1:9324/000000000000/orders","MessageBody":"`+body+`"}`)
			pass(5 * time.Second)
			if use := int(d.memory.Use().Messages); use < copies*len(body) || use > copies*len(body)+4<<10 {
				t.Errorf("%s: a message of %d bytes in hand takes %d", format, len(body), use)
			}
			pass(30 * time.Second)
			d.stop()
			if err := <-d.ended; err != nil {
				t.Error(err)
			}
		})
	}
}
