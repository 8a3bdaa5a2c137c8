package admin

import (
	"strings"
	"testing"
	"time"
)

func TestAReplicaWithoutABudgetIsNotCalledPaused(t *testing.T) {
	now := time.Now()
	for state, want := range map[string]string{
		"joining": "Fleet budget joining: waiting for the coordinator",
		"stopped": "Fleet budget stopped: waiting for the coordinator",
		"pausing": "Fleet budget pausing: waiting for the coordinator",
		"live":    "Paused: the rate of target partner is 0",
	} {
		target := Target{Name: "partner", Pace: Pace{Concurrency: 1}, Fleet: &Fleet{Name: "budget", State: state, Waits: "the coordinator"}}
		if v := (facts{now: now, q: new(Queue), t: target}).verdict(); v.Level != Notice || !strings.HasPrefix(v.Text, want) {
			t.Errorf("%s: %+v", state, v)
		}
	}
}
