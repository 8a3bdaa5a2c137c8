package app

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/config"
)

func TestReloadChangesThePaceAndNamesWhatNeedsARestart(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		c := settingsWith(func(target *config.Target) { target.Rate = config.Rate{Limited: true, PerSecond: 0} })
		d := begin(t, "orders", c, nil)
		d.send(t, 20)
		pass(time.Minute)
		if n := d.taken.Load(); n != 0 {
			t.Errorf("%d delivered at a rate of 0", n)
		}
		next := settingsWith(func(target *config.Target) {
			target.Rate = config.Rate{Limited: true, PerSecond: 5}
			target.Timeout = config.Duration(time.Second)
		})
		next.Log.Level = config.Level(slog.LevelDebug)
		next.Listen = ":1"
		changed, restart := d.Reload(next)
		if got := strings.Join(changed, "; "); !strings.Contains(got, "rate 5/s") || !strings.Contains(got, "log.level: debug") {
			t.Errorf("changed: %s", got)
		}
		if got := strings.Join(restart, "; "); got != "targets.default.timeout; listen" {
			t.Errorf("needs a restart: %s", got)
		}
		pass(10 * time.Second)
		if n := d.taken.Load(); n != 20 {
			t.Errorf("%d delivered", n)
		}
		if changed, _ := d.Reload(next); len(changed) != 0 {
			t.Errorf("changed again: %v", changed)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
	})
}

func TestAQuotaKeepsWhatWasUsedOfItThroughAReload(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		quota := func(n int, unit string) config.Config {
			return settingsWith(func(target *config.Target) { target.Quotas = []config.Quota{{N: n, Unit: unit}} })
		}
		d := begin(t, "orders", quota(30, "h"), nil)
		d.send(t, 100)
		pass(time.Minute)
		if n := d.taken.Load(); n != 30 {
			t.Errorf("%d delivered of a quota of 30", n)
		}
		changed, restart := d.Reload(quota(40, "h"))
		want := "targets.default: no rate, quota 40/h, concurrency 10, was no rate, quota 30/h, concurrency 10"
		if got := strings.Join(changed, "; "); got != want || len(restart) != 0 {
			t.Errorf("changed: %s; needs a restart: %v", got, restart)
		}
		pass(time.Minute)
		if n := d.taken.Load(); n != 40 {
			t.Errorf("%d delivered after a change from 30 to 40", n)
		}
		status := d.Status(time.Now())
		free := d.started.Add(time.Hour).UTC()
		q := status.Targets[0].Pace.Quotas
		if len(q) != 1 || q[0].Limit != 40 || q[0].Used != 40 || q[0].Left != 0 || q[0].FreeAt.Sub(free).Abs() > 10*time.Second {
			t.Errorf("%+v", q)
		}
		d.stop()
		if err := <-d.ended; err != nil {
			t.Error(err)
		}
		if !strings.Contains(d.logs.String(), " quotas=30/h ") {
			t.Errorf("the first line does not say it: %s", d.logs.String())
		}
	})
}
