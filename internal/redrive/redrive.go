package redrive

import (
	"context"
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/message"
	"github.com/sqs-poller/poller/internal/queue"
)

// destination is the queue that messages are put back on.
type destination interface {
	Send(ctx context.Context, drafts []queue.Draft) []error
}

// Options are what is to be moved, and how. All are required except Rate, Ramp, Max, DryRun
// and Note.
type Options struct {
	From source
	To   destination
	// FIFO reports whether both are FIFO queues.
	FIFO  bool
	Match Match
	// Rate is in messages a second; 0 means as fast as possible. Ramp is how long it takes
	// to rise from a twentieth of that.
	Rate float64
	Ramp time.Duration
	// Max is how many are moved at most; 0 means all.
	Max int
	// DryRun moves nothing and counts what would be moved.
	DryRun bool
	// Note is called for each message that is meant, before it is moved, and for each that
	// could not be moved, with the reason. It must not keep the message.
	Note func(m *message.Message, err error)
	// Progress is called after each batch.
	Progress func(Result)
}

// Result counts messages.
type Result struct {
	// Moved were sent and deleted; of a dry run, these would be.
	Moved int
	// Copied were sent, but could not be deleted: they are in both queues.
	Copied int
	// Failed could not be sent, and Behind were left since they stand behind one of those
	// in their group.
	Failed, Behind int
	// Skipped did not match; Newer came after the start.
	Skipped, Newer int
	// Hidden are still invisible, for two minutes at most.
	Hidden int
}

// Left returns how many of those that were to be moved are left.
func (r Result) Left() int { return r.Copied + r.Failed + r.Behind }

// lowest is the part of the rate that a ramp begins with.
const lowest = 0.05

// longestWait is the longest time in which nothing that is hidden is extended.
const longestWait = 15 * time.Second

// run is one redrive.
type run struct {
	Options
	Result
	begun  time.Time
	next   time.Time // when the next message may be sent
	kept   *hidden
	failed map[string]bool // groups of which a message could not be sent
}

// Run moves the messages that match until the queue has nothing more, Max is reached, or
// stop is done; kill ends its calls. What it has begun it finishes. The error is SQS's, when
// it would be the same for every message.
func Run(stop, kill context.Context, o Options) (Result, error) {
	if o.Note == nil {
		o.Note = func(*message.Message, error) {}
	}
	if o.Progress == nil {
		o.Progress = func(Result) {}
	}
	now := time.Now()
	r := &run{Options: o, begun: now, next: now, kept: newHidden(o.From), failed: make(map[string]bool)}
	err := r.all(stop, kill)
	r.Hidden = r.kept.release(kill)
	return r.Result, err
}

func (r *run) all(stop, kill context.Context) error {
	for empty := 0; empty < emptyAfter && !r.enough() && stop.Err() == nil; {
		asked := time.Now()
		batch, err := receive(kill, r.From, queue.MaxBatch)
		if err != nil {
			return err
		}
		empty++
		var meant []*message.Message
		for _, m := range batch {
			if !r.kept.add(m, asked) {
				continue
			}
			empty = 0
			if r.means(asked, m) {
				meant = append(meant, m)
			}
		}
		if err := r.move(stop, kill, meant); err != nil {
			return err
		}
		r.kept.extend(kill)
		r.Progress(r.Result)
	}
	return nil
}

// enough reports whether as many are moved as were to be.
func (r *run) enough() bool { return r.Max > 0 && r.Moved >= r.Max }

// atOnce returns how many messages may be sent in one call: those of a tenth of a second.
// On a FIFO queue it is one: if one of several fails, those behind it must not have been
// sent.
func (r *run) atOnce() int {
	n := queue.MaxBatch
	if r.Rate > 0 {
		n = min(max(int(r.rate(time.Now())/10), 1), n)
	}
	if r.Max > 0 {
		n = min(n, r.Max-r.Moved)
	}
	if r.FIFO {
		n = min(n, 1)
	}
	return n
}

// rate is the rate in force.
func (r *run) rate(now time.Time) float64 {
	if r.Ramp <= 0 {
		return r.Rate
	}
	return r.Rate * min(1, max(lowest, now.Sub(r.begun).Seconds()/r.Ramp.Seconds()))
}

// pace waits until the next message may be sent, and reports whether stop is not done.
func (r *run) pace(stop, kill context.Context) bool {
	for {
		r.kept.extend(kill)
		left := time.Until(r.next)
		if left <= 0 {
			return stop.Err() == nil
		}
		if !wait(stop, min(left, longestWait)) {
			return false
		}
	}
}

// means reports whether m is to be moved, and counts it if not.
func (r *run) means(now time.Time, m *message.Message) bool {
	age := r.From.Age(now, m)
	switch {
	case age <= now.Sub(r.begun):
		r.Newer++
		return false
	case !r.Match(m, age):
		r.Skipped++
		return false
	default:
		return true
	}
}

// move sends messages, at the rate, and then deletes those that were sent.
func (r *run) move(stop, kill context.Context, meant []*message.Message) error {
	for len(meant) > 0 && !r.enough() {
		if !r.DryRun && !r.pace(stop, kill) {
			return nil
		}
		n := min(len(meant), r.atOnce())
		for _, m := range meant[:n] {
			r.Note(m, nil)
		}
		if r.DryRun {
			r.Moved += n
		} else if err := r.moveBatch(kill, meant[:n]); err != nil {
			return err
		}
		meant = meant[n:]
	}
	return nil
}

func (r *run) moveBatch(kill context.Context, batch []*message.Message) error {
	if m := batch[0]; r.FIFO && r.failed[m.GroupID] {
		r.Behind++
		return nil
	}
	r.spend(len(batch))
	errs := again(kill, len(batch), func(ctx context.Context, which []int) []error {
		drafts := make([]queue.Draft, len(which))
		for i, at := range which {
			drafts[i] = queue.Again(batch[at], r.FIFO)
		}
		return r.To.Send(ctx, drafts)
	})
	var sent []*message.Message
	var fatal error
	for i, err := range errs {
		if err == nil {
			sent = append(sent, batch[i])
			continue
		}
		r.Failed++
		r.failed[batch[i].GroupID] = true
		r.Note(batch[i], err)
		if message.FaultOf(err) != message.Invalid {
			fatal = err
		}
	}
	return r.delete(kill, sent, fatal)
}

// spend takes the time that n messages cost at the rate in force.
func (r *run) spend(n int) {
	if r.Rate <= 0 {
		return
	}
	now := time.Now()
	if r.next.Before(now) {
		r.next = now
	}
	r.next = r.next.Add(time.Duration(float64(n) / r.rate(now) * float64(time.Second)))
}

// delete deletes what was sent. fatal is returned if nothing worse happens.
func (r *run) delete(kill context.Context, sent []*message.Message, fatal error) error {
	if len(sent) == 0 {
		return fatal
	}
	errs := again(kill, len(sent), func(ctx context.Context, which []int) []error {
		handles := make([]string, len(which))
		for i, at := range which {
			handles[i] = sent[at].ReceiptHandle
		}
		return r.From.Delete(ctx, handles)
	})
	for i, err := range errs {
		if err == nil {
			r.Moved++
			r.kept.drop(sent[i])
			continue
		}
		r.Copied++
		r.Note(sent[i], fmt.Errorf("it was sent, and could not be deleted: %w", err))
		if fatal == nil && message.FaultOf(err) == message.Refused {
			fatal = err
		}
	}
	return fatal
}
