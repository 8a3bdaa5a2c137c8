package fleet

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// link is a coordinator in the bubble: a store that is a millisecond away.
type link struct {
	mu    sync.Mutex
	store *store
	base  time.Time
	away  bool
	fault error
}

func (l *link) call(ctx context.Context, r *request) (reply, error) {
	l.mu.Lock()
	away, fault := l.away, l.fault
	l.mu.Unlock()
	if fault != nil {
		return reply{}, fault
	}
	if away {
		<-ctx.Done()
		return reply{}, errors.New("Redis does not answer")
	}
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store.now = time.Since(l.base)
	return l.store.eval(r)
}

func (l *link) list(context.Context) (records, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := keysOf("test")
	c := l.store.copied().hashes
	return records{members: c[keys[1]], about: c[keys[2]]}, nil
}

func (l *link) rewrite(ctx context.Context, w rewriting) (rewritten, error) {
	l.mu.Lock()
	away := l.away
	l.mu.Unlock()
	if away {
		<-ctx.Done()
		return rewritten{}, errors.New("Redis does not answer")
	}
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.store.now = time.Since(l.base)
	return l.store.rewrite(w)
}

func (l *link) close() {}

func (l *link) set(away bool, fault error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away, l.fault = away, fault
}

// joined is a fleet's replica in the bubble, with a pace that has endless work.
type joined struct {
	fleet  *Fleet
	pace   *ratelimit.Pace
	share  *ratelimit.Share
	log    *bytes.Buffer
	leave  context.CancelFunc
	ended  chan error
	awake  chan struct{}
	starts int

	mu      sync.Mutex // guards what follows
	heard   string     // of an operator's override
	news    int        // how often there was another one
	records int        // that the coordinator had when the first was heard
}

// hears is told that there is another override.
func (j *joined) hears(l *link) {
	l.mu.Lock()
	records := len(l.store.members())
	l.mu.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.news == 0 {
		j.records = records
	}
	j.heard, j.news = j.fleet.Override(), j.news+1
}

func (j *joined) has() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.heard
}

func (j *joined) told() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.news
}

func join(t *testing.T, l *link, id string, reg prometheus.Registerer) *joined {
	t.Helper()
	j := &joined{log: new(bytes.Buffer), ended: make(chan error, 1), awake: make(chan struct{}, 1)}
	j.pace = ratelimit.New(ratelimit.Limits{Concurrency: partner.Slots})
	j.fleet = newFleet(Options{
		Name: "test", Budget: partner, Changed: j.pace.Wake, Overridden: func() { j.hears(l) }, Logger: slog.New(slog.NewTextHandler(j.log, nil)),
		About: func() About { return About{Host: "host of " + id, Gate: "open"} },
	}, l, time.Now(), id)
	if err := j.fleet.register(reg); err != nil {
		t.Fatal(err)
	}
	j.pace.JoinFleet(j.fleet)
	j.share = j.pace.Join(1, func() {
		select {
		case j.awake <- struct{}{}:
		default:
		}
	})
	ctx, leave := context.WithCancel(t.Context())
	j.leave = leave
	go func() { j.ended <- j.fleet.Run(ctx) }()
	return j
}

// leaveAll has replicas leave, so that the bubble may end.
func leaveAll(all ...*joined) {
	for _, j := range all {
		j.leave()
		<-j.ended
	}
}

// bubble is one in which two replicas are live.
type bubble struct {
	t        *testing.T
	link     *link
	one, two *joined
}

// withTwo runs a test in a bubble, which the replicas leave in the end.
func withTwo(t *testing.T, test func(b bubble)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		b := bubble{t, l, join(t, l, "one", nil), join(t, l, "two", nil)}
		time.Sleep(10 * time.Second)
		test(b)
		leaveAll(b.one, b.two)
	})
}

// work starts deliveries that take no time, until end.
func (j *joined) work(end time.Time) {
	for now := time.Now(); now.Before(end); now = time.Now() {
		try := new(ratelimit.Try)
		if j.share.Start(now, try, partner.Slots, func() bool { return true }) == ratelimit.Nothing {
			j.share.End(now, try, message.Result{Outcome: message.Delivered}, 0)
			j.starts++
			continue
		}
		wait := end.Sub(now)
		if due := j.share.Due(); !due.IsZero() {
			wait = min(wait, due.Sub(now))
		}
		select {
		case <-j.awake:
		case <-time.After(max(wait, 1)):
		}
	}
	j.share.Rest()
	j.share.SetDry(true)
}

func newLink() *link { return &link{store: newStore(), base: time.Now()} }

