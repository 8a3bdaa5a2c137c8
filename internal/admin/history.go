package admin

import (
	"math"
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

	measured map[string]counted // by queue, as of the last sample; only add uses it
}

type sample struct {
	at time.Time
	// queues are in the status's order. A queue that shows what it did in the sample before
	// shares it: most of hundreds of queues may be idle.
	queues  []*queueSample
	targets [][]Deliveries // since the start, by target
}

// queueSample is one queue at one time. Numbers are small: there may be hundreds of queues.
type queueSample struct {
	name                       string
	lag                        Seconds
	visible                    int        // -1 if it is not known
	started, delivered, failed float32    // per second
	median, worst              float32    // of the durations since the sample before, in seconds; NaN if none
	waits                      [4]float32 // mean seconds since then; NaN if none
	limit                      float32    // the concurrency that is found; NaN if it is not
	why                        string     // and why it last changed, if it did since then
}

// like reports whether two samples show the same.
func (s *queueSample) like(other *queueSample) bool {
	return s.name == other.name && s.lag == other.lag && s.visible == other.visible && s.why == other.why && s.bits() == other.bits()
}

// bits are the numbers, of which some may be NaN, as what can be compared.
func (s *queueSample) bits() (all [10]uint32) {
	for i, one := range [...]float32{s.started, s.delivered, s.failed, s.median, s.worst, s.waits[0], s.waits[1], s.waits[2], s.waits[3], s.limit} {
		all[i] = math.Float32bits(one)
	}
	return all
}

func (h *history) add(now time.Time, st Status) {
	s := sample{at: now, queues: make([]*queueSample, 0, len(st.Queues))}
	var last sample
	if n := len(h.samples); n > 0 {
		last = h.samples[n-1] // nobody else adds
	}
	before := h.measured
	h.measured = make(map[string]counted, len(st.Queues))
	for i, q := range st.Queues {
		one := &queueSample{name: q.Name, lag: q.Lag, visible: -1, started: float32(q.StartedPerSecond), delivered: float32(q.DeliveredPerSecond)}
		if q.Depth != nil {
			one.visible = q.Depth.Visible
		}
		h.measured[q.Name] = counted{q.Measures, q.Waits.all()}
		one.measure(before[q.Name], h.measured[q.Name])
		one.limit, one.why = st.found(q.Target, last.at)
		if i < len(last.queues) && one.like(last.queues[i]) {
			one = last.queues[i]
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
	h.trends(st)
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
