package simulation

import (
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/localsqs"
)

// history is a world's evidence made by hand: what one process would have done to one
// queue, by the servers' logs.
type history struct {
	*world
	by *process
}

// roundTrip is how long each of its calls takes.
const roundTrip = 10 * time.Millisecond

// newHistory is a staged world of so many messages in which all went well for an hour, and
// nothing has happened yet.
func newHistory(t *testing.T, messages int, change func(*scenario)) *history {
	t.Helper()
	s := staged(1)
	s.storm = nil
	for range messages {
		s.sends = append(s.sends, sendPlan{size: 50, group: "g"})
	}
	if change != nil {
		change(s)
	}
	w := newWorld(s)
	w.healed, w.stopped = 50*time.Minute, time.Hour
	w.sqs = localsqs.New()
	t.Cleanup(w.sqs.Close)
	p := &process{world: w, name: "a1", drained: never, killed: never, exited: never, paces: [][]pace{{{0, s.targets[0].limits}}}}
	w.evidence.processes = []*process{p}
	return &history{w, p}
}

func seconds(s float64) instant { return instant(s * float64(time.Second)) }

// call notes a call that SQS answers, and does half-way.
func (h *history) call(sent float64, action string, entries ...entry) *sqsCall {
	c := &sqsCall{by: h.by, action: action, sent: seconds(sent), came: seconds(sent) + roundTrip, entries: entries}
	h.evidence.calls = append(h.evidence.calls, c)
	if len(entries) > 0 {
		h.evidence.executed = append(h.evidence.executed, &execution{at: c.sent + roundTrip/2, call: c, items: entries})
	}
	return c
}

// receives has a receive bring messages, and none if there are none.
func (h *history) receives(sent float64, messages ...int) *sqsCall {
	c := h.call(sent, "ReceiveMessage")
	c.asked, c.visibility = 10, h.plan.queues[0].visibility
	x := &execution{at: c.sent + roundTrip/2, call: c}
	for _, m := range messages {
		h.world.receives[m]++
		one := handle{m, h.world.receives[m]}
		x.items = append(x.items, entry{handle: one})
		c.brought = append(c.brought, handed{handle: one, served: x.at, count: one.receive})
	}
	h.evidence.executed = append(h.evidence.executed, x)
	return c
}

// newest are entries with the newest handles.
func (h *history) newest(visible int, messages []int) []entry {
	var all []entry
	for _, m := range messages {
		all = append(all, entry{handle: handle{m, h.world.receives[m]}, seconds: visible})
	}
	return all
}

func (h *history) deletes(sent float64, messages ...int) *sqsCall {
	return h.call(sent, deleteCall, h.newest(0, messages)...)
}

// changes sets the visibility of messages, in seconds: a release or an extension.
func (h *history) changes(sent float64, visible int, messages ...int) {
	h.call(sent, changeCall, h.newest(visible, messages)...)
}

// tries has the target answer a delivery.
func (h *history) tries(message int, from, to float64, status int) {
	number := 0
	for _, before := range h.evidence.deliveries {
		if before.by == h.by && before.message == message {
			number++
		}
	}
	d := &delivery{by: h.by, message: message, number: number, count: h.world.receives[message], arrived: seconds(from), ended: seconds(to), status: status}
	h.evidence.deliveries = append(h.evidence.deliveries, d)
}

// triesAll has the target answer a batch: its first message with one status, the others with
// another.
func (h *history) triesAll(from, to float64, first, others int, messages ...int) {
	q := &request{whole: first/100 != 2 && others/100 != 2}
	for i, m := range messages {
		h.tries(m, from, to, choose(i == 0, first, others))
		d := h.evidence.deliveries[len(h.evidence.deliveries)-1]
		d.request, q.all = q, append(q.all, d)
	}
}

// stopsAtTen has the process drain from 10 s on.
func (h *history) stopsAtTen(to float64) { h.by.drained, h.by.exited = seconds(10), seconds(to) }
