package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

func TestTheStoryTellsEachChangeOnce(t *testing.T) {
	t.Parallel()
	s := story{play: demoPlay}
	for _, step := range []struct {
		now  moment
		want []string // parts of the lines
	}{
		{moment{gate: "half_open"}, nil},
		{moment{gate: "open"}, nil},
		{moment{sink: demo.Away, left: 5900 * time.Millisecond, gate: "open"}, []string{"down for 6 s: it answers 503 to everything."}},
		{moment{sink: demo.Away, left: 5700 * time.Millisecond, gate: "open", held: 4}, nil},
		{moment{sink: demo.Away, gate: "closed", held: 12}, []string{"closed: 12 messages are held"}},
		{moment{sink: demo.Away, gate: "closed", held: 13}, nil},
		{moment{sink: demo.Recovering, left: 4 * time.Second, gate: "closed", pushDead: 41}, []string{
			"overloaded for 4 s: it accepts 3 requests at a time and answers 429", "The push could not wait: 41",
		}},
		{moment{sink: demo.Recovering, gate: "half_open"}, []string{"half-open"}},
		{moment{sink: demo.Well, gate: "half_open"}, []string{"healthy again"}},
		{moment{sink: demo.Well, gate: "open"}, []string{"full pace again"}},
		{moment{sink: demo.Away, gate: "closed", held: 1}, []string{"down: it", "closed: 1 message is held"}},
		{moment{sink: demo.Recovering, gate: "open"}, []string{"overloaded: it", "full pace again"}}, // half-open between two looks
		{moment{sink: demo.Well, gate: "open"}, []string{"healthy again"}},
	} {
		got := s.tell(step.now)
		if !slices.EqualFunc(got, step.want, strings.Contains) {
			t.Errorf("%+v: %q, want %q", step.now, got, step.want)
		}
	}
}

func TestTheLiveLineFitsATerminal(t *testing.T) {
	t.Parallel()
	for _, m := range []moment{{gate: gateClosed, held: 23}, {gate: gateHalfOpen, held: 23}, {gate: gateOpen, held: 18}} {
		for _, lag := range []admin.Seconds{admin.Seconds(12700 * time.Millisecond), admin.Unknown} {
			line := liveText(75*time.Second, 1234, 30, 28.2, lag, m)
			if utf8.RuneCountInString(line) > 80 || !strings.Contains(line, "gate ") {
				t.Errorf("too long: %q", line)
			}
		}
	}
}

func TestTheDemosOutageFitsIntoTenSeconds(t *testing.T) {
	t.Parallel()
	o, recovery := demoPlay.sink.Outages, demoPlay.sink.Recovery
	if err := o.Check(); err != nil {
		t.Error(err)
	}
	if end := o.Outages[0].To; end > 10*time.Second || end+recovery.For > o.Every {
		t.Errorf("the outage ends after %s, the recovery %s later", end, recovery.For)
	}
	// It need not catch up for ever: what comes between two outages is delivered.
	arrive := float64(demoPlay.burst) / demoPlay.every.Seconds() * o.Every.Seconds()
	well := o.Every - (o.Outages[0].To - o.Outages[0].From) - recovery.For
	if can := 28 * well.Seconds(); arrive > can {
		t.Errorf("%.0f requests arrive from outage to outage, %.0f can be delivered", arrive, can)
	}
}

func TestTheSummarySaysWhatItMeans(t *testing.T) {
	t.Parallel()
	refused := func(reason string) demo.Stats { return demo.Stats{Refused: map[string]int64{reason: 7}} }
	well := demoResult{poller: way{accepted: 3, delivered: 3}, push: way{accepted: 3, delivered: 3}, receives: 3, retries: 3}
	for _, c := range []struct {
		name   string
		change func(*demoResult)
		want   string
	}{
		{"nothing happened", func(*demoResult) {}, "never overrun"},
		{"an outage", func(r *demoResult) { r.outage, r.poller.sink = true, refused("outage") }, "the outage cost none"},
		{"overloaded after it", func(r *demoResult) { r.outage, r.poller.sink = true, refused("recovery") }, "the outage cost none"},
		{"overrun", func(r *demoResult) { r.poller.sink = refused("rate") }, "answered 429 to 7"},
		{"push lost some", func(r *demoResult) { r.push.dead = 2 }, "2 ended up dead"},
		{"one not delivered", func(r *demoResult) { r.poller.delivered = 2 }, "1 request was not delivered: a request that the downstream rejects 3 times"},
	} {
		r := well
		c.change(&r)
		got := r.text()
		if !strings.Contains(strings.ReplaceAll(got, "\n", " "), c.want) {
			t.Errorf("%s: no %q in %s", c.name, c.want, got)
		}
		fitsATerminal(t, got)
	}
}

// fitsATerminal checks that no line is wider than 80 columns.
func fitsATerminal(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := len(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestWhatTheDemoSaysFitsATerminal(t *testing.T) {
	t.Parallel()
	s := &stage{
		play: demoPlay, doorURL: "http://127.0.0.1:38080/example", sqsURL: "http://127.0.0.1:39324",
		sinkURL: "http://127.0.0.1:38081", pushSinkURL: "http://127.0.0.1:38082", statusURL: "http://127.0.0.1:39500/",
	}
	for _, rate := range []config.Rate{{Limited: true, PerSecond: 28}, {}} {
		fitsATerminal(t, s.introduction(&demoCmd{Rate: rate, Duration: config.Duration(20 * time.Second)}))
	}
	all := story{play: demoPlay}
	for _, now := range []moment{
		{sink: demo.Away, left: 6 * time.Second, gate: "open"},
		{sink: demo.Away, gate: "closed", held: 1000},
		{sink: demo.Recovering, left: 4 * time.Second, gate: "half_open", pushDead: 1000},
		{sink: demo.Well, gate: "open"},
	} {
		for _, what := range all.tell(now) {
			fitsATerminal(t, told(10*time.Minute, what))
		}
	}
	fitsATerminal(t, told(10*time.Minute, trafficEnded))
}

func TestTheIntroductionSaysWhenTheDownstreamGoesAway(t *testing.T) {
	t.Parallel()
	for want, outages := range map[string]demo.Schedule{
		"":                                     {},
		"The downstream goes down after 3s.\n": {Outages: []demo.Outage{{From: 3 * time.Second}}},
		"The downstream goes down after 3s, for 6s, and comes back overloaded.\n":                                                                        {Outages: []demo.Outage{{From: 3 * time.Second, To: 9 * time.Second}}},
		fmt.Sprintf("The downstream goes down after 3s, for 6s, and comes back overloaded; the same again every %s.\n", config.Duration(30*time.Second)): demoPlay.sink.Outages,
	} {
		if got := (play{sink: demo.SinkOptions{Outages: outages}}).plan(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
