package app

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
)

const testToken = "0123456789abcdef0123"

// controllable is settings with a control token.
func controllable() config.Config {
	c := settingsWith(func(t *config.Target) {
		t.Rate = config.Rate{Limited: true, PerSecond: 10}
	})
	c.ControlToken = testToken
	return c
}

// post sends a change to the control API and returns the answer.
func (d *daemon) post(t *testing.T, action, body string) (int, string) {
	t.Helper()
	transport := &http.Transport{DialContext: d.admin.dial, DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://admin/-/"+action, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func (d *daemon) mustPost(t *testing.T, action, body string) string {
	t.Helper()
	code, text := d.post(t, action, body)
	if code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", action, body, code, text)
	}
	return text
}

func TestAChangeThatMakesNoSenseIsRefusedWithOneSentence(t *testing.T) {
	environment(t)
	c := controllable()
	c.Fleet.Replicas = 2
	a := prepare(t, "orders", c, nil).App
	defer a.close(t.Context())
	a.files = 1000
	for want, change := range map[string]admin.Change{
		`there is no target "shop": use default`:                            {Action: "pause", Target: "shop"},
		"for: 0s would end at once: use a duration such as 30m, or omit it": {Action: "pause", For: "0s"},
		"for: -5m would end at once":                                        {Action: "pace", Rate: "5/s", For: "-5m"},
		"for: 721h is longer than 720h: use a shorter duration, or omit it": {Action: "pause", For: "721h"},
		"for: duration 30 has no unit":                                      {Action: "pause", For: "30"},
		"for: resume has no end: omit it":                                   {Action: "resume", For: "5m"},
		"pause takes neither rate nor concurrency: use pace":                {Action: "pause", Rate: "5/s"},
		"pace needs a rate, a concurrency or both":                          {Action: "pace"},
		"rate: invalid rate":                                                {Action: "pace", Rate: "fast"},
		"rate: 0 would pause: use poller pause":                             {Action: "pace", Rate: "0"},
		"concurrency: 10001 is not between 1 and 10,000":                    {Action: "pace", Concurrency: new(10_001)},
		"concurrency: 0 is not between 1 and 10,000: use the number of con": {Action: "pace", Rate: "5/s", Concurrency: new(0)},
		"pause takes neither rate nor concurrency: use pace ":               {Action: "pause", Concurrency: new(0)},
		"concurrency: -1 is not between":                                    {Action: "pace", Concurrency: new(-1)},
		"concurrency: 1 is less than one concurrent delivery for each of 2": {Action: "pace", Concurrency: new(1)},
		"--concurrency: this needs 5080 open files":                         {Action: "pace", Concurrency: new(10_000)},
		"by: use a name of at most 64 characters, on one line":              {Action: "pause", By: "ada\nlevel=error"},
		"by: use a name of at most 64 characters, on one line ":             {Action: "pause", By: strings.Repeat("a", 65)},
		"rate: invalid rate \"none/s\": use 28/s, 1000/m or 50000/h":        {Action: "pace", Rate: "none/s"},
	} {
		_, err := a.Operate(t.Context(), time.Now(), change)
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v:\n got %v\nwant %s", change, err, want)
		}
	}
	if len(a.events) != 1 {
		t.Errorf("events %+v", a.events)
	}
}

func TestTheControlTokensFileIsReadAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	token := &controlToken{setting: "@" + file}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	is := func(want string) {
		t.Helper()
		if got, err := token.get(); got != want || (err == nil) != (want != "") {
			t.Errorf("the token is %q (%v), not %q", got, err, want)
		}
	}
	is("")
	write(testToken + "\n")
	is(testToken)
	write("another-" + testToken)
	is("another-" + testToken)
	write("short")
	is("")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	is("")
	write(testToken)
	is(testToken)
}
