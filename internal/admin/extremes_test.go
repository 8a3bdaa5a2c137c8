package admin

import (
	"encoding/json"
	"math"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestNoNumberBringsAnAnswerDown checks that the page and the JSON can be made from any
// measurements and times. A panic there would end the daemon.
func TestNoNumberBringsAnAnswerDown(t *testing.T) {
	number := rapid.SampledFrom([]Number{
		0, 1e-300, 0.04, 1, 1e3, 1e10, 1e18, math.MaxFloat64, -1, Number(math.NaN()), Number(math.Inf(1)), Number(math.Inf(-1)),
	})
	duration := rapid.SampledFrom([]Seconds{0, 1, -1, Unknown, Seconds(time.Hour), math.MaxInt64, math.MinInt64})
	count := rapid.SampledFrom([]int{0, 1, 11, 1240, -1, math.MaxInt, math.MinInt})
	share := rapid.SampledFrom([]float64{0, 1e-9, 0.5, 27.99, 1e300})
	moment := rapid.SampledFrom([]time.Time{
		{},
		noon, noon.Add(-time.Hour), noon.Add(time.Hour), time.Unix(0, 0), time.Unix(1<<33, 0),
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	})
	rapid.Check(t, func(r *rapid.T) {
		p := &port{status: behind()}
		p.status.At, p.status.StartedAt = moment.Draw(r, "at"), moment.Draw(r, "started")
		q, target := &p.status.Queues[0], &p.status.Targets[0]
		q.Lag, q.Drain, q.ClockOffset = duration.Draw(r, "lag"), number.Draw(r, "drain"), duration.Draw(r, "offset")
		q.Depth = &Depth{count.Draw(r, "visible"), count.Draw(r, "in flight"), count.Draw(r, "delayed"), moment.Draw(r, "as of")}
		q.StartedPerSecond, q.DeliveredPerSecond = share.Draw(r, "started"), share.Draw(r, "delivered")
		if rapid.Bool().Draw(r, "trouble") {
			q.Problem = &SQSProblem{What: "away", Since: moment.Draw(r, "since"), Fault: "network"}
		}
		target.Pace.Rate, target.Pace.Concurrency = number.Draw(r, "rate"), count.Draw(r, "slots")
		target.MeanDelivery, target.StartedPerSecond = number.Draw(r, "mean"), share.Draw(r, "starts")
		target.Delivering = count.Draw(r, "delivering")
		target.Gate.State = rapid.SampledFrom([]string{"open", "half_open", "closed"}).Draw(r, "gate")
		target.Gate.Since, target.Gate.Held, target.Gate.Limit = moment.Draw(r, "gate since"), count.Draw(r, "held"), count.Draw(r, "limit")
		if target.Gate.State == "closed" {
			trouble, probe := moment.Draw(r, "trouble since"), moment.Draw(r, "probe")
			target.Gate.TroubleSince, target.Gate.NextProbe = &trouble, &probe
		}
		for _, path := range []string{"/", "/status.json"} {
			w := p.ask(t, http.MethodGet, path)
			if w.Code != http.StatusOK {
				r.Fatalf("%s: %d %s", path, w.Code, w.Body)
			}
			if path == "/status.json" && !json.Valid(w.Body.Bytes()) {
				r.Fatalf("no JSON: %s", w.Body)
			}
		}
	})
}
