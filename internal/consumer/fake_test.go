package consumer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sqs-poller/poller/internal/message"
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

func (q *fakeQueue) ClockOffset() time.Duration { return time.Duration(q.offset.Load()) }

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
