package admin

import (
	"math"
	"testing"
	"time"
)

// measured is sums with so many deliveries in each bucket, of a second each.
func measured(counts ...int64) Measures {
	return Measures{Durations: counts, Bound: func(i int) time.Duration { return time.Duration(i+1) * time.Second }}
}

func TestAQuantileIsOfTheDeliveriesBetweenTwoSamples(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, now Measures
		part        float64
		want        float64
	}{
		"none":                  {measured(5, 5), measured(5, 5), 0.5, math.NaN()},
		"the first sample":      {Measures{}, measured(10, 0), 0.5, 0.5},
		"only the new ones":     {measured(1000, 0, 0), measured(1000, 0, 10), 0.5, 2.5},
		"most are fast":         {measured(), measured(98, 0, 2), 0.5, 50.0 / 98},
		"but one in a hundred":  {measured(), measured(98, 0, 2), 0.99, 2.5},
		"the worst of few":      {measured(0, 0), measured(0, 1), 0.99, 1.99},
		"all of them are worst": {measured(), measured(0, 0, 4), 1, 3},
	} {
		got := float64(quantile(test.before, test.now, test.part))
		if math.IsNaN(got) != math.IsNaN(test.want) || math.Abs(got-test.want) > 1e-5 {
			t.Errorf("%s: %g, not %g", name, got, test.want)
		}
	}
}

func TestTheHistoryHasWaitsAndFailuresOfEachInterval(t *testing.T) {
	t.Parallel()
	var h history
	s := behind()
	add := func(failed int64, tokens Wait) {
		s.Queues[0].Measures, s.Queues[0].Waits = Measures{Failed: failed}, Waits{Token: tokens, Quota: Wait{Count: tokens.Count, Sum: 2 * tokens.Sum}}
		h.add(noon, s)
	}
	add(0, Wait{})
	add(10, Wait{Sum: Seconds(6 * time.Second), Count: 3})
	add(10, Wait{Sum: Seconds(6 * time.Second), Count: 3})
	q := h.columns(s.Queues[0].Name).Queues[0]
	if q.Failed[1] != 2 || q.Failed[2] != 0 || q.Token[1] != 2 || q.Quota[1] != 4 || !math.IsNaN(float64(q.Token[2])) || !math.IsNaN(float64(q.Slot[1])) {
		t.Errorf("failed %v, token %v, quota %v, slot %v", q.Failed, q.Token, q.Quota, q.Slot)
	}
	if other := h.columns("other"); len(other.Queues) != 0 {
		t.Errorf("another queue has %v", other.Queues)
	}
}

func TestTheOverviewIsSortedAndAPageIsOfOneQueue(t *testing.T) {
	t.Parallel()
	s := behind()
	second := s.Queues[0]
	second.Name, second.Depth = "invoices", &Depth{Visible: 5000}
	s.Queues = append(s.Queues, second)
	s.Failures = []Failure{{Queue: "invoices"}, {Queue: s.Queues[0].Name}}
	v, ok := viewOf(s, "invoices")
	if !ok || len(v.Failures) != 1 || len(v.Targets) != 1 || len(v.Queues) != 2 {
		t.Errorf("%t %+v", ok, v)
	}
	if _, ok := viewOf(s, "nowhere"); ok {
		t.Error("a queue that is not there has a page")
	}
	p := &port{status: s}
	if w := p.ask(t, "GET", "/?queue=nowhere"); w.Code != 404 {
		t.Errorf("the page of no queue: %d", w.Code)
	}
}
