package admin

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// The history covers 15 minutes: long enough to see whether the queue grew or the target
// slowed down.
const (
	sampleEvery = 5 * time.Second
	sampleCount = 15*60/5 + 1
	lastMinute  = time.Minute
)

// history is the status over the last minutes.
type history struct {
	mu      sync.Mutex // guards what follows
	samples []sample   // oldest first
	events  []Event    // the daemon's, as of the last sample
	gates   []Event    // gates that closed or opened, newest first
	closed  map[string]bool
}

type sample struct {
	at      time.Time
	queues  []queueSample
	targets [][]Deliveries // since the start, by target
}

type queueSample struct {
	name               string
	lag                Seconds
	visible            *int
	started, delivered float64
}

func (h *history) add(now time.Time, st Status) {
	s := sample{at: now}
	for _, q := range st.Queues {
		one := queueSample{name: q.Name, lag: q.Lag, started: q.StartedPerSecond, delivered: q.DeliveredPerSecond}
		if q.Depth != nil {
			one.visible = &q.Depth.Visible
		}
		s.queues = append(s.queues, one)
	}
	for _, t := range st.Targets {
		s.targets = append(s.targets, t.Deliveries)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events = st.Events
	h.watchGates(st)
	if len(h.samples) == sampleCount {
		h.samples = slices.Delete(h.samples, 0, 1)
	}
	h.samples = append(h.samples, s)
}

// complete fills in each target's deliveries in the last minute: those since the latest
// sample that is at least a minute old, or since the start.
func (h *history) complete(now time.Time, st *Status) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st.Events = h.marks(st.Events)
	var before [][]Deliveries
	for _, s := range slices.Backward(h.samples) {
		if now.Sub(s.at) >= lastMinute {
			before = s.targets
			break
		}
	}
	for i := range st.Targets {
		var old []Deliveries
		if i < len(before) {
			old = before[i]
		}
		st.Targets[i].DeliveriesLastMinute = since(old, st.Targets[i].Deliveries)
	}
}

// since returns the counts added between two samples, without those that did not change.
func since(before, now []Deliveries) []Deliveries {
	more := []Deliveries{}
	for _, d := range now {
		for _, old := range before {
			if old.Outcome == d.Outcome && old.Status == d.Status && old.Answer == d.Answer {
				d.Count -= old.Count
			}
		}
		if d.Count > 0 {
			more = append(more, d)
		}
	}
	slices.SortFunc(more, func(a, b Deliveries) int {
		if a.Count != b.Count {
			return int(b.Count - a.Count)
		}
		return strings.Compare(a.Outcome+a.Status+a.Answer, b.Outcome+b.Status+b.Answer)
	})
	return more
}

// columns returns the history for /history.json: one column per quantity, as the page's
// charts take it.
type columns struct {
	Interval Seconds       `json:"interval_seconds"`
	At       []int64       `json:"at"` // Unix seconds
	Queues   []queueColumn `json:"queues"`
	Marks    []mark        `json:"marks"`
}

type queueColumn struct {
	Name      string    `json:"name"`
	Lag       []Seconds `json:"lag_seconds"`
	Visible   []*int    `json:"visible"` // null: not known
	Started   []Number  `json:"started_per_second"`
	Delivered []Number  `json:"delivered_per_second"`
}

func (h *history) columns() columns {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := columns{Interval: Seconds(sampleEvery), At: []int64{}, Queues: []queueColumn{}, Marks: []mark{}}
	for _, e := range h.marks(h.events) {
		c.Marks = append(c.Marks, mark{At: e.At.Unix(), Kind: e.Kind, Target: e.Target, Text: e.Text})
	}
	for _, s := range h.samples {
		c.At = append(c.At, s.at.Unix())
		for i, q := range s.queues {
			if i == len(c.Queues) {
				c.Queues = append(c.Queues, queueColumn{Name: q.name})
			}
			column := &c.Queues[i]
			column.Lag = append(column.Lag, q.lag)
			column.Visible = append(column.Visible, q.visible)
			column.Started = append(column.Started, Number(q.started))
			column.Delivered = append(column.Delivered, Number(q.delivered))
		}
	}
	return c
}
