package admin

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// limit returns what limits deliveries, if it is the pace.
func (t Target) limit() string {
	switch {
	case t.Pace.Rate > 0 && t.StartedPerSecond >= usedUp*float64(t.Pace.Rate):
		return fmt.Sprintf(", limited by the target's rate of %s%s", rate(float64(t.Pace.Rate)), t.pinned("rate"))
	case t.Hanging > 0 && t.Delivering >= t.slots() && t.slots() < t.Pace.Concurrency:
		return fmt.Sprintf(", limited to %d deliveries until the first one succeeds; they have run for up to %s",
			t.slots(), seconds(time.Duration(t.LongestDelivery)))
	case t.Hanging > 0 && float64(t.Delivering) >= usedUp*float64(t.Pace.Concurrency):
		return fmt.Sprintf(", limited by the target's concurrency of %d%s, of which %d are taken by deliveries that have run for up to %s",
			t.Pace.Concurrency, t.pinned("concurrency"), t.Hanging, seconds(time.Duration(t.LongestDelivery)))
	case t.Pace.Adaptive != nil && t.busy() >= usedUp*float64(t.Pace.Concurrency):
		return fmt.Sprintf(", limited by the %s that target %s was found to take at once, at %s per delivery%s",
			count(t.Pace.Concurrency), t.Name, seconds(inSeconds(float64(t.MeanDelivery))), t.Pace.Adaptive.most(t.Pace.Concurrency))
	case t.Pace.Concurrency > 0 && t.busy() >= usedUp*float64(t.Pace.Concurrency):
		return fmt.Sprintf(", limited by the target's concurrency of %d%s at %s per delivery",
			t.Pace.Concurrency, t.pinned("concurrency"), seconds(inSeconds(float64(t.MeanDelivery))))
	}
	if t.Pace.Told != nil && t.Pace.Told.Remaining == 0 {
		return ", limited by what the target says it takes"
	}
	for _, q := range t.Pace.Quotas {
		if float64(q.Used) >= usedUp*float64(q.Limit) {
			return ", limited by the target's quota of " + q.words()
		}
	}
	return ""
}

// busy returns how many slots are in use on average.
func (t Target) busy() float64 {
	if math.IsNaN(float64(t.MeanDelivery)) {
		return 0
	}
	return t.StartedPerSecond * float64(t.MeanDelivery)
}

// usedUp returns the quota that is used up for the longest, if that is so long that nothing
// is received meanwhile; else nil.
func (t Target) usedUp(now time.Time) *Quota {
	var worst *Quota
	for i, q := range t.Pace.Quotas {
		if q.FreeAt != nil && q.FreeAt.Sub(now) >= behindAfter && (worst == nil || q.FreeAt.After(*worst.FreeAt)) {
			worst = &t.Pace.Quotas[i]
		}
	}
	return worst
}

// toldToWait reports whether the target has said that it takes no more for so long that
// nothing is received meanwhile.
func (t Target) toldToWait(now time.Time) bool {
	return t.Pace.Told != nil && t.Pace.Told.Remaining == 0 && t.Pace.Told.ResetAt.Sub(now) >= behindAfter
}

// sentence says until when the quota is used up.
func (q Quota) sentence(now time.Time) string {
	return fmt.Sprintf("the quota of %s is used up until %s (in %s)", q.words(), clockFrom(now, *q.FreeAt), seconds(q.FreeAt.Sub(now)))
}

// words formats the quota as in 50,000 a day.
func (q Quota) words() string {
	unit := map[time.Duration]string{time.Second: "second", time.Minute: "minute", time.Hour: "hour", 24 * time.Hour: "day"}[time.Duration(q.Window)]
	if unit == "" {
		return count(q.Limit) + " in " + seconds(time.Duration(q.Window))
	}
	article := " a "
	if unit == "hour" {
		article = " an "
	}
	return count(q.Limit) + article + unit
}

// slowReceive is from when on SQS's own latency can be what limits deliveries.
const slowReceive = 100 * time.Millisecond

// limit returns what limits deliveries on the queue's side: SQS's latency.
func (q *Queue) limit() string {
	if took := time.Duration(q.ReceiveTime); q.ReceiveTime != Unknown && took >= slowReceive && q.Depth != nil && q.Depth.Visible > 0 && q.Problem == nil {
		return ", limited by SQS: a receive takes " + seconds(took)
	}
	return ""
}

// retried returns when the target is tried next if the gate is closed.
func (g Gate) retried(now time.Time) string {
	if g.NextProbe == nil {
		return ""
	}
	return ", next probe " + g.next(now)
}

// next returns when the target is tried next.
func (g Gate) next(now time.Time) string {
	if g.NextProbe == nil || !g.NextProbe.After(now) {
		return "now"
	}
	return "in " + seconds(g.NextProbe.Sub(now))
}

// hint asks, of a target that answers, what its most frequent answer asks of whoever set
// it up.
func (g Gate) hint() string {
	answer, _, counted := strings.Cut(g.Answers, " (")
	if !counted {
		return ""
	}
	switch answer {
	case "301", "302", "303", "307", "308":
		return "; redirects are not followed: has its URL changed?"
	case "401", "403":
		return "; are its credentials right?"
	case "404", "405":
		return "; is the path of its URL right?"
	case "407":
		return "; are the proxy's credentials right?"
	}
	return ""
}

// slots returns how many deliveries may run at the same time: fewer than the concurrency
// until the first one has succeeded.
func (t Target) slots() int {
	if t.Gate.State == "starting" {
		return min(t.Gate.Limit, t.Pace.Concurrency)
	}
	return t.Pace.Concurrency
}

func (t Target) hangs() bool {
	return t.Delivering > 0 && t.StartedPerSecond == 0 && len(t.DeliveriesLastMinute) == 0 &&
		time.Duration(t.LongestDelivery) >= time.Minute && t.Delivering >= t.slots()
}
