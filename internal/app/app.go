package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/admin"
	"github.com/sqs-poller/poller/internal/config"
	"github.com/sqs-poller/poller/internal/consumer"
	"github.com/sqs-poller/poller/internal/fleet"
	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/queue"
	"github.com/sqs-poller/poller/internal/ratelimit"
	"github.com/sqs-poller/poller/internal/target"
	"github.com/sqs-poller/poller/internal/tracing"
)

// Build identifies the build.
type Build = admin.Build

// Status is a snapshot of the daemon.
type Status = admin.Status

// QueueStatus is the status of one queue.
type QueueStatus = admin.Queue

// Options are the settings that are not part of the configuration.
type Options struct {
	Logger *slog.Logger
	// Level is the logger's level, set by Reload. If nil, the level does not change.
	Level *slog.LevelVar
	Build Build
	// Listener is the admin server's. If nil, New listens on the configured address.
	Listener net.Listener
	// HTTPClient replaces the SDK's HTTP client for SQS.
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
	// DialTarget connects to targets. If nil, over TCP.
	DialTarget func(ctx context.Context, network, address string) (net.Conn, error)
	// DialFleet connects to the fleet's coordinator. If nil, as its URL says.
	DialFleet func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxWait bounds long polls; 0 means SQS's maximum of 20 s. A worker that stops soon
	// after the queue is empty should set a shorter one.
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
	MaxWait time.Duration
	// Seed determines the jitter; 0 means a random seed.
	Seed uint64
	// MemoryBudget replaces what PlanMemory gives messages, in bytes; 0 means that.
	MemoryBudget int64
	// Files is how many files the process may open; 0 means any number.
	Files int
}

// App is the daemon.
type App struct {
	config   config.Config
	log      *slog.Logger
	level    *slog.LevelVar
	build    admin.Build
	started  time.Time
	seed     uint64
	maxWait  time.Duration
	metrics  *prometheus.Registry
	sqs      *queue.Client
	targets  map[string]*targetRoom
	queues   []*queueRoom // in configuration order
	memory   *consumer.Memory
	listener net.Listener
	admin    *admin.Server

	tracer     *tracing.Tracer // nil without OpenTelemetry's variables
	files      int
	token      *controlToken // nil without a control token
	overridden chan struct{} // tells watchOverrides that there are others

	reload    sync.Mutex            // guards what follows
	loaded    config.Config         // the reloadable settings in force, if nothing overrides them
	overrides map[string]*overrides // an operator's of this replica alone, by target
	fleetWide map[string]*fleetWide // an operator's of all replicas, by target
	events    []admin.Event         // newest first
}

// targetRoom is one target and its pace.
type targetRoom struct {
	name string
	http *target.HTTP
	pace *ratelimit.Pace
	gate *gate.Gate
	// fleet is this replica's place in the fleet that shares the target's budget; nil where
	// no coordinator does.
	fleet *fleet.Fleet
}

// New builds the daemon and listens on the admin port. It makes no connections except
// those that the AWS SDK needs for credentials. Its errors name the setting to change.
func New(ctx context.Context, c config.Config, o Options) (*App, error) {
	a := &App{
		config:  c,
		loaded:  c,
		log:     o.Logger,
		level:   o.Level,
		build:   o.Build,
		started: time.Now(),
		seed:    o.Seed,
		maxWait: o.MaxWait,
		metrics: prometheus.NewRegistry(),
		targets: make(map[string]*targetRoom),

		files:      o.Files,
		overridden: make(chan struct{}, 1),
		overrides:  make(map[string]*overrides),
		fleetWide:  make(map[string]*fleetWide),
	}
	a.note(a.started, "start", "", "poller "+o.Build.Version+" started")
	if a.seed == 0 {
		a.seed = rand.Uint64() //nolint:gosec // jitter, not a secret
	}
	a.loaded.Targets = maps.Clone(c.Targets)
	if err := a.make(ctx, o); err != nil {
		a.close(ctx)
		return nil, err
	}
	return a, nil
}

func (a *App) make(ctx context.Context, o Options) error {
	if err := admin.Register(a.metrics, a.build); err != nil {
		return err
	}
	if err := a.makeMemory(o.MemoryBudget); err != nil {
		return err
	}
	control, err := a.control()
	if err != nil {
		return err
	}
	a.tracer, err = tracing.New(ctx, tracing.Options{
		Logger: a.log, Version: a.build.Version, Origin: target.Origin, Child: a.config.TraceParent,
	})
	if err != nil {
		return err
	}
	a.sqs, err = queue.NewClient(ctx, queue.Options{
		Logger:      a.log,
		Registerer:  a.metrics,
		Connections: connections * len(a.config.Queues),
		HTTPClient:  o.HTTPClient,
		UserAgent:   a.userAgent(),
	})
	if err != nil {
		return err
	}
	for name, t := range a.config.Targets {
		if err := a.makeTarget(name, a.config.Fleet.Share(t), o); err != nil {
			return err
		}
	}
	if err := a.registerOverrides(); err != nil {
		return err
	}
	for _, q := range a.config.Queues {
		a.queues = append(a.queues, newQueueRoom(a, q))
	}
	if a.listener = o.Listener; a.listener == nil {
		listen := new(net.ListenConfig)
		if a.listener, err = listen.Listen(ctx, "tcp", a.config.Listen); err != nil {
			return fmt.Errorf("--listen: cannot listen on %s: %w: use another one, such as --listen 127.0.0.1:9501", a.config.Listen, cause(err))
		}
	}
	a.admin = admin.New(admin.Options{
		Gatherer: a.metrics,
		Status:   a.Status,
		Ready:    a.NotReady,
		Healthy:  a.Stuck,
		Build:    a.build,
		Logger:   a.log,
		Control:  control,
	})
	return nil
}

