package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sqs-poller/poller/internal/config"
)

func TestCheckAsksTheTokenEndpointAndShowsNoToken(t *testing.T) {
	emulate(t, goodQueues(t))
	status := http.StatusOK
	idp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status == http.StatusOK {
			_, _ = io.WriteString(w, `{"access_token":"hunter3","token_type":"bearer","expires_in":3600}`)
		} else {
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"hunter3"}`)
		}
	}))
	defer idp.Close()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	check := func() string {
		out, _, _ := ran[checkCmd](t, "", "--queue", "orders", "--target", untouched(t),
			"--oauth2-token-url", idp.URL, "--oauth2-client-id", "c", "--oauth2-client-secret", "@"+secret)
		if strings.Contains(out, "hunter") {
			t.Errorf("it shows a secret:\n%s", out)
		}
		return out
	}
	if out := check(); !strings.Contains(out, "ok       target default: its token endpoint gives a token, valid for ") {
		t.Errorf("\n%s", out)
	}
	status = http.StatusUnauthorized
	if out := check(); !strings.Contains(out, "error    target default: no token: the token endpoint "+idp.URL+" answered 401 (invalid_client)") {
		t.Errorf("\n%s", out)
	}
}

func TestCheckSaysWhatAFormatAndASignatureNeed(t *testing.T) {
	emulate(t, goodQueues(t))
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), 0o600); err != nil {
		t.Fatal(err)
	}
	const path = "/2015-03-31/functions/function/invocations"
	for want, arguments := range map[string][]string{
		"ok       target default: its requests are signed for execute-api: the role needs execute-api:Invoke":          {"", "--sign-aws", "execute-api"},
		"ok       target default: its requests are signed with 1 webhook secret":                                       {"", "--webhook-secret", "@" + secret},
		"warning  target default: a Lambda function is invoked at /2015-03-31/functions/NAME/invocations":              {"/", "--format", "lambda"},
		"warning  target default: the runtime interface emulator runs one invocation at a time":                        {path, "--format", "lambda"},
		"ok       target default: a 200 is a success unless":                                                           {path, "--format", "lambda", "--concurrency", "1"},
		"ok       target default: a 200 is a success unless the function's answer names the message":                   {path, "--format", "lambda", "--concurrency", "4", "--fleet-replicas", "4"},
		"answers 400 to the others: 2 concurrent deliveries are too many for one container; change --concurrency to 4": {path, "--format", "lambda", "--concurrency", "8", "--fleet-replicas", "4"},
		"error    target default: --oauth2-token-url and --sign-aws both set the Authorization header":                 {"", "--sign-aws", "lambda", "--oauth2-token-url", "http://h/", "--oauth2-client-id", "c", "--oauth2-client-secret", "@" + secret},
	} {
		args := append([]string{"--queue", "orders", "--target", untouched(t) + arguments[0]}, arguments[1:]...)
		if out, _, _ := ran[checkCmd](t, "", args...); !strings.Contains(out, want) {
			t.Errorf("%v: no %q in\n%s", arguments, want, out)
		}
	}
}

func TestASecretThatGoesUnencryptedIsAWarning(t *testing.T) {
	for address, want := range map[string]bool{"http://login.example.invalid/": true, "https://login.example.invalid/": false, "http://127.0.0.1:1/": false} {
		var f findings
		target := config.Target{URL: "http://h/", Concurrency: 1, Timeout: config.Duration(1e9)}
		target.Auth.OAuth2 = config.OAuth2{TokenURL: address, ClientID: "c", ClientSecret: "@/nowhere"}
		judgeAuth(t.Context(), &f, "default", target)
		if f.count(wrong) != 1 || (f.count(warning) == 1) != want {
			t.Errorf("%s: %+v", address, f)
		}
	}
}
