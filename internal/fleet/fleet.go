package fleet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// coordinator answers calls.
type coordinator interface {
	call(ctx context.Context, r *request) (reply, error)
	list(ctx context.Context) (records, error)
	rewrite(ctx context.Context, w rewriting) (rewritten, error)
	close()
}

// Options are what a Fleet is made of. All are required except Registerer, About and Overridden.
type Options struct {
	// Name is the budget's: replicas of the same name share one.
	Name   string
	Budget Budget
	Redis  *Redis
	// About describes this replica to people who look at another one.
	About func() About
	// Changed is called when there may be something new to start.
	Changed func()
	// Overridden is called when Override has changed.
	Overridden func()
	Registerer prometheus.Registerer
	Logger     *slog.Logger
}

// Fleet is this process's place in a fleet. It is a ratelimit.Fleet. Run makes its calls.
type Fleet struct {
	options     Options
	coordinator coordinator
	base        time.Time // what its times are since
	log         *slog.Logger
	nudge       chan struct{}
	durations   prometheus.Histogram

	mu      sync.Mutex // guards what follows
	member  *member
	armed   time.Duration // when Run wakes by itself
	calls   map[string]int64
	problem problem
	said    sayings
	fresh   roster
}

// New returns the place of one replica. It makes no connection; Run does.
func New(o Options) (*Fleet, error) {
	f := newFleet(o, newRedisCoordinator(o.Redis, o.Name), time.Now(), randomID())
	if err := f.register(o.Registerer); err != nil {
		return nil, err
	}
	return f, nil
}

func newFleet(o Options, c coordinator, now time.Time, id string) *Fleet {
	f := &Fleet{
		options: o, coordinator: c, base: now, nudge: make(chan struct{}, 1),
		log:       o.Logger.With("fleet", o.Name),
		member:    newMember(id, o.Budget, 0),
		calls:     make(map[string]int64),
		durations: newDurations(),
	}
	f.problem.since, f.member.base = now, now
	return f
}

// randomID is a name that no other process has.
func randomID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails
	return hex.EncodeToString(id[:])
}

// Set changes the budget. The other replicas keep theirs: of budgets that differ, the
// smaller holds.
func (f *Fleet) Set(b Budget) {
	f.mu.Lock()
	f.member.set(b)
	f.mu.Unlock()
	f.awake()
}

// Limits implements ratelimit.Fleet.
func (f *Fleet) Limits() ratelimit.Limits {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.member.limits(time.Since(f.base))
}

// Token implements ratelimit.Fleet.
func (f *Fleet) Token(now time.Time) (due time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at, ok := f.member.token(now.Sub(f.base))
	if ok || at == 0 {
		return time.Time{}, ok
	}
	return f.base.Add(at), false
}

// Take implements ratelimit.Fleet.
func (f *Fleet) Take(now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.member.take(now.Sub(f.base))
}

// Tokens implements ratelimit.Fleet.
func (f *Fleet) Tokens(now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.member.usable(now.Sub(f.base))
}

// Free implements ratelimit.Fleet.
func (f *Fleet) Free(at time.Time) (n int, grows time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, next := f.member.quotas.free(at.Sub(f.base))
	if n < 0 || next == 0 {
		return n, time.Time{}
	}
	return n, f.base.Add(next)
}

// Quotas implements ratelimit.Fleet.
func (f *Fleet) Quotas(now time.Time) []ratelimit.QuotaUse {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.member.quotas.uses(now.Sub(f.base), f.base.Add)
}

// Told implements ratelimit.Fleet.
func (f *Fleet) Told() ratelimit.ToldOthers {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.member.heard()
}

// Report implements ratelimit.Fleet.
func (f *Fleet) Report(use ratelimit.Use) {
	f.mu.Lock()
	f.member.use = use
	sooner := f.member.due(time.Since(f.base)) < f.armed
	f.mu.Unlock()
	if sooner {
		f.awake()
	}
}

// awake has Run look again.
func (f *Fleet) awake() {
	select {
	case f.nudge <- struct{}{}:
	default:
	}
}
