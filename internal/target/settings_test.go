package target

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

func TestParseHeaderReadsAValueOrAFile(t *testing.T) {
	for given, want := range map[string]Header{
		"X-Tenant: a":               {Name: "X-Tenant", Value: "a"},
		"Accept: a, b:c ":           {Name: "Accept", Value: "a, b:c"},
		"Authorization: @/run/auth": {Name: "Authorization", File: "/run/auth"},
		"Host:inside.test:80":       {Name: "Host", Value: "inside.test:80"},
		"X-Tabs: a\tb":              {Name: "X-Tabs", Value: "a\tb"},
	} {
		if got, err := ParseHeader(given); err != nil || got != want {
			t.Errorf("%q is %+v, %v", given, got, err)
		}
	}
}

func TestParseHeaderRefusesInOneSentenceWithoutTheValue(t *testing.T) {
	for given, says := range map[string]string{
		"":                                   "no colon",
		"Bearer hunter2":                     "no colon",
		"Bearer hunter2: x":                  "name",
		": hunter2":                          "name",
		"X-A:":                               "the header X-A has no value",
		"X-A:  ":                             "the header X-A has no value",
		"X-A: @":                             "has no file name",
		"hunter2 x: @":                       "a header has no file name",
		"X-A: hunter2\r\nX-B: 1":             "the header X-A has a line break",
		"X-A: hunter2\x00":                   "control characters",
		"X-A: @hunter2\n":                    "control characters",
		"X-A\r\nX-B: hunter2":                "name",
		"X-A: " + strings.Repeat("x", 1<<14): "more than 8 KiB",
		"content-length: 5":                  "the connection's own",
		"Transfer-Encoding: chunked":         "the connection's own",
		"connection: close":                  "the connection's own",
		"Expect: 100-continue":               "the connection's own",
		"Proxy-Authorization: hunter2":       "HTTPS_PROXY",
		"idempotency-key: hunter2":           "the message's id",
		"traceparent: 00":                    "taken from the message",
		"x-poller-queue: orders":             "poller's own",
		"Host: a/b":                          "host:port",
	} {
		_, err := ParseHeader(given)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") ||
			strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("of %q got error %v, want %q", given, err, says)
		}
	}
}

func TestSecretNamesAreKnown(t *testing.T) {
	for name, want := range map[string]bool{
		"Authorization": true, "authorization": true, "Proxy-Authorization": true, "COOKIE": true,
		"X-Api-Key": true, "X-Auth-Token": true, "x-signing-secret": true, "Ocp-Apim-Subscription-Key": true,
		"X-Tenant": false, "Token": false, "Keyboard": false, "X-Key-Id": false, "": false,
	} {
		if IsSecretName(name) != want {
			t.Errorf("%q is %v", name, !want)
		}
	}
}

func TestValidateURLSaysWhatIsWrongWithoutTheURL(t *testing.T) {
	for _, fine := range []string{
		"http://localhost:8080", "https://u:p@orders.internal/hook?x=1", "HTTP://[::1]:80/", "http://127.0.0.1",
	} {
		if err := ValidateURL(fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
	for raw, says := range map[string]string{
		"":                              "no URL given",
		"orders.internal/hook":          "begin with http",
		"hunter2:secret@orders":         "begin with http",
		"localhost:8080":                "begin with http",
		"ftp://hunter2@orders/":         "begin with http",
		"http:///hunter2":               "no host",
		"http://:8080/":                 "no host",
		"http:orders":                   "no host",
		"http://orders/#hunter2":        "fragment",
		"http://orders/#":               "fragment",
		"http://u:hunter2@orders:99999": "between 1 and 65535",
		"http://u:hunter2@orders:0":     "between 1 and 65535",
		"http://orders:":                "colon but no port",
		"http://u:hunter2@orders:port/": "not a valid URL",
		"http://u:hunter2@or ders/":     "not a valid URL",
		"http://u:hunter2@orders/%zz":   "not a valid URL",
		"http://orders/\r\nhunter2":     "not a valid URL",
	} {
		err := ValidateURL(raw)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("of %q got error %v, want %q", raw, err, says)
		}
	}
}

func TestNewNamesTheSetting(t *testing.T) {
	for says, change := range map[string]func(*Options){
		"--target: ":              func(o *Options) { o.URL = "x" },
		"--timeout: ":             func(o *Options) { o.Timeout = 0 },
		"--concurrency: ":         func(o *Options) { o.Slots = 0 },
		"--header: ":              func(o *Options) { o.Headers = []Header{{Name: "X-Poller-Queue", Value: "x"}} },
		"--header: the header X:": func(o *Options) { o.Headers = []Header{{Name: "X", File: "/nowhere/at/all"}} },
		"keep one of them": func(o *Options) {
			o.URL, o.Headers = "http://u:p@orders.test", []Header{{Name: "authorization", Value: "x"}}
		},
		"the header host is set twice": func(o *Options) {
			o.Headers = []Header{{Name: "Host", Value: "a"}, {Name: "host", Value: "b"}}
		},
	} {
		o := Options{URL: "http://orders.test", Timeout: time.Second, Slots: 1}
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got error %v, want %q", err, says)
		}
	}
}

func TestAHeadersFileIsReadAgainWhenItChanges(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	write := func(t *testing.T, text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil { // as secrets are changed: whole
			t.Fatal(err)
		}
	}
	write(t, "\ufefffirst\n") // as some editors save it
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := &wire{answer: always(ok200)}
		target := over(t, w, func(o *Options) {
			o.Headers = []Header{{Name: "X-Token", File: file}}
			o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
		})
		next := func(want string) {
			t.Helper()
			expect(t, target.Deliver(t.Context(), "orders", msg("x")), message.Delivered, 200, "2xx")
			requests, _, _ := w.seen()
			if got := requests[len(requests)-1].Header.Get("X-Token"); got != want {
				t.Errorf("%q was sent, want %q", got, want)
			}
		}
		wait := func() { <-time.After(lookAgain) }
		next("first")
		write(t, "other\r\n") // the same size
		next("first")         // looked at each second only
		wait()
		next("other")

		for range 3 { // unreadable, empty, two lines
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
			wait()
			next("other")
			write(t, "\n")
			wait()
			next("other")
			write(t, "two\nlines")
			wait()
			next("other")
		}
		if n := strings.Count(log.String(), `"level":"WARN"`); n != 1 {
			t.Errorf("%d warnings\n%s", n, log.String())
		}
		write(t, "third")
		wait()
		next("third")
		write(t, strings.Repeat("x", maxHeaderValue+2))
		wait()
		next("third")
		if n := strings.Count(log.String(), `"level":"WARN"`); n != 2 {
			t.Errorf("%d warnings\n%s", n, log.String())
		}
		for _, secret := range []string{"first", "other", "two", "third"} {
			if strings.Contains(log.String(), secret) {
				t.Errorf("the log has the value %q\n%s", secret, log.String())
			}
		}
	})
}
