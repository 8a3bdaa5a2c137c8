package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/demo"
)

var hundredAMinute = demo.Limit{N: 100, Per: time.Minute}

func TestTheStoryTellsThatAQuotaIsUsedUpAndWhenItIsNot(t *testing.T) {
	t.Parallel()
	for saying, first := range map[demo.Saying]string{
		"":     "The quota is used up for 56 s: 20 messages wait",
		"ietf": "The downstream says that its quota is used up for 56 s: 20 messages wait",
	} {
		s := story{play: quotaPlay(hundredAMinute, saying), last: moment{gate: gateOpen}}
		for _, step := range []struct {
			now  moment
			want []string // parts of the lines
		}{
			{moment{}, nil},
			{moment{usedUp: 56 * time.Second}, nil}, // nothing waits
			{moment{usedUp: time.Second, waiting: 20}, nil},
			{moment{usedUp: 56 * time.Second, waiting: 20}, []string{first}},
			{moment{usedUp: 50 * time.Second, waiting: 22}, nil},
			{moment{waiting: 20}, []string{"The quota allows deliveries again."}},
			{moment{}, nil},
			{moment{usedUp: 3 * time.Second, waiting: 1}, []string{"3 s: 1 message waits"}},
		} {
			step.now.gate = gateOpen
			got := s.tell(step.now)
			if !slices.EqualFunc(got, step.want, strings.Contains) {
				t.Errorf("%q, %+v: %q, want %q", saying, step.now, got, step.want)
			}
			for _, line := range got {
				fitsATerminal(t, told(10*time.Minute, line))
			}
		}
	}
}

func TestThePollerIsGivenTheQuotaUnlessTheDownstreamSaysIt(t *testing.T) {
	t.Parallel()
	known, read := quotaPlay(hundredAMinute, ""), quotaPlay(hundredAMinute, "x")
	if want := []config.Quota{{N: 100, Unit: "m"}}; !slices.Equal(known.quotas(), want) || read.quotas() != nil || demoPlay.quotas() != nil {
		t.Errorf("quotas %v, %v, %v", known.quotas(), read.quotas(), demoPlay.quotas())
	}
	for _, p := range []play{known, read, quotaPlay(demo.Limit{N: 1, Per: time.Second}, "")} {
		quota := p.sink.Quota
		if p.burst <= quota.N || float64(p.burst)/p.every.Seconds() > 1.6*float64(quota.N)/quota.Per.Seconds() || len(p.sink.Outages.Outages) > 0 {
			t.Errorf("%s: bursts of %d every %s", quota, p.burst, p.every)
		}
		s := &stage{
			play: p, doorURL: "http://127.0.0.1:38080/example", sqsURL: "http://127.0.0.1:39324",
			sinkURL: "http://127.0.0.1:38081", pushSinkURL: "http://127.0.0.1:38082", statusURL: "http://127.0.0.1:39500/",
		}
		fitsATerminal(t, s.introduction(&demoCmd{Duration: config.Duration(20 * time.Second)}))
	}
	for p, want := range map[*play]string{&known: "The poller has the same quota", &read: "it reads in the answers what is left"} {
		if !strings.Contains(p.plan(), want) {
			t.Errorf("%q, want %q", p.plan(), want)
		}
	}
}

func TestAPartnerWithAQuotaIsNeverOverrun(t *testing.T) {
	for _, saying := range []demo.Saying{"", "ietf"} {
		p := quotaPlay(demo.Limit{N: 5, Per: time.Second}, saying)
		p.every = time.Hour
		out, drain, _, ended := shown(t, &demoCmd{LogLevel: 8}, p)
		until(t, out, func(s demo.Stats) bool { return s.Accepted >= 6 })
		drain()
		if err := <-ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		wantSummary(t, out, "accepted by the front door", 6, 6)
		wantText(t, out, "429 above 5/s, 32/s or 8 at once")
		if strings.Contains(out.String(), "used up") {
			t.Errorf("it tells of a wait of a second:\n%s", out)
		}
		if row := "  delivered to the downstream                 6 "; !strings.Contains(out.String(), row) {
			t.Errorf("no %q in:\n%s", row, out)
		}
		if row := "  refused by the downstream (429, 503)        0 "; !strings.Contains(out.String(), row) {
			t.Errorf("no %q in:\n%s", row, out)
		}
	}
}
