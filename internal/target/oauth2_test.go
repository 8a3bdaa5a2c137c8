package target

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// endpoint is an OAuth2 server and a target that takes its tokens.
type endpoint struct {
	idp, target wire
	life        int           // of tokens, in seconds; 0: no end
	latency     time.Duration // of the token endpoint
	away        bool          // it is
	slow        time.Duration // is the target
	status      int           // of the token endpoint, if not 200
	revoked     int           // tokens up to this number get a 401
	poison      string        // a body that always gets a 401
	logs        bytes.Buffer
	options     Options
}

func newEndpoint(t *testing.T, change ...func(*endpoint)) (*endpoint, *HTTP) {
	t.Helper()
	e := &endpoint{options: Options{
		Name: "default", URL: "http://orders.test/", Timeout: 30 * time.Second, Slots: 64,
		Auth: Auth{OAuth2: OAuth2{TokenURL: "http://idp.test/token", ClientID: "client", ClientSecret: "hunter2", Scopes: "read write", Audience: "orders"}},
	}}
	e.options.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if !strings.HasPrefix(address, "idp.test:") {
			return e.target.dial(ctx, network, address)
		}
		if e.away {
			return nil, &net.DNSError{IsNotFound: true}
		}
		return e.idp.dial(ctx, network, address)
	}
	e.options.Logger = slog.New(slog.NewTextHandler(&e.logs, nil))
	e.idp.answer = func(n int, _ *http.Request, c net.Conn) bool {
		<-time.After(e.latency)
		body := fmt.Sprintf(`{"access_token":"token-%d","token_type":"bearer"`, n)
		if e.life != 0 {
			body += fmt.Sprintf(`,"expires_in":%d`, e.life)
		}
		status := 200
		if body += "}"; e.status != 0 {
			status, body = e.status, `{"error":"invalid_client","error_description":"hunter2"}`
		}
		fmt.Fprintf(c, "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
		return false
	}
	e.target.answer = func(n int, r *http.Request, c net.Conn) bool {
		number := 0
		_, _ = fmt.Sscanf(r.Header.Get("Authorization"), "Bearer token-%d", &number)
		_, bodies, _ := e.target.seen()
		<-time.After(e.slow)
		if number <= e.revoked || e.poison != "" && bodies[n-1] == e.poison {
			io.WriteString(c, "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
		} else {
			io.WriteString(c, ok200)
		}
		return true
	}
	for _, c := range change {
		c(e)
	}
	target, err := New(e.options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(target.Close)
	return e, target
}

func (e *endpoint) fetches() int {
	requests, _, _ := e.idp.seen()
	return len(requests)
}

// lastToken is the Authorization of the last request to the target.
func (e *endpoint) lastToken() string {
	requests, _, _ := e.target.seen()
	return requests[len(requests)-1].Header.Get("Authorization")
}

func named7(id string) *message.Message {
	m := msg("x")
	m.ID = id
	return m
}

func TestATokenIsFetchedOnceForAllDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.latency, e.life = time.Second, 3600 })
		done := make(chan message.Result, 64)
		for i := range 64 {
			go func() { done <- target.Deliver(t.Context(), "orders", named7(fmt.Sprint(i))) }()
		}
		for range 64 {
			expect(t, <-done, message.Delivered, 200, "2xx")
		}
		requests, bodies, _ := e.idp.seen()
		if len(requests) != 1 || e.lastToken() != "Bearer token-1" {
			t.Fatalf("%d fetches, %s", len(requests), e.lastToken())
		}
		user, password, ok := requests[0].BasicAuth()
		if !ok || user != "client" || password != "hunter2" || bodies[0] != "audience=orders&grant_type=client_credentials&scope=read+write" {
			t.Errorf("asked by %s with %s", user, bodies[0])
		}
	})
}

