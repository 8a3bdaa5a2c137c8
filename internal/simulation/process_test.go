package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sqs-poller/poller/internal/admin/pagetest"
	"github.com/sqs-poller/poller/internal/app"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// process is one run of the daemon: a replica's, from its start to its end.
type process struct {
	world  *world
	name   string // the replica's letter and its how-manieth process this is
	number int
	app    *app.App
	admin  *pipes
	drain  context.CancelFunc
	now    context.CancelFunc
	cut    chan struct{} // closed when it is killed
	ended  chan struct{} // closed when Run has returned
	paces  [][]pace      // of each target
	limits []ratelimit.Limits

	started, drained, killed, exited instant
	summary                          consumer.Summary
	err                              error

	// Guarded by the world's mutex.
	counts map[string]int

	mu    sync.Mutex // guards what follows
	dead  bool
	still instant      // until when it stands still
	stood []standstill // by the judge read when all is over
	conns map[*outlet]struct{}
}

// start makes and runs the daemon.
func (w *world) start(replica, generation int, limits []ratelimit.Limits) *process {
	p := &process{
		world: w, name: fmt.Sprintf("%c%d", 'a'+rune(replica), generation),
		admin: newPipes("admin"), cut: make(chan struct{}), ended: make(chan struct{}),
		started: w.now(), drained: never, killed: never, exited: never,
		counts: make(map[string]int), conns: make(map[*outlet]struct{}),
		limits: limits, paces: make([][]pace, len(limits)), number: replica*1000 + generation,
	}
	for i, l := range limits {
		p.paces[i] = []pace{{p.started, l}}
	}
	w.evidence.mu.Lock()
	w.evidence.processes = append(w.evidence.processes, p)
	w.evidence.say(p.started, rankWorld, "world  %s starts", p.name)
	w.evidence.mu.Unlock()

	var drain, now context.Context
	drain, p.drain = context.WithCancel(w.ctx)
	now, p.now = context.WithCancel(w.ctx)
	logger := slog.New(slog.DiscardHandler)
	if w.daemonLog != nil {
		logger = slog.New(slog.NewTextHandler(w.daemonLog, &slog.HandlerOptions{Level: slog.LevelDebug})).With("process", p.name)
	}
	p.app, p.err = app.New(w.ctx, p.config(limits), app.Options{
		Logger: logger, Listener: p.admin, HTTPClient: &front{w, p}, DialTarget: p.dial,
		Seed: uint64(w.plan.dice.of("process", p.number)) | 1, MemoryBudget: int64(w.plan.memory()),
	})
	if p.err != nil {
		w.wrong("%s could not start: %v", p.name, p.err)
		close(p.ended)
		return p
	}
	w.work.Go(func() {
		defer close(p.ended)
		p.summary, p.err = p.app.Run(drain, now)
		if p.exited = w.now(); !p.isDead() {
			w.evidence.happens(p.exited, "%s ends: %+v", p.name, p.summary)
		}
	})
	return p
}

func (p *process) config(limits []ratelimit.Limits) config.Config {
	s := p.world.plan
	c := config.Config{DrainTimeout: config.Duration(s.drain), Targets: make(map[string]config.Target)}
	for _, q := range s.queues {
		c.Queues = append(c.Queues, config.Queue{
			Queue: q.name, Target: s.targets[q.target].name, Gather: config.Duration(q.gather), Weight: q.weight,
			FIFOStrict: q.strict,
		})
	}
	for i, t := range s.targets {
		var quotas []config.Quota
		for _, q := range limits[i].Quotas {
			if q.N > 0 {
				quotas = append(quotas, config.Quota{N: q.N, Unit: q.WindowName()[1:]})
			}
		}
		c.Targets[t.name] = config.Target{
			Quotas: quotas, FollowLimits: true, Adaptive: limits[i].Adaptive,
			URL: s.scheme() + "://" + t.name + "/hook", Format: t.format(), Batch: t.batchSize(), BatchWait: config.Duration(t.batchWait()), OnRejected: s.onRejected(), TLSCA: s.authority(),
			Concurrency: limits[i].Concurrency, Burst: limits[i].Burst,
			Rate:    config.Rate{Limited: limits[i].Limited, PerSecond: limits[i].Rate},
			Timeout: config.Duration(t.timeout), Backoff: config.Duration(t.backoff), BackoffMax: config.Duration(t.backoffMax),
		}
	}
	return c
}

