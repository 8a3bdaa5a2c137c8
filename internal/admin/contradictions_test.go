package admin

import (
	"math"
	"net/http"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/sqs-poller/poller/internal/admin/pagetest"
)

// anyStatus draws what a running daemon may say of itself: figures that are true together.
func anyStatus(r *rapid.T) Status {
	s := behind()
	q, t := &s.Queues[0], &s.Targets[0]
	yes := func(name string) bool { return rapid.Bool().Draw(r, name) }
	number := func(name string, of ...int) int { return rapid.SampledFrom(of).Draw(r, name) }
	q.InHand = map[string]int{
		"waiting": number("waiting", 0, 0, 3), "delivering": number("delivering", 0, 0, 6), "held": number("held", 0, 0, 9),
		"deleting": number("deleting", 0, 4),
	}
	visible := number("visible", 0, 0, 0, 3, 80, 1240)
	q.Depth.Visible = visible
	if yes("depth unknown") {
		q.Depth = nil
	}
	away := yes("SQS away") && yes("really")
	if away {
		q.Problem = &SQSProblem{What: "ReceiveMessage on orders: no answer", Since: noon.Add(-time.Minute), Fault: "network"}
	}
	if yes("none received") {
		q.Receives = map[string]int64{"empty": 0}
	}
	t.Gate.State = rapid.SampledFrom([]string{"starting", "open", "open", "open", "wary", "closed", "half_open"}).Draw(r, "gate")
	t.Gate.Held = q.InHand["held"]
	if t.Gate.State == "closed" && yes("rejects") {
		since := noon.Add(-time.Minute)
		t.Gate.RejectsSince = &since
	}
	if yes("paused") && yes("on purpose") {
		t.Pace.Rate = 0
	}
	s.Draining = yes("draining") && yes("told to stop")
	if visible > 0 && !away && yes("blocked") && yes("by groups") {
		q.Blocked = "groups"
	}
	if n := number("dead letters", 0, 0, 5, 1240); yes("dead-letter queue") {
		q.DeadLetters = &DeadLetters{Name: "orders-dlq", Messages: &n}
	}
	if yes("failures") {
		failedWith("failed", "5xx", "500", int64(number("failed", 1, 10, 90)), 50)(&s)
		t.Deliveries = t.DeliveriesLastMinute // the server counts those of the last minute anew
	}

	nothingVisible := visible == 0 && q.Depth != nil
	q.Drain = Number(math.NaN())
	switch {
	case away:
		q.DrainState = DrainAway
	case nothingVisible && q.InHand["waiting"]+q.InHand["held"] == 0:
		q.DrainState, q.Drain = DrainEmpty, 0
	case t.Pace.Rate == 0:
		q.DrainState = DrainPaused
	case t.Gate.State == "closed":
		q.DrainState = DrainAway
	case q.Depth == nil:
		q.DrainState = DrainUnknown
	case visible == 0:
		q.DrainState, q.Drain = DrainShrinking, 0.4
	default:
		q.DrainState = rapid.SampledFrom([]DrainState{DrainUnknown, DrainShrinking, DrainSteady, DrainGrowing}).Draw(r, "drain")
		if q.DrainState == DrainShrinking {
			q.Drain = 410
		}
	}
	age := Seconds(rapid.SampledFrom([]time.Duration{0, time.Second, 9 * time.Second, 78 * time.Second, 3 * time.Hour}).Draw(r, "lag"))
	switch undelivered := q.undelivered(); {
	case undelivered == 0 && nothingVisible && !away:
		q.Lag = 0
	case undelivered == 0 && (away || q.Depth == nil || yes("lag unknown")):
		q.Lag = Unknown
	default:
		q.Lag, q.LagAtLeast = age, undelivered == 0 && yes("at least")
	}
	return s
}

func TestNoTwoSentencesOnOnePageContradict(t *testing.T) {
	seen := make(map[string]bool)
	check := func(r *rapid.T) {
		p := &port{status: anyStatus(r)}
		if rapid.Bool().Draw(r, "not ready") && rapid.Bool().Draw(r, "really") {
			p.ready = []Problem{{"queue orders is draining", noon.Add(-time.Minute)}}
		}
		body := p.ask(t, http.MethodGet, "/").Body.String()
		page, ok := pagetest.Read(body)
		if !ok {
			r.Fatalf("the page cannot be read:\n%s", body)
		}
		for _, c := range page.Contradictions() {
			r.Error(c)
		}
		for _, s := range states {
			if v := (facts{now: noon, draining: p.status.Draining, q: &p.status.Queues[0], t: p.status.Targets[0]}); s.is(v) {
				seen[s.name] = true
				break
			}
		}
	}
	for range 10 { // a hundred pages each, so that every state comes up
		rapid.Check(t, check)
	}
	for _, name := range []string{"SQS fails", "draining", "paused", "blocked", "down", "coming back", "failing", "behind", "finishing", "empty", "nothing waits"} {
		if !seen[name] {
			t.Errorf("no page was %q; only %v", name, slices.Collect(func(yield func(string) bool) {
				for n := range seen {
					if !yield(n) {
						return
					}
				}
			}))
		}
	}
}
