package app

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
)

// operatedFleet is replicas with work that share 20/s, and that an operator may tell things.
type operatedFleet struct {
	t    *testing.T
	dial func(context.Context, string, string) (net.Conn, error)
	all  []*daemon
}

func newOperatedFleet(t *testing.T, n int) *operatedFleet {
	t.Helper()
	f := &operatedFleet{t: t, dial: coordinator(t)}
	for range n {
		f.join()
	}
	return f
}

func (f *operatedFleet) join() *daemon {
	f.t.Helper()
	c := inFleet(20)
	c.ControlToken = testToken
	d := prepareIn(f.t, f.dial, "orders", c, nil)
	d.send(f.t, 5000)
	d.run(f.t)
	f.all = append(f.all, d)
	return d
}

// in10s returns how many the replicas start in ten seconds, after some to settle.
func (f *operatedFleet) in10s(of ...*daemon) (n int64) {
	pass(4 * time.Second)
	for _, d := range of {
		n -= d.taken.Load()
	}
	pass(10 * time.Second)
	for _, d := range of {
		n += d.taken.Load()
	}
	return n
}

func (f *operatedFleet) expect(what string, least, most int64) {
	f.t.Helper()
	if n := f.in10s(f.all...); n < least || n > most {
		f.t.Errorf("%s: %d started in 10 s, want %d to %d", what, n, least, most)
	}
}

func (f *operatedFleet) stop() {
	for _, d := range f.all {
		d.stop()
		<-d.ended
	}
}

// of is what a replica shows of its overrides: the kinds, with * if they are the fleet's.
func (d *daemon) overridden() string {
	var list []string
	for _, o := range d.Status(time.Now()).Targets[0].Overrides {
		if o.Fleet {
			o.Kind += "*"
		}
		list = append(list, o.Kind)
	}
	return strings.Join(list, " ")
}

func (f *operatedFleet) overridden(want ...string) {
	f.t.Helper()
	for i, d := range f.all {
		if got := d.overridden(); got != want[i] {
			f.t.Errorf("replica %d has %q, not %q", i, got, want[i])
		}
	}
}

func TestAPauseOfTheFleetHoldsForAllReplicasAndThoseThatStartLater(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		f := newOperatedFleet(t, 3)
		pass(10 * time.Second)
		f.expect("before", 195, 203)
		said := f.all[0].mustPost(t, "pause", `{"fleet": true, "by": "ada"}`)
		if want := "target default, all replicas: paused until resume; in force here: rate 0/s, burst 2, concurrency 10"; !strings.Contains(said, want) {
			t.Errorf("the answer is %s, not %s", said, want)
		}
		f.expect("paused", 0, 0)
		four := f.join()
		f.expect("when one has joined", 0, 0)
		f.overridden("pause*", "pause*", "pause*", "pause*")
		for i, d := range f.all {
			if log := d.logs.String(); strings.Count(log, `msg="an operator changed the pace of the fleet" target=default changed="paused until resume"`) != 1 || !strings.Contains(log, "by=ada from=") {
				t.Errorf("replica %d: the log says\n%s", i, log)
			}
			if verdict := d.verdict(t); !strings.Contains(verdict, "Paused by ada for all replicas since ") {
				t.Errorf("replica %d: the verdict says %q", i, verdict)
			}
			if e := d.Status(time.Now()).Events[0]; e.Kind != "override" || !strings.Contains(e.Text, "paused until resume for all replicas by ada from ") {
				t.Errorf("replica %d: %+v", i, e)
			}
			if _, metrics := d.get(t, "/metrics"); !strings.Contains(metrics, `poller_fleet_override{kind="pause",target="default"} 1`) ||
				!strings.Contains(metrics, `poller_override{kind="pause",target="default"} 1`) {
				t.Errorf("replica %d: no metric", i)
			}
		}
		if _, page := four.get(t, "/"); !strings.Contains(page, " by ada for all replicas ") {
			t.Error("the page does not say so")
		}
		four.mustPost(t, "resume", `{"fleet": true, "by": "bob"}`)
		f.expect("resumed", 195, 203)
		f.overridden("", "", "", "")
		if n := f.all[0].logs.String(); !strings.Contains(n, `changed="pause lifted" in_force="rate 20/s, burst 2, concurrency 10`) || !strings.Contains(n, "by=bob") {
			t.Errorf("the log says\n%s", n)
		}
		f.stop()
	})
}