func TestTwoReplicasShareARateThroughAnOutageOfTheCoordinator(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		l.store = newTwinStore(false)
		one, two := join(t, l, "one", nil), join(t, l, "two", nil)
		count := func(d time.Duration) int {
			end, before := time.Now().Add(d), one.starts+two.starts
			var both sync.WaitGroup
			both.Go(func() { one.work(end) })
			both.Go(func() { two.work(end) })
			both.Wait()
			return one.starts + two.starts - before
		}
		if what, _ := one.fleet.NotReady(time.Now()); !strings.Contains(what, "waiting for the coordinator") {
			t.Errorf("not ready: %q", what)
		}
		count(80 * time.Second)
		if what, _ := one.fleet.NotReady(time.Now()); what != "" {
			t.Errorf("not ready: %q", what)
		}
		if n := count(10 * time.Second); n < 275 || n > 283 {
			t.Errorf("%d starts in 10 s at 28/s", n)
		}
		l.set(true, nil)
		count(8 * time.Second)
		if n := count(10 * time.Second); n < 270 || n > 284 {
			t.Errorf("%d starts in 10 s on share", n)
		}
		if s := two.fleet.Status(time.Now()); s.State != OnShare || s.Share != 14 || s.Left < 4*time.Minute || s.Problem == "" || s.Waits == "" {
			t.Errorf("%+v", s)
		}
		l.set(false, nil)
		count(5 * time.Second)
		if n := count(10 * time.Second); n < 275 || n > 283 {
			t.Errorf("%d starts in 10 s after the outage", n)
		}
		two.leave()
		if err := <-two.ended; err != nil {
			t.Error(err)
		}
		if n := len(l.store.members()); n != 1 {
			t.Errorf("%d records after one has left", n)
		}
		one.leave()
		<-one.ended
		for _, line := range []string{"fleet live", "fleet coordinator not reached", "fleet on share", "fleet left"} {
			if !strings.Contains(two.log.String(), line) {
				t.Errorf("the log has no %q:\n%s", line, two.log)
			}
		}
		if n := strings.Count(two.log.String(), "\n"); n > 8 {
			t.Errorf("%d lines:\n%s", n, two.log)
		}
	})
}

func TestWhoLooksSeesAllReplicas(t *testing.T) {
	withTwo(t, func(b bubble) {
		t, one := b.t, b.one
		one.fleet.Status(time.Now())
		time.Sleep(3 * time.Second)
		all := one.fleet.Status(time.Now()).Members
		if len(all) != 2 || all[0].ID != "one" || !all[0].Self || all[1].Host != "host of two" || all[1].State != "live" || all[1].Missing {
			t.Errorf("%+v", all)
		}
	})
}

func TestAFirstCallThatIsRefusedIsAnError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		l.set(false, &RefusedError{"Redis refuses the password"})
		j := join(t, l, "one", nil)
		if err := <-j.ended; err == nil || err.Error() != "--fleet-redis: Redis refuses the password" {
			t.Errorf("%v", err)
		}
		j.leave()
	})
}

func TestACoordinatorThatRefusesLaterIsTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLink()
		j := join(t, l, "one", nil)
		time.Sleep(10 * time.Second)
		l.set(false, &RefusedError{"Redis refuses the password"})
		time.Sleep(30 * time.Second)
		if what, _ := j.fleet.NotReady(time.Now()); !strings.HasSuffix(what, "(Redis refuses the password)") {
			t.Errorf("not ready: %q", what)
		}
		if !strings.Contains(j.log.String(), "level=ERROR") {
			t.Errorf("%s", j.log)
		}
		l.set(false, nil)
		time.Sleep(10 * time.Second)
		if s := j.fleet.Status(time.Now()); s.State != Live {
			t.Errorf("%+v", s)
		}
		j.leave()
		<-j.ended
	})
}

func TestAChangedBudgetIsFollowed(t *testing.T) {
	withTwo(t, func(b bubble) {
		t, one, two := b.t, b.one, b.two
		less := partner
		less.Rate, less.Burst = 10, 2
		one.fleet.Set(less)
		time.Sleep(7 * time.Second) // not said of a change that reaches all sooner
		for _, j := range []*joined{one, two} {
			if s := j.fleet.Status(time.Now()); s.Rate != 10 || !s.Mixed {
				t.Errorf("%+v", s)
			}
			if !strings.Contains(j.log.String(), "different budgets") {
				t.Errorf("%s", j.log)
			}
		}
		two.fleet.Set(less)
		time.Sleep(3 * time.Second)
		if s := one.fleet.Status(time.Now()); s.Rate != 10 || s.Mixed {
			t.Errorf("%+v", s)
		}
	})
}

func TestEachStateIsAMetric(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		j := join(t, newLink(), "one", reg)
		j.work(time.Now().Add(20 * time.Second))
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]float64)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := f.GetName()
				for _, l := range m.GetLabel() {
					name += "," + l.GetValue()
				}
				got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
		for name, want := range map[string]float64{
			"poller_fleet_state,live": 1, "poller_fleet_state,joining": 0, "poller_fleet_replicas": 1, "poller_fleet_slots": 8,
			"poller_fleet_coordinator_up": 1, "poller_fleet_calls_total,error": 0, "poller_fleet_memory_lost_total": 0,
			"poller_fleet_tokens_total,used": float64(j.starts),
		} {
			if got[name] != want {
				t.Errorf("%s is %g, want %g", name, got[name], want)
			}
		}
		if got["poller_fleet_calls_total,live"] < 10 || got["poller_fleet_call_duration_seconds"] < 10 {
			t.Errorf("%v", got)
		}
		j.leave()
		<-j.ended
	})
}
