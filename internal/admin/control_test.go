package admin

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const rightToken = "0123456789abcdef0123"

// controlled is a port with the control API, and what it was asked for.
type controlled struct {
	server  *Server
	handler http.Handler
	log     bytes.Buffer
	asked   []Change
	token   func() (string, error)
}

func newControlled(t *testing.T) *controlled {
	t.Helper()
	c := &controlled{token: func() (string, error) { return rightToken, nil }}
	s := New(Options{
		Gatherer: prometheus.NewRegistry(), Status: func(time.Time) Status { return behind() },
		Ready: func(time.Time) []Problem { return nil }, Healthy: func(time.Time) []Problem { return nil },
		Logger: slog.New(slog.NewTextHandler(&c.log, nil)),
		Control: &Control{
			Token: func() (string, error) { return c.token() },
			Apply: func(_ context.Context, _ time.Time, change Change) ([]string, error) {
				c.asked = append(c.asked, change)
				if change.Target == "nowhere" {
					return nil, errors.New(`there is no target "nowhere": use partner`)
				}
				return []string{"target partner: paused until resume"}, nil
			},
		},
	})
	c.server, c.handler = s, s.http.Handler
	return c
}

func (c *controlled) post(path, token, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	return w
}

var controlPaths = []string{"/-/pause", "/-/resume", "/-/pace"}

func TestWithoutAControlTokenTheControlAPIIsNotThere(t *testing.T) {
	p := &port{status: behind()}
	for _, path := range controlPaths {
		for _, method := range []string{"POST", "GET"} {
			if w := p.ask(t, method, path, "Authorization", "Bearer "+rightToken); w.Code != http.StatusNotFound {
				t.Errorf("%s %s: %d", method, path, w.Code)
			}
		}
	}
}

