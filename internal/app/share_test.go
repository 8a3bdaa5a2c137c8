package app

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestAReplicaKeepsToItsShareOfTheFleetsBudget(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 4} })
		c.Fleet.Replicas = 4
		d := begin(t, "orders", c, nil)
		d.send(t, 200)
		pass(60 * time.Second)
		if n := d.taken.Load(); n < 58 || n > 61 {
			t.Errorf("%d delivered in 60 s at a quarter of 4/s", n)
		}
		first, _, _ := strings.Cut(d.logs.String(), "\n")
		for _, want := range []string{" concurrency=2 ", " rate=1/s ", " burst=1 ", " fleet_replicas=4 "} {
			if !strings.Contains(first, want) {
				t.Errorf("no %q in the first line: %s", want, first)
			}
		}
		d.mustBeInForce(t, "1", "2", `"rate_per_second":1,"burst":1,"concurrency":2,"quotas":[],"told":null,"fleet_replicas":4`)

		c.Fleet.Replicas = 2
		changed, restart := d.Reload(c)
		want := "targets.default: rate 2/s, burst 1, concurrency 5, was rate 1/s, burst 1, concurrency 2; fleet.replicas: 2, was 4"
		if got := strings.Join(changed, "; "); got != want || len(restart) != 0 {
			t.Errorf("changed: %s; needs a restart: %v", got, restart)
		}
		d.mustBeInForce(t, "2", "5", `"rate_per_second":2,"burst":1,"concurrency":5,"quotas":[],"told":null,"fleet_replicas":2`)

		c = settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 40} })
		c.Fleet.Replicas = 4
		if changed, _ := d.Reload(c); !strings.Contains(strings.Join(changed, "; "), "rate 10/s, burst 1, concurrency 2, was rate 2/s") {
			t.Errorf("changed: %v", changed)
		}
		d.mustBeInForce(t, "10", "2", `"rate_per_second":10,`)
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

// mustBeInForce checks that the metrics, /status.json and the page show this pace.
func (d *daemon) mustBeInForce(t *testing.T, rate, concurrency, status string) {
	t.Helper()
	_, metrics := d.get(t, "/metrics")
	for kind, value := range map[string]string{"rate": rate, "concurrency": concurrency} {
		if line := fmt.Sprintf("poller_pace_limit{kind=%q,target=\"default\"} %s\n", kind, value); !strings.Contains(metrics, line) {
			t.Errorf("the metrics have no line %s", line)
		}
	}
	_, text := d.get(t, "/status.json")
	if compact := strings.Join(strings.Fields(text), ""); !strings.Contains(compact, status) {
		t.Errorf("/status.json has no %s:\n%s", status, text)
	}
	if _, page := d.get(t, "/"); !strings.Contains(page, "of "+rate+"/s") && !strings.Contains(page, "of "+rate+".0/s") || !strings.Contains(page, "the share of one of ") {
		t.Errorf("the page does not show %s/s as a share", rate)
	}
}