func TestAPaceOfTheFleetEndsByItselfOrIsResetAndPausesStay(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		f := newOperatedFleet(t, 2)
		pass(10 * time.Second)
		f.all[0].mustPost(t, "pace", `{"fleet": true, "rate": "5/s", "for": "1m"}`)
		f.expect("at 5/s", 48, 52)
		f.overridden("rate*", "rate*")
		pass(time.Minute)
		f.expect("after its end", 195, 203)
		if _, text := f.all[1].get(t, "/status.json"); !strings.Contains(text, "rate for all replicas is over") {
			t.Error("it does not say that it is over")
		}
		f.overridden("", "")
		if three := f.join(); three.overridden() != "" {
			t.Error("one that joins has what is over")
		}
		f.all[1].mustPost(t, "pace", `{"fleet": true, "rate": "5/s", "concurrency": 4}`)
		f.all[0].mustPost(t, "pause", `{"fleet": true}`)
		pass(2 * time.Second)
		f.overridden("pause* rate* concurrency*", "pause* rate* concurrency*", "pause* rate* concurrency*")
		if said := f.all[1].mustPost(t, "pace", `{"fleet": true, "reset": true}`); !strings.Contains(said, "rate override lifted, concurrency override lifted; in force here: rate 0/s") {
			t.Errorf("the answer is %s", said)
		}
		f.expect("paused", 0, 0)
		f.overridden("pause*", "pause*", "pause*")
		f.all[2].mustPost(t, "resume", `{"fleet": true}`)
		f.expect("resumed", 195, 203)
		if said := f.all[2].mustPost(t, "resume", `{"fleet": true}`); !strings.Contains(said, "nothing was overridden") {
			t.Errorf("the answer is %s", said)
		}
		for i, d := range f.all {
			if strings.Contains(d.logs.String(), "different budgets") {
				t.Errorf("replica %d says that budgets differ, while a change reaches all", i)
			}
		}
		f.stop()
	})
}

func TestOfAReplicasOverrideAndTheFleetsTheNewestHolds(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		f := newOperatedFleet(t, 2)
		one, two := f.all[0], f.all[1]
		pass(10 * time.Second)
		for _, step := range []struct {
			who                *daemon
			action, body, said string
			one, two           string
			rate               float64 // of the first
		}{
			{one, "pace", `{"rate": "7/s"}`, "", "rate", "", 7},
			{two, "pace", `{"rate": "9/s", "fleet": true}`, "", "rate*", "rate*", 9},
			{one, "pace", `{"rate": "8/s"}`, "", "rate", "rate*", 8},
			{one, "pace", `{"reset": true}`, "rate override lifted, rate for all replicas stays: lift it with --fleet", "rate*", "rate*", 9},
			{one, "resume", `{}`, "nothing was overridden, rate for all replicas stays", "rate*", "rate*", 9},
			{one, "pause", `{}`, "", "pause rate*", "rate*", 0},
			{two, "pace", `{"rate": "6/s", "fleet": true}`, "", "pause rate*", "rate*", 0}, // of another kind
			{one, "pace", `{"rate": "6/s", "fleet": true}`, "concurrency 10; still paused until resume, and this applies after that", "pause rate*", "rate*", 0},
			{two, "resume", `{"fleet": true}`, "rate override lifted", "", "", 20},
		} {
			if said := step.who.mustPost(t, step.action, step.body); !strings.Contains(said, step.said) {
				t.Errorf("%s %s: it says %s", step.action, step.body, said)
			}
			pass(2 * time.Second)
			f.overridden(step.one, step.two)
			if got := one.targets["default"].pace.Limits(); step.rate == 0 && got.Rate != 0 {
				t.Errorf("%s %s: the rate is %g", step.action, step.body, got.Rate)
			}
			if got := one.budgetInForce("default").Rate; step.rate != 0 && got != step.rate {
				t.Errorf("%s %s: the fleet's rate is %g", step.action, step.body, got)
			}
		}
		f.stop()
	})
}

