package consumer

import (
	"log/slog"
	"math"
	"time"

	"poller/internal/message"
)

// How often GetQueueAttributes is asked: while messages come or are in hand; once
// more after the last one; and of an idle queue, where an empty long poll itself
// says that nothing is visible.
const (
	depthBusy  = 15 * time.Second
	depthAfter = 5 * time.Minute
	depthIdle  = time.Hour
)

// depthWatch knows how many messages the queue holds, and whether they get fewer.
type depthWatch struct {
	next   time.Time // when it is asked next; zero: an answer is awaited
	last   time.Time // when the last message came
	known  bool
	at     time.Time
	depth  message.Depth
	slope  float64 // visible messages more a second, smoothed
	sloped bool
}

// begin has the depth asked at once.
func (d *depthWatch) begin(now time.Time) { d.next, d.last = now, now }

// active notes that messages came.
func (d *depthWatch) active(now time.Time) {
	d.last = now
	if !d.next.IsZero() {
		d.next = earlier(d.next, now.Add(depthBusy))
	}
}

func (c *Consumer) watchDepth(now time.Time) {
	d := &c.depth
	if d.next.IsZero() || now.Before(d.next) || c.draining {
		return
	}
	d.next = time.Time{}
	c.call(depthCall, nil)
}

// depthKnown takes in the answer, and says when to ask again.
func (c *Consumer) depthKnown(now time.Time, depth message.Depth, err error) {
	d := &c.depth
	busy := c.hand.size() > 0 || depth.Visible > 0 || now.Sub(d.last) < depthBusy
	switch after := d.last.Add(depthAfter); {
	case err != nil && message.FaultOf(err) == message.Refused:
		d.next = now.Add(depthIdle)
	case busy:
		d.next = now.Add(depthBusy)
	case now.Before(after):
		d.next = after
	default:
		d.next = now.Add(depthIdle)
	}
	if err != nil {
		if events, ok := c.notices.say(now, "depth", false); ok && !c.ended {
			c.log.Warn("the queue's depth is not known: GetQueueAttributes fails; everything else goes on",
				slog.String("reason", message.FaultOf(err).String()), slog.Any("error", err), slog.Int("failures", events))
		}
		return
	}
	if d.known {
		slope := float64(depth.Visible-d.depth.Visible) / max(now.Sub(d.at).Seconds(), 1e-3)
		if d.sloped {
			slope = (d.slope + slope) / 2
		}
		d.slope, d.sloped = slope, true
	}
	d.known, d.at, d.depth = true, now, depth
}

// drainSeconds estimates the time until the queue is empty: +Inf while it grows,
// NaN while it is not known.
func (d *depthWatch) drainSeconds() float64 {
	switch {
	case !d.known:
		return math.NaN()
	case d.depth.Visible == 0:
		return 0
	case !d.sloped:
		return math.NaN()
	case d.slope >= 0:
		return math.Inf(1)
	default:
		return float64(d.depth.Visible) / -d.slope
	}
}
