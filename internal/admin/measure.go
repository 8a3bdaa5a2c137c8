package admin

import (
	"math"
	"time"
)

// counted is what has been counted of a queue.
type counted struct {
	Measures

	waits [4]Wait
}

// measure fills in what happened between two samples.
func (s *queueSample) measure(was, is counted) {
	before, now := was.Measures, is.Measures
	s.failed = float32(max(now.Failed-before.Failed, 0)) / float32(sampleEvery.Seconds())
	s.median, s.worst = quantile(before, now, 0.5), quantile(before, now, 0.99)
	for i := range s.waits {
		s.waits[i] = float32(math.NaN())
		if n := is.waits[i].Count - was.waits[i].Count; n > 0 {
			s.waits[i] = float32(time.Duration(is.waits[i].Sum-was.waits[i].Sum).Seconds() / float64(n))
		}
	}
}

// quantile returns the duration, in seconds, that this part of the deliveries between two
// samples took at most; NaN if there were none. Within a bucket it interpolates.
func quantile(before, now Measures, part float64) float32 {
	since := func(i int) int64 {
		if i < len(before.Durations) {
			return now.Durations[i] - before.Durations[i]
		}
		return now.Durations[i]
	}
	all := int64(0)
	for i := range now.Durations {
		all += since(i)
	}
	if all <= 0 {
		return float32(math.NaN())
	}
	rank := part * float64(all)
	seen := 0.0
	for i := range now.Durations {
		n := float64(since(i))
		if n == 0 || seen+n < rank {
			seen += n
			continue
		}
		var from time.Duration
		if i > 0 {
			from = now.Bound(i - 1)
		}
		return float32((from.Seconds() + (now.Bound(i)-from).Seconds()*(rank-seen)/n))
	}
	return float32(now.Bound(len(now.Durations) - 1).Seconds())
}

// trendPoints is how many points the overview's small charts have.
const trendPoints = 30

// trends fills in each queue's backlog over the last minutes, a point for every so many
// samples; nil if it is not known.
func (h *history) trends(st *Status) {
	if len(st.Queues) < 2 {
		return
	}
	each := (sampleCount + trendPoints - 1) / trendPoints
	for i := range st.Queues {
		var trend []float64
		for n := (len(h.samples) - 1) % each; n >= 0 && n < len(h.samples); n += each {
			if at := h.samples[n]; i < len(at.queues) && at.queues[i].name == st.Queues[i].Name && at.queues[i].visible >= 0 {
				trend = append(trend, float64(at.queues[i].visible))
			}
		}
		st.Queues[i].trend = trend
	}
}

// columns is the history for /history.json: one column per quantity, as the page's charts
// take it.
type columns struct {
	Interval Seconds       `json:"interval_seconds"`
	At       []int64       `json:"at"` // Unix seconds
	Queues   []queueColumn `json:"queues"`
	Marks    []mark        `json:"marks"`
}

// queueColumn is one queue's; null is what is not known, or did not happen.
type queueColumn struct {
	Name      string    `json:"name"`
	Lag       []Seconds `json:"lag_seconds"`
	Visible   []*int    `json:"visible"`
	Started   []Number  `json:"started_per_second"`
	Delivered []Number  `json:"delivered_per_second"`
	Failed    []Number  `json:"failed_per_second"`
	Median    []Number  `json:"median_seconds"`
	Worst     []Number  `json:"p99_seconds"`
	Slot      []Number  `json:"slot_wait_seconds"`
	Token     []Number  `json:"token_wait_seconds"`
	Quota     []Number  `json:"quota_wait_seconds"`
	Gate      []Number  `json:"gate_wait_seconds"`
	// Limit is the concurrency that is found, and Why the reason for its last change.
	Limit []Number `json:"concurrency_found"`
	Why   []string `json:"concurrency_reason"`
}

// columns returns the history of one queue, or of all if name is empty.
func (h *history) columns(name string) columns {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := columns{Interval: Seconds(sampleEvery), At: []int64{}, Queues: []queueColumn{}, Marks: []mark{}}
	for _, e := range h.marks(h.events) {
		c.Marks = append(c.Marks, mark{At: e.At.Unix(), Kind: e.Kind, Target: e.Target, Text: e.Text})
	}
	for _, s := range h.samples {
		c.At = append(c.At, s.at.Unix())
		place := 0
		for _, q := range s.queues {
			if name != "" && q.name != name {
				continue
			}
			if place == len(c.Queues) {
				c.Queues = append(c.Queues, queueColumn{Name: q.name})
			}
			c.Queues[place].add(q)
			place++
		}
	}
	return c
}

func (c *queueColumn) add(q *queueSample) {
	c.Lag = append(c.Lag, q.lag)
	var visible *int
	if q.visible >= 0 {
		visible = &q.visible
	}
	c.Visible = append(c.Visible, visible)
	c.Why = append(c.Why, q.why)
	for _, one := range []struct {
		to    *[]Number
		value float32
	}{
		{&c.Started, q.started},
		{&c.Delivered, q.delivered},
		{&c.Failed, q.failed},
		{&c.Median, q.median},
		{&c.Worst, q.worst},
		{&c.Slot, q.waits[0]},
		{&c.Token, q.waits[1]},
		{&c.Quota, q.waits[2]},
		{&c.Gate, q.waits[3]},
		{&c.Limit, q.limit},
	} {
		*one.to = append(*one.to, Number(one.value))
	}
}
