package consumer

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sqs-poller/poller/internal/gate"
	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/ratelimit"
)

// fakeQueue is a queue that ages visibility, for the engine's own tests. What goes
// wrong is said by its hooks.
type fakeQueue struct {
	mu       sync.Mutex
	messages []*fakeMessage
	first    int           // what is before it is deleted
	arrived  chan struct{} // closed and made anew at each send
	handles  int

	trip time.Duration // of every call
	// fault, if set, is asked before each call: an error is its answer.
	fault func(action string, call int) error
	calls map[string]int
	// late, if set, is how much longer an answer that brings this message is under way.
	late func(id string, receives int) time.Duration
	// fails is the id of a message whose entries in changes of visibility fail.
	fails string
	// dead are the ids that were sent to the dead-letter queue.
	dead []string
	// deadDepth is what LookDead says.
	deadDepth int
	// retire is the queue's maxReceiveCount; 0: none.
	retire int
	// claimed is what Look says of the depth beside the truth.
	claimed message.Depth
	// offset is its clock less ours.
	offset atomic.Int64
	// attributes are what it is set to, except its depth.
	attributes message.QueueAttributes
}

type fakeMessage struct {
	id      string
	body    string
	group   string // on a FIFO queue
	sent    time.Time
	visible time.Time
	handle  string
	// attributes come with each receive of it.
	attributes map[string]message.Attribute
	receives   int
	deleted    bool
	delay      []int // what each release or extension asked for
}

func newFakeQueue() *fakeQueue {
	return &fakeQueue{
		arrived: make(chan struct{}), trip: 12 * time.Millisecond, calls: map[string]int{},
		attributes: message.QueueAttributes{VisibilityTimeout: 30 * time.Second, MaxReceiveCount: 5},
	}
}

func (q *fakeQueue) send(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for range n {
		q.messages = append(q.messages, &fakeMessage{
			id: fmt.Sprintf("m%d", len(q.messages)), body: "{}", sent: time.Now(), visible: time.Now(),
		})
	}
	close(q.arrived)
	q.arrived = make(chan struct{})
}

func (q *fakeQueue) begin(ctx context.Context, action string) error {
	q.mu.Lock()
	q.calls[action]++
	call, fault := q.calls[action], q.fault
	q.mu.Unlock()
	select {
	case <-time.After(q.trip):
	case <-ctx.Done():
		return ctx.Err()
	}
	if fault != nil {
		return fault(action, call)
	}
	return nil
}