func TestAReplicaThatCannotReachTheCoordinatorSaysSoAndKeepsWhatItKnows(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		var away atomic.Bool
		there := coordinator(t)
		f := &operatedFleet{t: t, dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if away.Load() {
				return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
			}
			conn, err := there(ctx, network, address)
			return &cuttable{Conn: conn, away: &away}, err
		}}
		d := f.join()
		pass(10 * time.Second)
		d.mustPost(t, "pause", `{"fleet": true, "for": "10m"}`)
		away.Store(true)
		code, text := d.post(t, "resume", `{"fleet": true}`)
		if want := "target default: the fleet's coordinator did not take it (Redis cannot be reached: "; code != 503 ||
			!strings.Contains(text, want) || !strings.Contains(text, "): try again, or tell each replica, without --fleet") {
			t.Errorf("%d %s", code, text)
		}
		f.overridden("pause*")
		pass(10 * time.Minute)
		f.overridden("") // it ends by the replica's own clock
		away.Store(false)
		f.expect("back", 195, 203)
		f.stop()
	})
}

// cuttable is a connection that breaks while the coordinator is away.
type cuttable struct {
	net.Conn
	away *atomic.Bool
}

// Write implements net.Conn.
func (c *cuttable) Write(b []byte) (int, error) {
	if c.away.Load() {
		return 0, errors.New("connection reset by peer")
	}
	return c.Conn.Write(b)
}

func TestAnOverrideOfTheFleetThatMakesNoSenseIsRefused(t *testing.T) {
	environment(t)
	a := prepare(t, "orders", controllable(), nil).App
	defer a.close(t.Context())
	for want, change := range map[string]admin.Change{
		"fleet: no coordinator shares the budget (--fleet-redis): omit it, and tell each replica": {Action: "pause", Fleet: true},
		"pause takes no reset: use pace":          {Action: "pause", Reset: true},
		"reset lifts the pace: omit rate and":     {Action: "pace", Reset: true, Rate: "5/s"},
		"for: reset has no end: omit it":          {Action: "pace", Reset: true, For: "5m"},
		"reset lifts the pace: omit rate and con": {Action: "pace", Reset: true, Concurrency: new(5)},
	} {
		if _, err := a.Operate(t.Context(), time.Now(), change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v:\n got %v\nwant %s", change, err, want)
		}
	}
}

// A replica of another version, or with less files, may not be able to keep to it.
func TestAnOverrideOfTheFleetThatAReplicaCannotKeepToIsSaid(t *testing.T) {
	environment(t)
	synctest.Test(t, func(t *testing.T) {
		f := newOperatedFleet(t, 2)
		pass(10 * time.Second)
		one, two := f.all[0], f.all[1]
		two.files = 1000
		one.mustPost(t, "pace", `{"fleet": true, "concurrency": 10000}`)
		pass(2 * time.Second)
		f.overridden("concurrency*", "")
		if log := two.logs.String(); !strings.Contains(log, `level=ERROR msg="an operator's override of the fleet cannot be kept to by this replica" target=default kind=concurrency`) {
			t.Errorf("the log says\n%s", log)
		}
		for _, text := range []string{"from the future", `{"rate": {"at": 5, "set": true, "rate": "fast"}}`, `{"concurrency": {"at": 6, "set": true}}`, `{"colour": {"at": 7, "set": true}}`} {
			if err := one.targets["default"].fleet.Rewrite(t.Context(), func(string, time.Duration) (string, error) { return text, nil }); err != nil {
				t.Fatal(err)
			}
		}
		pass(2 * time.Second)
		f.overridden("", "")
		for _, want := range []string{"it is not this version's", "kind=rate", "concurrency: 0 is not between"} {
			if !strings.Contains(one.logs.String(), want) {
				t.Errorf("the log has no %q:\n%s", want, one.logs)
			}
		}
		if got := one.targets["default"].pace.Limits(); got.Concurrency > config.MaxConcurrency {
			t.Errorf("%+v", got)
		}
		f.stop()
	})
}
