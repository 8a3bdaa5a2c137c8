//go:build browser

package browsertest

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sqs-poller/poller/internal/admin"
)

// daemon is an admin server over a status that the test sets.
type daemon struct {
	address string
	server  *admin.Server
	served  chan error

	mu       sync.Mutex // guards what follows
	status   admin.Status
	notReady []admin.Problem
	asked    []admin.Change // by the page's buttons
}

// token is the control API's.
const token = "0123456789abcdef0123"

func (d *daemon) control() *admin.Control {
	return &admin.Control{
		Token: func() (string, error) { return token, nil },
		Apply: func(_ context.Context, now time.Time, c admin.Change) ([]string, error) {
			if c.Action == "pace" && c.Rate == "" && c.Concurrency == nil {
				return nil, errors.New("pace needs a rate, a concurrency or both")
			}
			d.mu.Lock()
			defer d.mu.Unlock()
			d.asked = append(d.asked, c)
			d.status.Targets[0].Overrides = []admin.Override{{Kind: "pause", Since: now, By: c.By, From: c.From}}
			return []string{"target partner: paused until resume"}, nil
		},
	}
}

func start(t *testing.T, status admin.Status) *daemon {
	t.Helper()
	d := &daemon{status: status, served: make(chan error, 1)}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = listener.Addr().String()
	d.serve(listener)
	t.Cleanup(func() { d.stop(t) })
	return d
}

func (d *daemon) serve(listener net.Listener) {
	d.server = admin.New(admin.Options{
		Gatherer: prometheus.NewRegistry(),
		Status: func(time.Time) admin.Status {
			d.mu.Lock()
			defer d.mu.Unlock()
			status := d.status // the server fills in its own lists
			status.Queues, status.Targets = slices.Clone(status.Queues), slices.Clone(status.Targets)
			return status
		},
		Ready: func(time.Time) []admin.Problem {
			d.mu.Lock()
			defer d.mu.Unlock()
			return d.notReady
		},
		Healthy: func(time.Time) []admin.Problem { return nil },
		Control: d.control(),
		Build:   admin.Build{Version: "v0.3.0", Commit: "1f0c9ab", GoVersion: "go1.26.8"},
		Logger:  slog.New(slog.DiscardHandler),
	})
	go func(s *admin.Server) { d.served <- s.Serve(listener) }(d.server)
}

// stop ends the daemon as a crash does: nobody listens any more.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	if d.server == nil {
		return
	}
	if err := d.server.Close(t.Context()); err != nil && t.Context().Err() == nil {
		t.Error(err)
	}
	if err := <-d.served; err != nil {
		t.Error(err)
	}
	d.server = nil
}

// restart listens at the same address again.
func (d *daemon) restart(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		t.Fatal(err)
	}
	d.serve(listener)
}

func (d *daemon) change(f func(*admin.Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.status)
}

// behind is a queue at the limit of its target's rate, and a target with trouble.
func behind() admin.Status {
	now := time.Now()
	return admin.Status{
		StartedAt: now.Add(-83 * time.Minute),
		Memory:    admin.Memory{Limit: 256 << 20, Budget: 96 << 20, Messages: 58 << 10},
		Causes: []admin.Cause{
			{Queue: "orders", Target: "partner", Outcome: "failed", Status: 500, Reason: "5xx", Count: 181, First: now.Add(-80 * time.Minute), Last: now.Add(-41 * time.Second), Example: "0b9c9a2e-6d0f-4a1c-9d34-0f6f6f5f0001"},
			{Queue: "orders", Target: "partner", Outcome: "failed", Reason: "timeout", Words: "no end of the answer within 30s", Count: 9, First: now.Add(-12 * time.Minute), Last: now.Add(-3 * time.Minute), Example: "0b9c9a2e-6d0f-4a1c-9d34-0f6f6f5f0002"},
			{Queue: "orders", Reason: "network", Count: 1, First: now.Add(-7 * time.Minute), Last: now.Add(-7 * time.Minute)},
		},
		Queues: []admin.Queue{{
			Name: "orders", Target: "partner",
			Lag:   admin.Seconds(130 * time.Second),
			Depth: &admin.Depth{Visible: 1240, InFlight: 46, AsOf: now.Add(-6 * time.Second)},
			Drain: admin.Number(410), DrainState: admin.DrainShrinking, Left: 1286, Received: 81234, Duplicates: 2,
			InHand:             map[string]int{"waiting": 9, "delivering": 7, "deleting": 12, "releasing": 1},
			Receives:           map[string]int64{"full": 8011, "partial": 203, "empty": 97, "error": 1},
			Settled:            map[string]int64{"delivered": 81012, "failed": 190, "rejected": 3, "released": 0, "cut_off": 0, "abandoned": 0},
			Extensions:         map[string]int64{"ok": 12, "failed": 0, "lost": 0},
			Ledger:             admin.Ledger{Size: 841, Hits: 1},
			StartedPerSecond:   28,
			DeliveredPerSecond: 27.6,
		}},
		Targets: []admin.Target{{
			Name: "partner", Place: "https://api.partner.example",
			Pace:       admin.Pace{Rate: 28, Burst: 1, Concurrency: 10},
			Gate:       admin.Gate{State: "open", Since: now.Add(-83 * time.Minute)},
			Delivering: 7, StartedPerSecond: 28, MeanDelivery: 0.241,
			Deliveries: []admin.Deliveries{
				{Outcome: "delivered", Status: "2xx", Count: 81019},
				{Outcome: "failed", Status: "5xx", Count: 181},
				{Outcome: "failed", Status: "timeout", Count: 9},
				{Outcome: "rejected", Status: "4xx", Count: 3},
			},
		}},
		Failures: []admin.Failure{
			{
				At: now.Add(-41 * time.Second), Queue: "orders", MessageID: "0b9c9a2e-6d0f-4a1c-9d34-0f6f6f5f0001",
				ReceiveCount: 2, Outcome: "failed", Status: 500, Reason: "5xx",
			},
			{
				At: now.Add(-3 * time.Minute), Queue: "orders", MessageID: "0b9c9a2e-6d0f-4a1c-9d34-0f6f6f5f0002",
				ReceiveCount: 1, Outcome: "failed", Reason: "timeout", Detail: "no end of the answer within 30s <b>not bold</b>",
			},
			{At: now.Add(-7 * time.Minute), Queue: "orders", Reason: "network", Detail: "ReceiveMessage on orders: connection refused"},
		},
	}
}

// empty is a daemon that has nothing to do.
func empty() admin.Status {
	s := behind()
	q := &s.Queues[0]
	q.Lag, q.Drain, q.Depth.Visible, q.StartedPerSecond, q.DeliveredPerSecond = 0, 0, 0, 0, 0
	q.DrainState, q.Left = admin.DrainEmpty, 0
	q.InHand = map[string]int{"waiting": 0, "delivering": 0, "deleting": 0, "releasing": 0}
	q.Parked = 1
	s.Targets[0].StartedPerSecond, s.Targets[0].Delivering = 0, 0
	s.Targets[0].MeanDelivery = admin.Number(math.NaN())
	s.Failures, s.Causes = nil, nil
	return s
}
