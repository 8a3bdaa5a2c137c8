package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/sqs-poller/poller/internal/message"
)

const (
	firstSecret  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	secondSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
)

// verified reports whether a request's signature is right by one secret.
func verified(t *testing.T, secret string, r *http.Request, body string) bool {
	t.Helper()
	by, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	return by.Verify([]byte(body), r.Header) == nil
}

func TestAWebhooksSignatureIsThatOfTheBodyThatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, format := range Formats() {
			w := &wire{answer: always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}
			route, err := over(t, w, func(o *Options) {
				o.Format, o.Auth.Webhook.Secrets = format, []string{firstSecret, secondSecret}
			}).From(ordersARN)
			if err != nil {
				t.Fatal(err)
			}
			m := msg(`{"a":"é"}`)
			expect(t, route.Deliver(t.Context(), "orders", m), message.Delivered, 200, "2xx")
			requests, bodies, _ := w.seen()
			r := requests[0]
			if !verified(t, firstSecret, r, bodies[0]) || !verified(t, secondSecret, r, bodies[0]) || r.Header.Get("Webhook-Id") != m.ID {
				t.Errorf("%s: %v", format, r.Header)
			}
			if verified(t, firstSecret, r, bodies[0]+" ") || len(strings.Fields(r.Header.Get("Webhook-Signature"))) != 2 {
				t.Errorf("%s: %v", format, r.Header)
			}
		}
	})
}

func TestAWebhooksSecretIsRotatedInItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(firstSecret + "\n")
	synctest.Test(t, func(t *testing.T) {
		w := &wire{answer: always(ok200)}
		target := over(t, w, func(o *Options) { o.Auth.Webhook.Secrets = []string{"@" + path} })
		for i, want := range []string{firstSecret, secondSecret, secondSecret} {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			requests, bodies, _ := w.seen()
			if !verified(t, want, requests[i], bodies[i]) {
				t.Errorf("request %d: %v", i, requests[i].Header)
			}
			write(map[bool]string{true: secondSecret, false: "whsec_no longer a secret"}[i == 0])
			<-time.After(time.Minute)
		}
	})
}

func TestAnIDThatIsNoASCIIIsSignedAsItIsSent(t *testing.T) {
	m := msg("x")
	m.ID = "é"
	got, _ := asked(t, "raw", m, func(o *Options) { o.Auth.Webhook.Secrets = []string{firstSecret} })
	if got.Header.Get("Webhook-Id") != "%C3%A9" {
		t.Errorf("%v", got.Header)
	}
}

// static are credentials that rotate with each call.
type static struct{ calls int }

func (s *static) Retrieve(context.Context) (aws.Credentials, error) {
	s.calls++
	return aws.Credentials{AccessKeyID: "AKID" + strings.Repeat("X", s.calls), SecretAccessKey: "hunter2", SessionToken: "session/token+="}, nil
}

func TestARequestIsSignedWithAllItsHeaders(t *testing.T) {
	for _, target := range []string{"http://orders.test/", "http://orders.test:80/a//b/%2Fc%20d/é?b=2&a=1&a=%20+&c", "http://orders.test:8080"} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answer: always("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")}
			given := &static{}
			route, err := over(t, w, func(o *Options) {
				o.URL, o.Format = target, "cloudevents"
				o.Auth.AWS = AWS{Service: "execute-api", Region: "eu-central-1", Credentials: given}
				o.Auth.Webhook.Secrets = []string{firstSecret}
				o.Headers = []Header{{Name: "X-Odd", Value: "a  b   c"}, {Name: "X-Odd", Value: "d"}}
			}).From(ordersARN)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // with other credentials
				expect(t, route.Deliver(t.Context(), "orders", full()), message.Delivered, 200, "2xx")
			}
			requests, bodies, _ := w.seen()
			for i, r := range requests {
				authorization := r.Header.Get("Authorization")
				for _, name := range []string{"ce-source", "content-type", "webhook-signature", "x-odd", "x-poller-message-id", "x-amz-security-token", "host", "content-length"} {
					if !strings.Contains(authorization, name) {
						t.Errorf("%s is not signed: %s", name, authorization)
					}
				}
				if again := resigned(t, r, bodies[i], strings.Repeat("X", i+1)); again != authorization {
					t.Errorf("%s\n got %s\nwant %s", r.RequestURI, authorization, again)
				}
			}
		})
	}
}

// resigned is the signature that a receiver computes of a request.
func resigned(t *testing.T, r *http.Request, body, key string) string {
	t.Helper()
	again, err := http.NewRequestWithContext(t.Context(), r.Method, "http://"+r.Host+r.RequestURI, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	again.Header = r.Header.Clone()
	again.Header.Del("Authorization")
	again.Header.Del("Content-Length")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: "AKID" + key, SecretAccessKey: "hunter2", SessionToken: "session/token+="}
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, again, hex.EncodeToString(sum[:]), "execute-api", "eu-central-1", at); err != nil {
		t.Fatal(err)
	}
	return again.Header.Get("Authorization")
}

func TestWithoutCredentialsNothingIsSentAndTheMessageIsNotBlamed(t *testing.T) {
	none := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errors.New("hunter2") })
	for _, provider := range []aws.CredentialsProvider{none, nil} {
		synctest.Test(t, func(t *testing.T) {
			w := &wire{answer: always(ok200)}
			target := over(t, w, func(o *Options) { o.Auth.AWS = AWS{Service: "lambda", Region: "r", Credentials: provider} })
			got := target.Deliver(t.Context(), "orders", msg("x"))
			expect(t, got, message.Connection, 0, "credentials")
			if requests, _, _ := w.seen(); len(requests) > 0 || strings.Contains(got.Err.Error(), "hunter2") {
				t.Errorf("%d requests, %v", len(requests), got.Err)
			}
		})
	}
}
