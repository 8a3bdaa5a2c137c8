package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/sqs-poller/poller/internal/config"
)

// coordinator returns how to connect to a Redis in the test's bubble.
func coordinator(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	t.Helper()
	m := miniredis.NewMiniRedis()
	t.Cleanup(m.Close)
	return func(context.Context, string, string) (net.Conn, error) { return m.Dial() }
}

// inFleet are settings of one replica of a fleet.
func inFleet(rate float64) config.Config {
	c := settingsWith(func(target *config.Target) {
		target.Rate, target.Burst = config.Rate{Limited: true, PerSecond: rate}, 2
	})
	c.Fleet = config.Fleet{Redis: "redis://fleet:6379", Name: "budget"}
	return c
}

func TestReplicasShareARateExactly(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		dial := coordinator(t)
		var all []*daemon
		for range 3 {
			d := prepareIn(t, dial, "orders", inFleet(20), nil)
			d.run(t)
			all = append(all, d)
		}
		taken := func() (n int64) {
			for _, d := range all {
				n += d.taken.Load()
			}
			return n
		}
		code, body := all[0].get(t, "/-/ready")
		if code != 503 || !strings.Contains(body, "fleet budget: nothing may start while its budget is unknown") {
			t.Errorf("%d %s", code, body)
		}
		all[0].send(t, 2000) // the other two have nothing to do
		pass(10 * time.Second)
		before := taken()
		pass(20 * time.Second)
		if n := taken() - before; n < 392 || n > 402 {
			t.Errorf("one of three with work has delivered %d in 20 s at 20/s", n)
		}
		all[1].send(t, 1000)
		all[2].send(t, 1000)
		pass(10 * time.Second)
		before = taken()
		pass(20 * time.Second)
		if n := taken() - before; n < 392 || n > 402 {
			t.Errorf("all three have delivered %d in 20 s at 20/s", n)
		}
		if code, body := all[0].get(t, "/-/ready"); code != 200 {
			t.Errorf("%d %s", code, body)
		}
		all[0].Status(time.Now())
		pass(4 * time.Second)
		f := all[0].Status(time.Now()).Targets[0].Fleet
		if f == nil || f.State != "live" || f.Replicas != 3 || len(f.Members) != 3 || f.Members[0].StartedPerSecond < 5 || f.Rate != 20 {
			t.Errorf("%+v", f)
		}
		_, page := all[0].get(t, "/")
		for _, text := range []string{"Fleet budget ", "3 live share 20/s, concurrency 10", " this one"} {
			if !strings.Contains(page, text) {
				t.Errorf("the page has no %q", text)
			}
		}
		for i, d := range all {
			d.stop()
			if err := <-d.ended; err != nil {
				t.Error(err)
			}
			if logs := d.logs.String(); !strings.Contains(logs, "fleet=\"budget on redis://fleet:6379\"") || !strings.Contains(logs, "fleet left") {
				t.Errorf("replica %d: %s", i, logs)
			}
		}
	})
}

func TestAReplicaWhoseCoordinatorIsAwayIsNotReadyAndReceivesNothing(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		away.Store(true)
		there := coordinator(t)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if away.Load() {
				return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			return there(ctx, network, address)
		}
		c := inFleet(20)
		c.Fleet.Replicas = 4
		d := prepareIn(t, dial, "orders", c, nil)
		d.run(t)
		d.send(t, 1000)
		pass(4 * time.Minute)
		code, body := d.get(t, "/-/ready")
		if want := "waiting for the coordinator, or the fixed part in 1m2s (Redis cannot be reached: connection refused)"; code != 503 || !strings.Contains(body, want) {
			t.Errorf("%d %s", code, body)
		}
		s := d.Status(time.Now())
		if n := d.taken.Load(); n != 0 || s.Queues[0].Received != 0 {
			t.Errorf("%d delivered, %d received", n, s.Queues[0].Received)
		}
		pass(2 * time.Minute)
		before := d.taken.Load()
		pass(20 * time.Second)
		if n := d.taken.Load() - before; n < 98 || n > 102 {
			t.Errorf("%d delivered in 20 s at a quarter of 20/s", n)
		}
		away.Store(false)
		pass(10 * time.Second)
		before = d.taken.Load()
		pass(20 * time.Second)
		if n := d.taken.Load() - before; n < 392 || n > 402 {
			t.Errorf("%d delivered in 20 s at 20/s", n)
		}
		d.stop()
		<-d.ended
		if n := strings.Count(d.logs.String(), "fleet coordinator not reached"); n < 2 || n > 8 {
			t.Errorf("said %d times in six minutes", n)
		}
	})
}

func TestACoordinatorThatRefusesEndsTheDaemon(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		t.Cleanup(m.Close)
		m.RequireAuth("other")
		c := inFleet(20)
		c.Fleet.Redis = "redis://:hunter2@fleet:6379"
		d := prepareIn(t, func(context.Context, string, string) (net.Conn, error) { return m.Dial() }, "orders", c, nil)
		d.run(t)
		err := <-d.ended
		if err == nil || !strings.HasPrefix(err.Error(), "--fleet-redis: Redis refuses the user or the password: ") {
			t.Errorf("%v", err)
		}
		if strings.Contains(fmt.Sprint(err, d.logs), "hunter2") {
			t.Error("the password is said")
		}
	})
}

func TestAReloadChangesTheFleetsBudget(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		d := prepareIn(t, coordinator(t), "orders", inFleet(20), nil)
		d.run(t)
		d.send(t, 1000)
		pass(10 * time.Second)
		next := inFleet(5)
		next.Fleet.Name = "another"
		if changed, restart := d.Reload(next); len(changed) != 1 || strings.Join(restart, "; ") != "fleet" {
			t.Errorf("%v; needs a restart: %v", changed, restart)
		}
		pass(5 * time.Second)
		before := d.taken.Load()
		pass(20 * time.Second)
		if n := d.taken.Load() - before; n < 98 || n > 102 {
			t.Errorf("%d delivered in 20 s at 5/s", n)
		}
		d.stop()
		<-d.ended
	})
}