// reload changes the pace.
func (p *process) reload(limits []ratelimit.Limits) {
	now := p.world.now()
	for i, l := range limits {
		p.paces[i] = append(p.paces[i], pace{now, l})
	}
	p.limits = limits
	p.world.evidence.happens(now, "%s has a new pace: %+v", p.name, limits)
	p.app.Reload(p.config(limits))
}

// stop is SIGTERM; it waits for the end.
func (p *process) stop() {
	p.drained = p.world.now()
	p.world.evidence.happens(p.drained, "%s is told to stop", p.name)
	p.drain()
	<-p.ended
	p.now()
}

// kill is SIGKILL: nothing comes out of the process or into it from here on.
func (p *process) kill() {
	p.killed = p.world.now()
	p.world.evidence.happens(p.killed, "%s is killed", p.name)
	p.mu.Lock()
	p.dead = true
	conns := p.conns
	p.conns = make(map[*outlet]struct{})
	p.mu.Unlock()
	close(p.cut)
	for c := range conns {
		_ = c.Conn.Close()
	}
	p.drain()
	p.now()
	<-p.ended
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

func (p *process) forget(o *outlet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, o)
}

// nth counts what happens to a process under one name.
func (p *process) nth(name string) int {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	n := p.counts[name]
	p.counts[name] = n + 1
	return n
}

// dial connects to a target.
func (p *process) dial(ctx context.Context, _, address string) (net.Conn, error) {
	w := p.world
	if p.isDead() {
		return nil, errKilled
	}
	host, _, _ := strings.Cut(address, ":")
	for _, t := range w.targets {
		if t.plan.name != host {
			continue
		}
		time.Sleep(p.standsFor())
		now := w.now()
		if _, hangs := at(w.plan.hangs(), now); hangs {
			w.evidence.arrives(&delivery{by: p, target: t.number, message: -1, arrived: now, ended: now, how: "hangs"})
			<-ctx.Done()
			return nil, ctx.Err()
		}
		if out, ok := at(t.plan.outages, now); ok && out.way == refusesDials {
			w.evidence.arrives(&delivery{by: p, target: t.number, message: -1, arrived: now, ended: now, how: "refused"})
			d := w.plan.dice.of("dial", t.number, p.number, int(now))
			if !wait(ctx, d.between(100*time.Microsecond, 3*time.Millisecond)) {
				return nil, ctx.Err()
			}
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		}
		conn, err := t.listen.connect(p, t.number)
		if err != nil {
			return nil, err
		}
		o := &outlet{Conn: conn, by: p}
		p.mu.Lock()
		p.conns[o] = struct{}{}
		p.mu.Unlock()
		return o, nil
	}
	return nil, errors.New("no such target: " + host)
}

// healthy asks the admin port.
func (p *process) healthy() error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return p.admin.connect(p, 0) },
	}}
	for _, path := range []string{"/-/healthy", "/metrics", "/status.json", "/"} {
		r, err := http.NewRequestWithContext(p.world.ctx, http.MethodGet, "http://admin"+path, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %d: %s: %w", path, answer.StatusCode, body, err)
		}
		if page, ok := pagetest.Read(string(body)); ok {
			if found := page.Contradictions(); len(found) > 0 {
				return fmt.Errorf("its page contradicts itself: %s", strings.Join(found, "; "))
			}
		}
	}
	return nil
}
