package pagetest

import (
	"maps"
	"strings"
	"testing"
)

func TestEachContradictionIsFound(t *testing.T) {
	fine := map[string]string{
		"lag": "0 s", "visible": "0", "drain": "empty", "gate": "open", "dead-letters": "0",
		"in-hand-waiting": "0", "in-hand-delivering": "0", "in-hand-held": "0",
	}
	for _, test := range []struct {
		verdict string
		changed string // figure=value, …
		finds   string // empty: nothing
	}{
		{"Keeping up: the queue is empty", "", ""},
		{"Keeping up: the queue is empty", "visible=3", "something is in it"},
		{"Keeping up: the queue is empty", "in-hand-held=3", "something is in it"},
		{"Started: waiting for SQS's first response", "", "SQS has answered"},
		{"Started: waiting for SQS's first response", "lag=unknown visible=unknown drain=unknown", ""},
		{"Keeping up: 28/s delivered, lag 1 min 18 s", "lag=1_min_18_s", "it is not"},
		{"Keeping up: 28/s delivered, lag 9.8 s", "lag=9.8_s visible=5 drain=about_2_s", ""},
		{"Keeping up: 28/s delivered", "gate=closed", "it is not"},
		{"Keeping up: 28/s delivered", "drain=paused", "it is not"},
		{"Behind: 1,240 messages, lag 2 min; empty in about 6 min", "visible=1,240 lag=2_min drain=about_6_min", ""},
		{"Behind: 1,240 messages, lag 2 min; empty in about 6 min", "visible=188 lag=2_min drain=about_6_min", "the depth is another"},
		{"Behind: 1,240 messages, lag 2 min; empty in about 6 min", "visible=1,240 lag=3_min drain=about_6_min", "the lag is another"},
		{"Behind: 1,240 messages, lag 2 min; empty in about 6 min", "visible=1,240 lag=2_min drain=growing", "the time to empty is another"},
		{"Behind", "lag=2_min", "nothing is behind"},
		{"Waiting: nothing left in the queue, 5 messages in hand; the quota of 24 a minute is used up until 12:01:00 UTC (in 1 min)", "visible=0", ""},
		{"Waiting: nothing left in the queue, 5 messages in hand; the quota of 24 a minute is used up until 12:01:00 UTC (in 1 min)", "visible=3", "messages are visible"},
		{"Blocked: 0 messages, but SQS returns none", "", "nothing waits"},
		{"Catching up: nothing left in the queue, 5 messages in hand, lag 1 s", "lag=1_s", "there is no backlog"},
		{"Paused: the rate of target a is 0; 30 messages in the queue", "visible=30 lag=unknown drain=about_5_s", "it goes on"},
		{"Target a is down since 12:00:00 UTC (1 s)", "", "the gate is open"},
		{"Keeping up: the queue is empty; 5 in the dead-letter queue", "", "the dead letters are others"},
		{"Keeping up: the queue is empty; 5 in the dead-letter queue since 14:03 UTC", "dead-letters=5", ""},
		{"Keeping up: 1/s delivered, lag 2 s", "lag=unknown", "the verdict knows the lag"},
	} {
		p := Page{Verdict: test.verdict, Figures: maps.Clone(fine)}
		for change := range strings.FieldsSeq(test.changed) {
			figure, value, _ := strings.Cut(change, "=")
			p.Figures[figure] = strings.ReplaceAll(value, "_", " ")
		}
		found := strings.Join(p.Contradictions(), "\n")
		if !strings.Contains(found, test.finds) || test.finds == "" && found != "" {
			t.Errorf("%q with %s: found %q, want %q", test.verdict, test.changed, found, test.finds)
		}
	}
}

func TestAPageIsReadAsItIsRendered(t *testing.T) {
	const page = `<h1 id="verdict" class="verdict notice"><span class="mark" aria-hidden="true">▲</span> <span>Behind: SQS&#39;s 3 messages</span></h1>
<section class="card" aria-labelledby="queue-0"><dd data-is="lag">2 min 10 s</dd><dd data-is="in-hand-waiting">9</dd></section>`
	p, ok := Read(page)
	if !ok || p.Verdict != "Behind: SQS's 3 messages" || p.Figures["lag"] != "2 min 10 s" || p.Figures["in-hand-waiting"] != "9" {
		t.Errorf("%v %+v", ok, p)
	}
	if _, ok := Read(page + page); ok {
		t.Error("a page of two queues is read as one")
	}
}
