package gate

import (
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

var (
	ok     = message.Result{Outcome: message.Delivered, Status: 200}
	broken = message.Result{Outcome: message.Failed, Status: 500}
)

// answers are the results of a request of which the answer names some: d is delivered, f failed.
func answers(word string) []message.Result {
	all := make([]message.Result, len(word))
	for i, c := range word {
		if all[i] = ok; c == 'f' {
			all[i] = broken
		}
	}
	return all
}

// door is the seat of a queue at a gate that is open, and the time there.
type door struct {
	*Seat

	now time.Time
}

func newDoor() *door {
	now := time.Now()
	_, s := opened(now)
	return &door{s, now}
}

func (d *door) pass(t time.Duration) { d.now = d.now.Add(t) }

// begin begins a request with n new messages.
func (d *door) begin(name string, n int) []*Message { return together(d.now, d.Seat, name, n) }

// retry has them begin again in one request.
func (d *door) retry(all []*Message) { again(d.now, d.Seat, all) }

// one has a new message that is alone end so.
func (d *door) one(name string, r message.Result) *Message {
	m := d.begin(name, 1)[0]
	d.End(d.now, m, r, 10)
	return m
}

// whole has a request end with one answer to all. It reports whether some are tried alone.
func (d *door) whole(all []*Message, r message.Result) (apart bool) {
	return d.Dissolve(d.now, all, r, 10)
}

// each has a request end with an answer that tells its messages apart.
func (d *door) each(all []*Message, word string) []Fate { return d.named(all, answers(word), false) }

func (d *door) named(all []*Message, results []message.Result, ordered bool) []Fate {
	fates := make([]Fate, len(all))
	d.EndEach(d.now, all, results, ordered, 10, fates)
	return fates
}
