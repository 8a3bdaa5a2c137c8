package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

// quick is a play that is over immediately: a burst of ten, and a downstream that
// takes everything.
var quick = play{burst: 10, every: time.Hour, receives: 1}

func outFrom(how string) demo.Schedule {
	o := demo.Outage{How: how}
	if how == "" {
		o.Status = http.StatusBadRequest // a rejection: nothing else is given up while the target is away
	}
	return demo.Schedule{Outages: []demo.Outage{o}}
}

// shown runs a play; the contexts' ends are the signals.
func shown(t *testing.T, c *demoCmd, p play) (out *screen, drain, now func(), ended <-chan error) {
	t.Helper()
	return shownOn(t, c, p, false)
}

// shownOn is shown, on a terminal or not.
func shownOn(t *testing.T, c *demoCmd, p play, terminal bool) (out *screen, drain, now func(), ended <-chan error) {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "") // which the README has people export
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_CA_BUNDLE", "AWS_REGION"} {
		t.Setenv(name, "/the-user's-own")
	}
	out = newScreen()
	draining, drain := context.WithCancel(t.Context())
	ending, now := context.WithCancel(t.Context())
	done := make(chan error, 1)
	run := c.show
	go func() {
		done <- run(&process{stdout: out, stderr: out, terminal: terminal, drain: draining, now: ending}, p)
	}()
	return out, drain, now, done
}

func wantExit(t *testing.T, err error, code int) {
	t.Helper()
	if e, ok := errors.AsType[exit](err); !ok || e.code != code || e.Error() != "" {
		t.Errorf("ended with %v, want exit %d without words", err, code)
	}
}

