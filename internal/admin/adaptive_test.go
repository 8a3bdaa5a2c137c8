package admin

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// adapting is a status whose target's concurrency was found to be 8.
func adapting() Status {
	s := behind()
	t := &s.Targets[0]
	t.Pace.Concurrency = 8
	t.Pace.Adaptive = &Adaptive{Most: 50, Changes: []Found{
		{At: noon.Add(-time.Second), Was: 9, Concurrency: 8, Reason: "refused", Words: "429 beside 8 others"},
		{At: noon.Add(-20 * time.Second), Was: 8, Concurrency: 9, Reason: "raised", Words: "200 deliveries without a refusal"},
	}}
	return s
}

func TestThePageShowsTheConcurrencyThatWasFoundAndWhy(t *testing.T) {
	p := &port{status: adapting()}
	page := p.ask(t, http.MethodGet, "/").Body.String()
	for _, want := range []string{"of 8, found between 1 and 50", "9 → 8", "429 beside 8 others", "8 → 9", `data-chart="limit"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	p.status.Targets[0].Pace.Adaptive = nil
	page = p.ask(t, http.MethodGet, "/").Body.String()
	for _, unwanted := range []string{"found", `data-chart="limit"`} {
		if strings.Contains(page, unwanted) {
			t.Errorf("%q in the page of a concurrency that is set", unwanted)
		}
	}
}

func TestTheHistoryHasTheConcurrencyThatWasFoundAndWhyItLastChanged(t *testing.T) {
	var h history
	h.add(noon.Add(-2*time.Second), idle())
	h.add(noon, adapting())
	h.add(noon.Add(sampleEvery), adapting())
	c := h.columns("")
	if why := c.Queues[0].Why; !slices.Equal(why, []string{"", "429 beside 8 others", ""}) {
		t.Errorf("why: %q", why)
	}
	if n := c.Queues[0].Limit; !math.IsNaN(float64(n[0])) || n[1] != 8 || n[2] != 8 {
		t.Errorf("%v", n)
	}
}
