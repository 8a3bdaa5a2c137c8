package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

func TestTheStoryTellsWhatTheDownstreamWasFoundToTake(t *testing.T) {
	t.Parallel()
	s := story{play: adaptivePlay, last: moment{gate: gateOpen}}
	for _, step := range []struct {
		now  moment
		want []string // parts of the lines
	}{
		{moment{limit: 4}, nil},
		{moment{limit: 9, why: "200 deliveries without a refusal"}, nil},
		{moment{limit: 7, why: "4290 ms a delivery"}, nil}, // which is no refusal
		{moment{limit: 8, why: "429 beside 8 others", refused: true}, []string{"takes 8 at a time (429 beside 8 others)."}},
		{moment{limit: 9, why: "200 deliveries without a refusal"}, nil},
		{moment{limit: 8, why: "429 beside 8 others", refused: true}, nil}, // as was told
		{moment{limit: 5, why: "429 beside 5 others", refused: true}, []string{"takes 5 at a time now (429 beside 5 others)."}},
	} {
		step.now.gate = gateOpen
		got := s.tell(step.now)
		if !slices.EqualFunc(got, step.want, strings.Contains) {
			t.Errorf("%+v: %q, want %q", step.now, got, step.want)
		}
		for _, line := range got {
			fitsATerminal(t, told(10*time.Minute, line))
		}
	}
}

func TestADemoThatAdaptsSaysThatNobodyToldThePoller(t *testing.T) {
	t.Parallel()
	s := &stage{
		play: adaptivePlay, doorURL: "http://127.0.0.1:38080/example", sqsURL: "http://127.0.0.1:39324",
		sinkURL: "http://127.0.0.1:38081", pushSinkURL: "http://127.0.0.1:38082", statusURL: "http://127.0.0.1:39500/",
	}
	text := s.introduction(&demoCmd{Duration: config.Duration(20 * time.Second), Adaptive: true})
	fitsATerminal(t, text)
	for _, want := range []string{"429 above 8 at a time", "Nobody told the poller"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	live := liveText(10*time.Minute, 1234, 50, 123.4, admin.Seconds(123*time.Second), moment{gate: gateOpen, limit: 50})
	fitsATerminal(t, live)
	if !strings.Contains(live, "at once 50") {
		t.Errorf("the live line does not have the limit: %q", live)
	}
}

func TestWhatNobodyKnowsIsFoundWithoutALoss(t *testing.T) {
	p := adaptivePlay
	p.burst, p.every = 60, time.Hour
	p.sink.Latency = demo.Latency{Min: 10 * time.Millisecond, Max: 20 * time.Millisecond}
	out, drain, _, ended := shown(t, &demoCmd{Adaptive: true, LogLevel: 8}, p)
	until(t, out, func(s demo.Stats) bool { return s.Accepted >= 60 })
	drain()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	wantSummary(t, out, "accepted by the front door", 60, 60)
	wantText(t, out, "To find how many the downstream takes at a time")
	if row := "  delivered to the downstream                60 "; !strings.Contains(out.String(), row) {
		t.Errorf("no %q in:\n%s", row, out)
	}
}

func TestADemoThatHasNothingToFindSaysWhatToChange(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]*demoCmd{
		"omit --quota":    {Adaptive: true, Quota: config.Quota{N: 100, Unit: "m"}},
		"add --rate none": {Adaptive: true, Rate: config.Rate{Limited: true, PerSecond: 28}},
	} {
		if err := c.show(&process{}, adaptivePlay); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want one that says %q", err, want)
		}
	}
}
