package app

import (
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

	"poller/internal/admin"
	"poller/internal/config"
	"poller/internal/consumer"
	"poller/internal/gate"
	"poller/internal/queue"
	"poller/internal/ratelimit"
	"poller/internal/target"
)

// Build says which poller this is.
type Build = admin.Build

// Status says how things stand.
type Status = admin.Status

// QueueStatus is one queue's.
type QueueStatus = admin.Queue

// Options are what the configuration does not say.
type Options struct {
	Logger *slog.Logger
	// Level is the logger's, set by Reload; nil: it stays as it is.
	Level *slog.LevelVar
	Build Build
	// Listener is the admin server's; nil: one is made at the configuration's listen.
	Listener net.Listener
	// HTTPClient replaces the connections to SQS; nil: the SDK's own.
	HTTPClient interface {
		Do(*http.Request) (*http.Response, error)
	}
	// DialTarget replaces how targets are connected to; nil: by TCP.
	DialTarget func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxWait bounds the long polls; 0: SQS's 20 s. A worker that stops by itself soon
	// after the queue is empty wants them shorter.
	MaxWait time.Duration
	// Seed is what jitter is drawn from; 0: by chance.
	Seed uint64
	// MemoryLimit bounds the bytes of the messages in hand, over all queues; 0: 64 MiB.
	MemoryLimit int64
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
	queues   []*queueRoom // in the order of the configuration
	memory   consumer.Memory
	listener net.Listener
	admin    *admin.Server

	reload sync.Mutex    // guards loaded
	loaded config.Config // what is in force, as far as Reload changes it
}

// targetRoom is one target and its pace.
type targetRoom struct {
	name string
	http *target.HTTP
	pace *ratelimit.Pace
	gate *gate.Gate
}

// New makes the daemon's rooms and listens on the admin port; it connects to
// nothing but what the AWS SDK needs for credentials. Its errors are for a person,
// and name the setting.
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
	}
	a.memory.Limit = o.MemoryLimit
	if a.seed == 0 {
		a.seed = rand.Uint64() //nolint:gosec // jitter, no secret
	}
	a.loaded.Targets = maps.Clone(c.Targets)
	if err := a.make(ctx, o); err != nil {
		a.close()
		return nil, err
	}
	return a, nil
}

func (a *App) make(ctx context.Context, o Options) error {
	if err := admin.Register(a.metrics, a.build); err != nil {
		return err
	}
	for name, t := range a.config.Targets {
		if err := a.makeTarget(name, a.config.Fleet.Share(t), o); err != nil {
			return err
		}
	}
	var err error
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
	for _, q := range a.config.Queues {
		a.queues = append(a.queues, newQueueRoom(a, q))
	}
	if a.listener = o.Listener; a.listener == nil {
		listen := new(net.ListenConfig)
		if a.listener, err = listen.Listen(ctx, "tcp", a.config.Listen); err != nil {
			return fmt.Errorf("--listen: cannot listen on %s: %w: give another address, such as :9501", a.config.Listen, cause(err))
		}
	}
	a.admin = admin.New(admin.Options{
		Gatherer: a.metrics,
		Status:   a.Status,
		Ready:    a.NotReady,
		Healthy:  a.Stuck,
		Build:    a.build,
		Logger:   a.log,
	})
	return nil
}

// connections are what one queue needs: its receives, and the batches of settles
// and extensions beside them.
const connections = 32

// makeTarget makes the room of a target whose budget is this replica's share.
func (a *App) makeTarget(name string, t config.Target, o Options) error {
	made, err := newTarget(name, t, o, a.userAgent())
	if err != nil {
		return err
	}
	room := &targetRoom{name: name, http: made, pace: ratelimit.New(limitsOf(t)), gate: gate.New(a.seed)}
	a.targets[name] = room
	registerer := prometheus.WrapRegistererWith(prometheus.Labels{"target": name}, a.metrics)
	if err := room.gate.Register(registerer); err != nil {
		return err
	}
	return room.pace.Register(registerer)
}

func newTarget(name string, t config.Target, o Options, agent string) (*target.HTTP, error) {
	headers, err := parseHeaders(t.Headers)
	if err != nil {
		return nil, err
	}
	return target.New(target.Options{
		Name:        name,
		URL:         t.URL,
		Timeout:     time.Duration(t.Timeout),
		Slots:       t.Concurrency,
		Headers:     headers,
		TLS:         target.TLS{CA: t.TLSCA, Cert: t.TLSCert, Key: t.TLSKey},
		DialContext: o.DialTarget,
		Logger:      o.Logger,
		UserAgent:   agent,
	})
}

func (a *App) userAgent() string { return "poller/" + a.build.Version }

// Address is the admin server's host and port.
func (a *App) Address() string { return a.listener.Addr().String() }

// limitsOf is the pace of a target that has been divided.
func limitsOf(t config.Target) ratelimit.Limits {
	return ratelimit.Limits{
		Concurrency: t.Concurrency,
		Limited:     t.Rate.Limited,
		Rate:        t.Rate.PerSecond,
		Burst:       t.Burst,
	}
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

// cause is the innermost of net's errors, without the address that it repeats.
func cause(err error) error {
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Err
	}
	return err
}

// close ends what New has begun.
func (a *App) close() {
	for _, room := range a.targets {
		room.http.Close()
	}
	if a.sqs != nil {
		a.sqs.Close()
	}
	if a.listener != nil {
		_ = a.listener.Close() // the server may have closed it
	}
}

// names are the targets' names, sorted.
func (a *App) names() []string {
	names := make([]string, 0, len(a.targets))
	for name := range a.targets {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