func (q *fakeQueue) ReceiveWithin(ctx context.Context, maximum int, wait, visibility time.Duration, _ string, _ func(context.Context, int)) ([]*message.Message, error) {
	if err := q.begin(ctx, "receive"); err != nil {
		return nil, err
	}
	end := time.Now().Add(wait)
	for {
		q.mu.Lock()
		now := time.Now()
		var got []*message.Message
		next, late := end, time.Duration(0)
		for q.first < len(q.messages) && q.messages[q.first].deleted {
			q.first++
		}
		for _, m := range q.messages[q.first:] {
			if m.deleted {
				continue
			}
			if m.visible.After(now) {
				if m.visible.Before(next) {
					next = m.visible
				}
				continue
			}
			if len(got) == maximum {
				break
			}
			if q.retire > 0 && m.receives >= q.retire {
				m.deleted = true // to the dead-letter queue
				continue
			}
			q.handles++
			m.handle = m.id + "/" + strconv.Itoa(q.handles)
			m.receives++
			m.visible = now.Add(visibility)
			if q.late != nil {
				late = max(late, q.late(m.id, m.receives))
			}
			got = append(got, &message.Message{ID: m.id, ReceiptHandle: m.handle, GroupID: m.group, Body: m.body, Attributes: m.attributes, HandedOut: now, SentAt: m.sent.Add(q.ClockOffset()), ReceiveCount: m.receives})
		}
		arrived := q.arrived
		q.mu.Unlock()
		if len(got) > 0 || !now.Before(end) {
			<-time.After(late)
			return got, nil
		}
		select {
		case <-arrived:
		case <-time.After(next.Sub(now)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *fakeQueue) find(handle string) *fakeMessage {
	id, _, _ := strings.Cut(handle, "/")
	i, _ := strconv.Atoi(id[1:]) // see send
	return q.messages[i]
}

func (q *fakeQueue) Delete(ctx context.Context, handles []string) []error {
	if err := q.begin(ctx, "delete"); err != nil {
		return each(len(handles), err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, handle := range handles {
		if m := q.find(handle); m.handle == handle {
			m.deleted = true
		}
	}
	return nil
}

func (q *fakeQueue) ChangeVisibility(ctx context.Context, changes []message.VisibilityChange) []error {
	if err := q.begin(ctx, "change"); err != nil {
		return each(len(changes), err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []error
	for i, change := range changes {
		m := q.find(change.ReceiptHandle)
		if m.id == q.fails {
			if errs == nil {
				errs = make([]error, len(changes))
			}
			errs[i] = &message.SQSError{Action: "ChangeMessageVisibility", Fault: message.Network, Code: "InternalError", Err: context.DeadlineExceeded}
			continue
		}
		if m.deleted || m.handle != change.ReceiptHandle || !m.visible.After(time.Now()) {
			if errs == nil {
				errs = make([]error, len(changes))
			}
			errs[i] = &message.SQSError{Action: "ChangeMessageVisibility", Fault: message.Lost, Err: context.Canceled}
			continue
		}
		m.visible = time.Now().Add(time.Duration(change.Seconds) * time.Second)
		m.delay = append(m.delay, change.Seconds)
	}
	if errs == nil {
		close(q.arrived)
		q.arrived = make(chan struct{})
	}
	return errs
}

func (q *fakeQueue) Look(ctx context.Context) (message.QueueAttributes, error) {
	if err := q.begin(ctx, "look"); err != nil {
		return message.QueueAttributes{}, err
	}
	d := q.depth(time.Now())
	q.mu.Lock()
	defer q.mu.Unlock()
	a := q.attributes
	a.Depth = message.Depth{Visible: d.Visible + q.claimed.Visible, InFlight: d.InFlight + q.claimed.InFlight}
	return a, nil
}

// depth is the true one.
func (q *fakeQueue) depth(now time.Time) message.Depth {
	q.mu.Lock()
	defer q.mu.Unlock()
	var d message.Depth
	for _, m := range q.messages {
		switch {
		case m.deleted:
		case m.visible.After(now):
			d.InFlight++
		default:
			d.Visible++
		}
	}
	return d
}

// set changes what the queue is set to.
// answers changes what calls are answered while the engine runs.
func (q *fakeQueue) answers(fault func(action string, call int) error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fault = fault
}

func (q *fakeQueue) set(change func(*message.QueueAttributes)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	change(&q.attributes)
}

func (q *fakeQueue) LookDead(ctx context.Context) (message.Depth, error) {
	if err := q.begin(ctx, "look dead"); err != nil {
		return message.Depth{}, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return message.Depth{Visible: q.deadDepth}, nil
}

func (q *fakeQueue) DeadLetter(ctx context.Context, letters []message.Letter) []error {
	if err := q.begin(ctx, "dead-letter"); err != nil {
		return each(len(letters), err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range letters {
		q.dead = append(q.dead, l.ID)
	}
	return nil
}

// claim has Depth say that there are more messages than can be received.
func (q *fakeQueue) claim(visible, inFlight int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.claimed = message.Depth{Visible: visible, InFlight: inFlight}
}

func (q *fakeQueue) ClockOffset() time.Duration { return time.Duration(q.offset.Load()) }

// left is how many are not deleted.
func (q *fakeQueue) left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, m := range q.messages {
		if !m.deleted {
			n++
		}
	}
	return n
}

// retired are the ids of those that are gone after their last receive.
func (q *fakeQueue) retired() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ids []string
	for _, m := range q.messages {
		if m.deleted && m.receives >= q.retire {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// invisible is how many nobody can receive now.
func (q *fakeQueue) invisible() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, m := range q.messages {
		if !m.deleted && m.visible.After(time.Now()) {
			n++
		}
	}
	return n
}

// called is how many calls of these actions there were.
func (q *fakeQueue) called(actions ...string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for _, action := range actions {
		n += q.calls[action]
	}
	return n
}

// hiddenUntil is when the visibility of message m ends.
func (q *fakeQueue) hiddenUntil(m int) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages[m].visible
}

// delay is what the n-th release or extension of message m asked for, in seconds.
func (q *fakeQueue) delay(m, n int) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.messages[m].delay[n]
}

func each(n int, err error) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

func away(string, int) error {
	return &message.SQSError{Action: "any", Queue: "orders", Fault: message.Network, Err: context.DeadlineExceeded}
}

// fakeTarget takes each delivery for a while and answers it.
type fakeTarget struct {
	mu     sync.Mutex
	took   time.Duration
	answer func(m *message.Message, try int) (message.Result, time.Duration)

	tries   map[string]int
	running map[string]bool
	atOnce  int
	most    int
	starts  []time.Time
	good    map[string]int
	doubled []string // delivered twice simultaneously
}

func newFakeTarget(took time.Duration) *fakeTarget {
	return &fakeTarget{took: took, tries: map[string]int{}, running: map[string]bool{}, good: map[string]int{}}
}

var delivered2xx = message.Result{Outcome: message.Delivered, Status: 200, Reason: "2xx"}

func (f *fakeTarget) Deliver(ctx context.Context, _ string, m *message.Message) message.Result {
	f.mu.Lock()
	f.tries[m.ID]++
	f.atOnce++
	f.most = max(f.most, f.atOnce)
	f.starts = append(f.starts, time.Now())
	if f.running[m.ID] {
		f.doubled = append(f.doubled, m.ID)
	}
	f.running[m.ID] = true
	result, took := delivered2xx, f.took
	if f.answer != nil {
		result, took = f.answer(m, f.tries[m.ID])
	}
	f.mu.Unlock()
	select {
	case <-time.After(took):
	case <-ctx.Done():
		result = message.Result{Outcome: message.Failed, Reason: "canceled", Canceled: true, Err: context.Cause(ctx)}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.atOnce--
	f.running[m.ID] = false
	if result.Outcome == message.Delivered {
		f.good[m.ID]++
	}
	return result
}

// downWith has every try answered so until it is up.
func (f *fakeTarget) downWith(result message.Result) (up func()) {
	var well atomic.Bool
	f.answer = func(*message.Message, int) (message.Result, time.Duration) {
		if well.Load() {
			return delivered2xx, time.Millisecond
		}
		return result, time.Millisecond
	}
	return func() { well.Store(true) }
}

// deliveries is how many have started.
func (f *fakeTarget) deliveries() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.starts)
}

// tried is how many deliveries each message had.
func (f *fakeTarget) tried() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.tries)
}

// took2xx is how often each message was delivered.
func (f *fakeTarget) took2xx() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.good)
}

func (f *fakeTarget) mostAtOnce() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.most
}

// engine is a consumer that runs in a bubble.
type engine struct {
	*Consumer
	queue   *fakeQueue
	target  *fakeTarget
	door    *gate.Gate
	drain   context.CancelFunc
	abort   context.CancelFunc
	summary chan Summary
	logs    *strings.Builder
}

// openGate has one delivery succeed, so that the gate is not as at a start.
func openGate(g *gate.Gate) {
	seat, m, now := g.Join(func() {}), new(gate.Message), time.Now()
	seat.Enter(m, "first")
	seat.Begin(now, m)
	seat.End(now, m, message.Result{Outcome: message.Delivered}, 1)
	seat.Leave(m)
}

// run starts a consumer with the settings' defaults, except for what change sets.
func run(t *testing.T, q *fakeQueue, f *fakeTarget, limits ratelimit.Limits, change func(*Options)) *engine {
	t.Helper()
	logs := &strings.Builder{}
	o := Options{
		Queue: "orders", Target: "default", Source: q, Deliver: f, Gate: gate.New(1), Pace: ratelimit.New(limits), Weight: 1,
		Attributes: q.attributes, Timeout: 30 * time.Second, Gather: 20 * time.Millisecond,
		Backoff: time.Second, BackoffMax: 15 * time.Minute,
		DrainTimeout: 25 * time.Second, Seed: 1,
		Logger: slog.New(slog.NewTextHandler(logs, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
	openGate(o.Gate)
	if change != nil {
		change(&o)
	}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{Consumer: c, queue: q, target: f, door: o.Gate, summary: make(chan Summary, 1), logs: logs}
	var drain, now context.Context
	drain, e.drain = context.WithCancel(t.Context())
	now, e.abort = context.WithCancel(context.Background())
	go func() { e.summary <- c.Run(drain, now) }()
	return e
}

// stop drains the engine and returns what it says.
func (e *engine) stop() Summary {
	e.drain()
	s := <-e.summary
	e.abort()
	return s
}

// said is what the log says so far.
func (e *engine) said() string {
	e.mu.Lock() // the engine logs under it
	defer e.mu.Unlock()
	return e.logs.String()
}

// pass lets virtual time go by, and whatever happens in it end.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
