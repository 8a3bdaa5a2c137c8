package gate_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
)

// scrape gives each metric's value, by name and labels.
func scrape(t *testing.T, g *gate.Gate) map[string]float64 {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	if err := g.Register(registry); err != nil {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := []string{f.GetName()}
			for _, l := range m.GetLabel() {
				name = append(name, l.GetValue())
			}
			values[strings.Join(name, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return values
}

func TestTheMetrics(t *testing.T) {
	t.Parallel()
	const script = knownBad + "k:500x abcde:500 wary +1s tick closed probe f:500 probe p:ok half_open +30s tick open vwxyz:net wary +1s tick closed"
	r := play(t, script)
	r.seat.Received()
	got := scrape(t, r.Gate)
	for name, want := range map[string]float64{
		"poller_gate_state closed": 1, "poller_gate_state open": 0, "poller_gate_state starting": 0,
		"poller_gate_state wary": 0, "poller_gate_state half_open": 0,
		"poller_gate_changes_total success open": 1, "poller_gate_changes_total elapsed open": 1,
		"poller_gate_changes_total success half_open": 1,
		"poller_gate_changes_total failed wary":       1, "poller_gate_changes_total failed closed": 1,
		"poller_gate_changes_total connection wary": 1, "poller_gate_changes_total connection closed": 1,
		"poller_strikes_total": 2, "poller_gate_probe_receives_total": 1,
	} {
		if value, ok := got[name]; !ok || value != want {
			t.Errorf("%s is %v, want %v", name, value, want)
		}
	}
	if again := scrape(t, r.Gate); !maps.Equal(again, got) {
		t.Error("a scrape changes what the next one says")
	}
	fresh := scrape(t, gate.New(1))
	if len(fresh) != len(got) {
		t.Errorf("%d series at first, %d later", len(fresh), len(got))
	}
	if err := r.Register(prometheus.NewRegistry()); err != nil {
		t.Error(err)
	}
	registry := prometheus.NewRegistry()
	if err := r.Register(registry); err != nil {
		t.Error(err)
	}
	if err := r.Register(registry); err == nil || !strings.Contains(err.Error(), "gate metrics") {
		t.Errorf("registered twice: %v", err)
	}
}

func TestTheChangesAreToldOnce(t *testing.T) {
	t.Parallel()
	r := newRig(1)
	r.play(t, "o:ok")
	begun := r.now
	r.play(t, "+3s ab:500 cde:net")
	since := r.now
	r.play(t, "+1s tick")
	probe := r.Status(10).NextProbe
	closed := r.now
	r.play(t, "probe p:ok")
	got := r.Changes()
	want := []gate.Change{
		{At: begun, From: gate.Starting, To: gate.Open, Reason: "success", Lasted: got[0].Lasted},
		{At: since, From: gate.Open, To: gate.Wary, Reason: "connection", Held: 5, Lasted: 3 * time.Second},
		{
			At: closed, From: gate.Wary, To: gate.Closed, Reason: "connection", Held: 5, Lasted: time.Second,
			Since: since, Messages: 5, Mostly: message.Connection, NextProbe: probe,
		},
		{At: r.now, From: gate.Closed, To: gate.HalfOpen, Reason: "success", Held: 5, Lasted: r.now.Sub(closed)},
	}
	if len(got) != len(want) {
		t.Fatalf("%d changes: %+v", len(got), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("change %d is\n%+v, want\n%+v", i, got[i], want[i])
		}
	}
	if again := r.Changes(); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
	if s := r.Status(10); s.State != gate.HalfOpen || !s.Since.Equal(r.now) {
		t.Errorf("status %+v", s)
	}
}

func TestTheLastSixteenChangesAreKept(t *testing.T) {
	t.Parallel()
	r := play(t, "slots=1 o:ok")
	for i := range 20 {
		var five string // new ones each time
		for k := range 5 {
			five += string(rune('α' + 5*i + k))
		}
		r.play(t, five+":500 +1s "+five+"- +200ms o:ok open")
	}
	got := r.Changes()
	if len(got) != 16 || !got[15].At.Equal(r.now) || got[15].To != gate.Open {
		t.Errorf("%d changes: %+v", len(got), got)
	}
}

func TestTroubleIsToldByWhatMostTriesCameTo(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]message.Outcome{
		"o:ok abc:500 de:net":                    message.Failed,
		"o:ok ab:500 cde:net":                    message.Connection,
		"o:ok ab:429 aaa:503 b:429":              message.Unavailable,
		"o:ok abc:net p:ok d:500":                message.Failed,
		"opqrstuvwxyz:ok a:429 aaaa:503 bcd:429": message.Unavailable,
	} {
		r := play(t, script)
		if got := r.Status(10).Mostly; got != want {
			t.Errorf("%s: %v, want %v", script, got, want)
		}
	}
}