func TestTheControlAPIPassesOnWhatWasAskedForAndFromWhere(t *testing.T) {
	t.Parallel()
	c := newControlled(t)
	w := c.post("/-/pace", rightToken, `{"target": "partner", "rate": "10/s", "concurrency": 4, "for": "30m", "by": "ada"}`)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"changed":["target partner: paused until resume"]}` {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	want := Change{Action: "pace", Target: "partner", Rate: "10/s", Concurrency: new(4), For: "30m", By: "ada", From: "192.0.2.1"}
	if len(c.asked) != 1 || !reflect.DeepEqual(c.asked[0], want) {
		t.Errorf("asked for %+v", c.asked)
	}
	for _, path := range controlPaths {
		if w := c.post(path, rightToken, ""); w.Code != http.StatusOK {
			t.Errorf("%s without a body: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestTheControlAPIRefusesWhatIsNotAskedRightly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		token, body string
		headers     []string
		want        int
	}{
		"no token":             {want: http.StatusUnauthorized},
		"a wrong token":        {token: rightToken + "0", want: http.StatusUnauthorized},
		"a shorter token":      {token: rightToken[:19], want: http.StatusUnauthorized},
		"another scheme":       {headers: []string{"Authorization", "Basic " + rightToken}, want: http.StatusUnauthorized},
		"another origin":       {token: rightToken, headers: []string{"Origin", "https://evil.example"}, want: http.StatusForbidden},
		"another site":         {token: rightToken, headers: []string{"Sec-Fetch-Site", "cross-site"}, want: http.StatusForbidden},
		"the page itself":      {token: rightToken, headers: []string{"Origin", "http://example.com", "Sec-Fetch-Site", "same-origin"}, want: http.StatusOK},
		"a form":               {token: rightToken, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, want: http.StatusUnsupportedMediaType},
		"no JSON":              {token: rightToken, body: "rate=10", want: http.StatusBadRequest},
		"an unknown field":     {token: rightToken, body: `{"until": "tomorrow"}`, want: http.StatusBadRequest},
		"more than is needed":  {token: rightToken, body: `{"by": "` + strings.Repeat("a", 5000) + `"}`, want: http.StatusRequestEntityTooLarge},
		"a target not there":   {token: rightToken, body: `{"target": "nowhere"}`, want: http.StatusBadRequest},
		"the empty token":      {headers: []string{"Authorization", "Bearer "}, want: http.StatusUnauthorized},
		"an ordinary question": {token: rightToken, body: `{}`, want: http.StatusOK},
	} {
		c := newControlled(t)
		if w := c.post("/-/pause", test.token, test.body, test.headers...); w.Code != test.want {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if applied := len(c.asked) > 0; applied != (test.want == http.StatusOK || name == "a target not there") {
			t.Errorf("%s: applied %v", name, applied)
		}
	}
}

func TestWithoutAReadableTokenNoRequestIsAllowed(t *testing.T) {
	t.Parallel()
	c := newControlled(t)
	c.token = func() (string, error) { return "", errors.New("/run/token cannot be read") }
	for _, token := range []string{"", rightToken} {
		if w := c.post("/-/pause", token, ""); w.Code != http.StatusUnauthorized {
			t.Errorf("token %q: %d", token, w.Code)
		}
	}
	if log := c.log.String(); !strings.Contains(log, "/run/token cannot be read") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestWrongTokensAreLoggedOnceAMinuteWithTheirNumber(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newControlled(t)
		for range 2500 {
			c.post("/-/pause", "a-wrong-token-of-somebody", "")
		}
		<-time.After(time.Minute)
		c.post("/-/pause", "a-wrong-token-of-somebody", "")
		lines := strings.Split(strings.TrimSpace(c.log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[0], "refused=1") || !strings.Contains(lines[1], "refused=2500") {
			t.Errorf("the log has %d lines:\n%s", len(lines), c.log.String())
		}
		if strings.Contains(c.log.String(), "a-wrong-token") || !strings.Contains(lines[0], "from=192.0.2.1") {
			t.Errorf("the log says\n%s", lines[0])
		}
	})
}

func TestWrongTokensAreCountedInTheLogThoughNoMoreCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newControlled(t)
		for range 2500 {
			c.post("/-/pause", "a-wrong-token-of-somebody", "")
		}
		var sampling sync.WaitGroup
		sampling.Go(c.server.sample)
		<-time.After(10 * time.Minute)
		close(c.server.ended)
		sampling.Wait()
		lines := strings.Split(strings.TrimSpace(c.log.String()), "\n")
		if len(lines) != 2 || !strings.Contains(lines[1], "refused=2499") {
			t.Errorf("the log has %d lines:\n%s", len(lines), c.log.String())
		}
	})
}

func TestTheVerdictSaysWhoPausedAndUntilWhen(t *testing.T) {
	t.Parallel()
	until := noon.Add(18 * time.Minute)
	for name, test := range map[string]struct {
		overrides []Override
		want      string
		visible   int
	}{
		"a pause with an end": {
			[]Override{{Kind: "pause", Since: noon.Add(-12 * time.Minute), Until: &until, By: "ada"}},
			"Paused by ada since 11:48:00 UTC (12 min), until 12:18:00 UTC: 1,240 messages", 1240,
		},
		"a pause without": {
			[]Override{{Kind: "pause", Since: noon.Add(-12 * time.Minute)}},
			"Paused by an operator since 11:48:00 UTC (12 min), until resumed: 1,240 messages", 1240,
		},
		"a pause with nothing left in the queue": {
			[]Override{{Kind: "pause", Since: noon, By: "ada"}},
			"Paused by ada since 12:00:00 UTC (0 s), until resumed: 0 messages in the queue, 15 in hand", 0,
		},
		"a rate": {
			[]Override{{Kind: "rate", Value: "28/s", Since: noon, By: "ada"}},
			"Behind: 1,240 messages, lag 2 min 10 s, limited by the target's rate of 28/s (set by ada until resumed); empty in about 6 min 50 s", 1240,
		},
	} {
		s := behind()
		s.Queues[0].Depth.Visible = test.visible
		s.Targets[0].Overrides = test.overrides
		s.Targets[0].DeliveriesLastMinute = nil
		s.Ready, s.Healthy = true, true
		s.assess(noon)
		if got := s.Queues[0].Verdict.Text; !strings.HasPrefix(got, test.want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, test.want)
		}
	}
}

func TestGatesThatCloseAndOpenAreMarks(t *testing.T) {
	t.Parallel()
	var h history
	now := noon
	at := func(state string) {
		s := behind()
		s.Targets[0].Gate = Gate{State: state, Since: now}
		s.Events = []Event{{At: noon, Kind: "start", Text: "poller started"}}
		h.add(now, s)
		now = now.Add(5 * time.Second)
	}
	for _, state := range []string{"starting", "open", "closed", "closed", "half_open", "closed", "half_open", "open", "open"} {
		at(state)
	}
	var got []string
	for _, m := range h.columns("").Marks {
		got = append(got, m.Kind+" "+strings.Split(m.Text, ":")[0])
	}
	if want := "gate gate open, gate gate closed, start poller started"; strings.Join(got, ", ") != want {
		t.Errorf("marks: %v", got)
	}
}