func TestTheDemoDeliversTheTrafficAndWhatIsSentByHand(t *testing.T) {
	out, drain, _, ended := shown(t, &demoCmd{LogLevel: 4}, quick)
	line := out.waitFor(t, `(?m)^       -d (.*/example)$`)
	answer, err := http.Post(line[strings.LastIndexByte(line, ' ')+1:], "application/json", strings.NewReader(`{"hello":"world"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		t.Errorf("the front door answers %d", answer.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
	status, err := http.Get(out.waitFor(t, `status page: +(http://\S+/)`))
	if err != nil {
		t.Fatal(err)
	}
	_ = status.Body.Close()
	if status.StatusCode != http.StatusOK {
		t.Errorf("the status page answers %d", status.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()

	until(t, out, func(s demo.Stats) bool { return s.Accepted == 11 })
	drain()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSummary(t, out, "accepted by the front door", 11, 11)
	wantSummary(t, out, "delivered to the downstream", 11, 11)
	wantSummary(t, out, "refused by the downstream (429, 503)", 0, 0)
	wantSummary(t, out, "lost: left in the dead-letter queue", 0, 0)
	wantText(t, out, "It runs until Ctrl-C.", "Every request was delivered, and the downstream was never overrun.", "The bursts waited in the queue")
	if strings.Contains(out.String(), "away") || strings.Contains(out.String(), "dead after") {
		t.Errorf("it tells of what was not:\n%s", out)
	}
	if got := os.Getenv("AWS_PROFILE") + os.Getenv("AWS_ACCESS_KEY_ID"); got != "/the-user's-own" {
		t.Errorf("the user's AWS settings are %q after it", got)
	}
}

func TestADemoWhoseRequestsAreAllRefusedSaysWhereTheyAre(t *testing.T) {
	p := quick
	p.burst = 4 // more in a row that are rejected, and it is the target's trouble: then they are held
	p.sink.Outages = outFrom("")
	out, drain, _, ended := shown(t, &demoCmd{Duration: config.Duration(time.Hour), LogLevel: 8}, p)
	until(t, out, func(s demo.Stats) bool { return s.RefusedInAll() == 4 })
	drain()
	wantExit(t, <-ended, 3)
	wantSummary(t, out, "accepted by the front door", 4, 4)
	wantSummary(t, out, "delivered to the downstream", 0, 0)
	wantSummary(t, out, "refused by the downstream (429, 503)", 4, 4)
	wantSummary(t, out, "lost: left in the dead-letter queue", 4, 4)
	wantText(t, out, "The traffic ends after 1h, or at Ctrl-C.", "it answers 400 to everything", "4 requests were not delivered")
}

func TestAnOutageCostsThePollerNothingAndPushAll(t *testing.T) {
	p := quick
	p.sink.Outages = demo.Schedule{Outages: []demo.Outage{{To: 3 * time.Second, Status: http.StatusServiceUnavailable}}}
	p.sink.Recovery = demo.Recovery{For: time.Hour, Capacity: demoConcurrency}
	p.retries = []time.Duration{time.Millisecond, time.Millisecond}
	out, drain, _, ended := shown(t, &demoCmd{LogLevel: 12}, p)
	until(t, out, func(s demo.Stats) bool { return s.Accepted >= 10 })
	drain()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSummary(t, out, "accepted by the front door", 10, 10)
	wantSummary(t, out, "delivered to the downstream", 10, 0)
	wantSummary(t, out, "lost: left in the dead-letter queue", 0, 10)
	// What the story says, and when, is in the story's own tests: here it depends on
	// how fast the machine is.
	wantText(t, out,
		"for 3s, and comes back overloaded",
		"Every request was delivered: the outage cost none.",
		"10 ended up dead after 2 retries",
	)
}

func TestTheLagGrowsThoughNothingIsDelivered(t *testing.T) {
	p := quick
	p.sink.Outages = outFrom(demo.Hang)
	out, drain, now, ended := shownOn(t, &demoCmd{LogLevel: 4}, p, true)
	out.waitFor(t, `lag +([1-9]\d*\.\d) s`)
	drain()
	out.waitFor(t, `(Press Ctrl-C again to stop immediately)`)
	out.waitFor(t, `(The traffic has ended)`)
	now()
	wantExit(t, <-ended, 130)
}

// until waits for what the downstream has counted. A test ends the traffic only then: on a busy
// machine, a burst may begin later and take longer than any duration.
func until(t *testing.T, out *screen, counted func(demo.Stats) bool) {
	t.Helper()
	stats := out.waitFor(t, `downstream .*(http://\S+/stats)`)
	defer http.DefaultClient.CloseIdleConnections()
	for range time.Tick(20 * time.Millisecond) {
		answer, err := http.Get(stats)
		if err != nil {
			t.Fatal(err)
		}
		var now demo.Stats
		err = json.NewDecoder(answer.Body).Decode(&now)
		_ = answer.Body.Close()
		switch {
		case err != nil:
			t.Fatal(err)
		case counted(now):
			return
		}
	}
}

// wantSummary looks for a row of the summary.
func wantSummary(t *testing.T, out *screen, what string, poller, push int) {
	t.Helper()
	wantText(t, out, fmt.Sprintf("  %-37s %7d %7d\n", what, poller, push))
}

func wantText(t *testing.T, out *screen, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if said := out.String(); !strings.Contains(said, want) && !strings.Contains(strings.ReplaceAll(said, "\n", " "), want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
}

func TestTheSecondSignalEndsTheDemoAtOnce(t *testing.T) {
	p := quick
	p.sink.Outages = outFrom(demo.Hang)
	out, drain, now, ended := shown(t, &demoCmd{LogLevel: 4}, p)
	out.waitFor(t, `curl (.*)`)
	drain()
	out.waitFor(t, `(The traffic has ended)`)
	now()
	wantExit(t, <-ended, 130)
	if strings.Contains(out.String(), "abandoned") {
		t.Errorf("it complains of what it was told to leave:\n%s", out)
	}
}

func TestWhatTheDemoRefusesSaysWhatToWrite(t *testing.T) {
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{[]string{"--duration=-1s"}, "such as 20s"},
		{[]string{"--duration", "20"}, "20s"},
		{[]string{"--rate", "0"}, "such as 28/s"},
		{[]string{"--rate", "28/x"}, "28/s"},
		{[]string{"--quota", "100/w"}, "1000/m"},
		{[]string{"--quota", "100"}, `invalid quota "100": use a whole number and a unit`},
		{[]string{"--quota", "100/h"}, "use a quota a minute, such as 100/m"},
		{[]string{"--ratelimit", "x"}, "add --quota 100/m"},
		{[]string{"--quota", "9/m", "--ratelimit", "rfc"}, "use ietf (RateLimit)"},
		{[]string{"--log-level", "loud"}, "debug, info, warn or error"},
	} {
		if got := refused[demoCmd](t, c.arguments...); !strings.Contains(got, c.want) || strings.Contains(got, "\n") {
			t.Errorf("%q: %s", c.arguments, got)
		}
	}
}

func TestATakenPortIsAvoided(t *testing.T) {
	t.Parallel()
	var addresses []string
	for range 2 {
		l, err := listenNear(t.Context(), 9324)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses = append(addresses, l.Addr().String())
	}
	if addresses[0] == addresses[1] || !isLoopback(addresses[1]) {
		t.Errorf("addresses %q", addresses)
	}
}