func TestATokenIsRenewedBeforeItEndsAndNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.life, e.latency = 3600, time.Second })
		try := func(want string) {
			t.Helper()
			begun := time.Now()
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			if took := time.Since(begun); e.lastToken() != want || want != "Bearer token-1" && want != "Bearer token-2" && took != time.Second {
				t.Errorf("%s after %s, want %s", e.lastToken(), took, want)
			}
		}
		try("Bearer token-1")
		<-time.After(58 * time.Minute)
		try("Bearer token-1")
		if n := e.fetches(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		<-time.After(70 * time.Second) // in the last minute
		try("Bearer token-1")
		<-time.After(2 * time.Second)
		try("Bearer token-2")
		<-time.After(3 * time.Hour) // long over: a new one is waited for
		try("Bearer token-3")
		if n := e.fetches(); n != 3 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestARevokedTokenIsRenewedOnceWithoutAStrike(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t)
		expect(t, target.Deliver(t.Context(), "orders", named7("0")), message.Delivered, 200, "2xx")
		e.revoked, e.slow = 1, time.Second
		done := make(chan message.Result, 64)
		<-time.After(time.Minute)
		for i := range 64 {
			go func() { done <- target.Deliver(t.Context(), "orders", named7(fmt.Sprint(i))) }()
		}
		for range 64 {
			expect(t, <-done, message.Connection, 401, "token_refused")
		}
		for i := range 64 {
			expect(t, target.Deliver(t.Context(), "orders", named7(fmt.Sprint(i))), message.Delivered, 200, "2xx")
		}
		if e.fetches() != 2 {
			t.Errorf("%d fetches", e.fetches())
		}
	})
}

func TestATargetThatTakesNoTokenDoesNotFetchForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.revoked = 1 << 30 })
		expect(t, target.Deliver(t.Context(), "orders", named7("1")), message.Connection, 401, "token_refused")
		for i := range 100 {
			got := target.Deliver(t.Context(), "orders", named7(fmt.Sprint(i)))
			if expect(t, got, message.Failed, 401, "4xx"); !got.Refused {
				t.Error("it is not a refusal")
			}
		}
		if e.fetches() != 2 {
			t.Errorf("%d fetches", e.fetches())
		}
		<-time.After(time.Minute)
		expect(t, target.Deliver(t.Context(), "orders", named7("x")), message.Connection, 401, "token_refused")
		e.revoked = 2
		expect(t, target.Deliver(t.Context(), "orders", named7("x")), message.Delivered, 200, "2xx")
	})
}

func TestAMessageThatGetsA401WhateverTheTokenFailsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.poison = "poison" })
		bad := msg("poison")
		bad.ID = "bad"
		for range 50 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			expect(t, target.Deliver(t.Context(), "orders", bad), message.Connection, 401, "token_refused")
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			expect(t, target.Deliver(t.Context(), "orders", bad), message.Failed, 401, "4xx")
		}
		if n := e.fetches(); n != 2 {
			t.Errorf("%d fetches", n)
		}
	})
}

func TestATokenEndpointThatFailsIsTheTargetsTrouble(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*endpoint)
		says   string
	}{
		"away":      {func(e *endpoint) { e.away = true }, "the token endpoint http://idp.test cannot be reached: its name cannot be resolved"},
		"refusing":  {func(e *endpoint) { e.status = 401 }, "the token endpoint http://idp.test answered 401 (invalid_client)"},
		"broken":    {func(e *endpoint) { e.status = 503 }, "answered 503"},
		"hanging":   {func(e *endpoint) { e.latency = time.Hour }, "cannot be reached: it did not answer in time"},
		"impatient": {func(e *endpoint) { e.latency, e.options.Timeout = time.Hour, 2*time.Second }, "did not answer in time"},
		"a word": {func(e *endpoint) {
			e.idp.answer = always("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 42\r\n\r\n" + `{"access_token":"a b","token_type":"mac"}  `)
		}, "has no bearer token"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, target := newEndpoint(t, test.change)
				for range 100 {
					got := target.Deliver(t.Context(), "orders", msg("x"))
					expect(t, got, message.Connection, 0, "token")
					if got.Err == nil || !strings.Contains(got.Err.Error(), test.says) || strings.Contains(got.Err.Error(), "hunter2") {
						t.Fatal(got.Err)
					}
				}
				requests, _, _ := e.target.seen()
				if len(requests) > 0 || e.fetches() > 1 && name != "impatient" && name != "hanging" {
					t.Errorf("%d requests, %d fetches", len(requests), e.fetches())
				}
				<-time.After(3 * e.latency) // until the endpoint's answers are written
				if text := e.logs.String(); strings.Count(text, "no token") > 1 || strings.Contains(text, "hunter2") || strings.Contains(text, "token-") {
					t.Errorf("log:\n%s", text)
				}
			})
		})
	}
}

func TestATokenEndpointThatIsBackIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.status = 503 })
		for range 30 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Connection, 0, "token")
			<-time.After(time.Second)
		}
		if n := e.fetches(); n < 4 || n > 6 {
			t.Errorf("%d fetches in 30 s", n)
		}
		e.status = 0
		<-time.After(maxFetchPause)
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
	})
}

func TestATokenThatCannotBeRenewedIsUsedToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) { e.life = 300 })
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		e.away = true
		<-time.After(250 * time.Second)
		for range 40 {
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			<-time.After(time.Second)
		}
		<-time.After(10 * time.Second)
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Connection, 0, "token")
	})
}

func TestTheClientsSecretIsReadAgainFromItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		e, target := newEndpoint(t, func(e *endpoint) {
			e.life, e.options.Auth.OAuth2.ClientSecret, e.options.Auth.OAuth2.Style = 60, "@"+path, "form"
		})
		for _, secret := range []string{"hunter2", "hunter33"} {
			if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			if _, bodies, _ := e.idp.seen(); !strings.Contains(bodies[len(bodies)-1], "client_secret="+secret) {
				t.Errorf("asked with %s", bodies[len(bodies)-1])
			}
			<-time.After(time.Hour)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
		if !strings.Contains(e.logs.String(), "keeping its last value") {
			t.Errorf("log:\n%s", e.logs.String())
		}
	})
}

func TestAuthThatCannotBeIsRefusedInOneSentence(t *testing.T) {
	good := OAuth2{TokenURL: "https://idp.test/token", ClientID: "c", ClientSecret: "hunter2"}
	for says, change := range map[string]func(*Options){
		"--oauth2-token-url: the URL does not begin": func(o *Options) { o.Auth.OAuth2.TokenURL = "idp.test/token" },
		"--oauth2-token-url: the URL has a user":     func(o *Options) { o.Auth.OAuth2.TokenURL = "https://u:hunter2@idp.test/" },
		"--oauth2-client-secret: open /nowhere":      func(o *Options) { o.Auth.OAuth2.ClientSecret = "@/nowhere" },
		"omit the one in --header":                   func(o *Options) { o.Headers = []Header{{Name: "authorization", Value: "hunter2"}} },
		"or the user in --target":                    func(o *Options) { o.URL = "https://u:hunter2@orders.test/" },
		"keep one of them":                           func(o *Options) { o.Auth.AWS.Service = "lambda" },
		"--webhook-secret: the secret does not":      func(o *Options) { o.Auth.Webhook.Secrets = []string{"hunter2"} },
		"--webhook-secret: what follows whsec_":      func(o *Options) { o.Auth.Webhook.Secrets = []string{"whsec_hunter2!"} },
		"--webhook-secret: the key has 3 bytes":      func(o *Options) { o.Auth.Webhook.Secrets = []string{"whsec_aHVu"} },
	} {
		o := Options{Name: "default", URL: "https://orders.test/", Timeout: time.Second, Slots: 1, Auth: Auth{OAuth2: good}}
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", says, err)
		}
	}
}