// connections returns how many connections to SQS one queue needs: for its receives, and
// for the batches of deletes, releases and extensions.
const connections = 32

// makeTarget returns the room of a target. Its limits are this replica's share.
func (a *App) makeTarget(name string, t config.Target, o Options) error {
	made, err := newTarget(name, t, o, a.userAgent(), a.sqs)
	if err != nil {
		return err
	}
	room := &targetRoom{name: name, http: made, pace: ratelimit.New(a.own(limitsOf(t))), gate: gate.New(a.seed)}
	a.targets[name], a.overrides[name], a.fleetWide[name] = room, new(overrides), new(fleetWide)
	registerer := prometheus.WrapRegistererWith(prometheus.Labels{"target": name}, a.metrics)
	if err := room.gate.Register(registerer); err != nil {
		return err
	}
	if a.config.Fleet.Shared() {
		if err := a.joinFleet(room, t, o, registerer); err != nil {
			return err
		}
	}
	if err := room.http.Register(registerer); err != nil {
		return err
	}
	return room.pace.Register(registerer)
}

// newTarget returns a target. sqs has the credentials that its requests may be signed with; nil
// if nothing will be sent.
func newTarget(name string, t config.Target, o Options, agent string, sqs *queue.Client) (*target.HTTP, error) {
	headers, err := parseHeaders(t.Headers)
	if err != nil {
		return nil, err
	}
	return target.New(target.Options{
		Name:        name,
		URL:         t.URL,
		Format:      t.Format,
		Batch:       t.BatchSize(),
		UnwrapSNS:   t.Unwrap == "sns",
		Timeout:     time.Duration(t.Timeout),
		Slots:       t.Concurrency,
		Headers:     headers,
		Auth:        authOf(t.Auth, sqs),
		TLS:         target.TLS{CA: t.TLSCA, Cert: t.TLSCert, Key: t.TLSKey},
		DialContext: o.DialTarget,
		Logger:      o.Logger,
		UserAgent:   agent,
	})
}

// authOf returns how requests prove who sends them.
func authOf(a config.Auth, sqs *queue.Client) target.Auth {
	auth := target.Auth{
		OAuth2:  target.OAuth2(a.OAuth2),
		AWS:     target.AWS{Service: a.AWS.Service, Region: a.AWS.Region},
		Webhook: target.Webhook{Secrets: a.Webhook.Secrets},
	}
	if sqs != nil {
		auth.AWS.Credentials = sqs
		auth.AWS.Region = cmp.Or(a.AWS.Region, sqs.Region())
	}
	return auth
}

func (a *App) userAgent() string { return "poller/" + a.build.Version }

// Address returns the admin server's host and port.
func (a *App) Address() string { return a.listener.Addr().String() }

// own returns the limits that a target's pace keeps to by itself: quotas are counted by the
// coordinator, if there is one.
func (a *App) own(l ratelimit.Limits) ratelimit.Limits {
	if a.config.Fleet.Shared() {
		l.Quotas = [ratelimit.MaxQuotas]ratelimit.Quota{}
	}
	return l
}

// limitsOf returns the limits of a target whose budget has been divided.
func limitsOf(t config.Target) ratelimit.Limits {
	limits := ratelimit.Limits{
		Concurrency: t.Concurrency,
		Limited:     t.Rate.Limited,
		Rate:        t.Rate.PerSecond,
		Burst:       t.Burst,
		Follow:      t.FollowLimits,
		Adaptive:    t.Adaptive,
	}
	for i, q := range t.Quotas {
		limits.Quotas[i] = ratelimit.Quota{N: q.N, Window: q.Window()}
	}
	return limits
}

func parseHeaders(lines []string) ([]target.Header, error) {
	headers := make([]target.Header, 0, len(lines))
	for _, line := range lines {
		h, err := target.ParseHeader(line)
		if err != nil {
			return nil, fmt.Errorf("--header: %w", err)
		}
		headers = append(headers, h)
	}
	return headers, nil
}

// cause returns net's innermost error, which does not repeat the address.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// close releases what New has acquired.
func (a *App) close(ctx context.Context) {
	for _, room := range a.targets {
		room.http.Close()
	}
	if a.sqs != nil {
		a.sqs.Close()
	}
	now, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cancel()
	_ = a.tracer.Close(now) // nothing was delivered
	if a.listener != nil {
		_ = a.listener.Close() // the server may have closed it
	}
}

// names returns the targets' names, sorted.
func (a *App) names() []string {
	names := make([]string, 0, len(a.targets))
	for name := range a.targets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
