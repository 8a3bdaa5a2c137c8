package admin

import (
	"fmt"
	"math"
	"time"
)

// Level is the severity of a verdict.
type Level string

// The levels, from best to worst.
const (
	// Good means that there is nothing to do.
	Good Level = "good"
	// Notice means that the worker is behind, or idle on purpose: look when you can.
	Notice Level = "notice"
	// Bad means that somebody has to act.
	Bad Level = "bad"
)

func (l Level) rank() int { return map[Level]int{Good: 0, Notice: 1, Bad: 2}[l] }

// Verdict is the state of a queue or of the daemon in one sentence.
type Verdict struct {
	Level Level  `json:"level"`
	Text  string `json:"text"`
}

func good(format string, args ...any) Verdict { return Verdict{Good, fmt.Sprintf(format, args...)} }

func notice(format string, args ...any) Verdict { return Verdict{Notice, fmt.Sprintf(format, args...)} }

func bad(format string, args ...any) Verdict { return Verdict{Bad, fmt.Sprintf(format, args...)} }

// Thresholds. A queue is behind if its oldest message is older than behindAfter, or if
// its messages will take longer than that.
const (
	behindAfter = 10 * time.Second
	// A failing SQS call that recovers within this time is not mentioned.
	troubleAfter = 10 * time.Second
	// The share of failed deliveries in the last minute from which the target is failing.
	failingShare = 0.5
	// The share from which failures are mentioned.
	troubledShare = 0.05
	// The share of the pace in use from which the pace is the limit.
	usedUp = 0.9
)

// assess fills in the verdicts and the fields they are based on.
func (s *Status) assess(now time.Time) {
	targets := make(map[string]Target, len(s.Targets))
	for _, t := range s.Targets {
		targets[t.Name] = t
	}
	for i := range s.Queues {
		q := &s.Queues[i]
		q.Verdict = q.assess(now, targets[q.Target], s.lastStatus(q.Name))
	}
	s.Verdict = s.whole(now)
}

// whole returns the daemon's verdict: its own problems first, else its worst queue's.
func (s *Status) whole(now time.Time) Verdict {
	inHand := 0
	for _, q := range s.Queues {
		inHand += sum(q.InHand)
	}
	switch {
	case !s.Healthy:
		return bad("Stuck: %s", s.Unhealthy[0].sentence(now))
	case s.Draining:
		return notice("Draining: nothing more is received, %s still in hand", messages(inHand))
	case len(s.Queues) == 0:
		return notice("No queue is open yet%s", s.why(now))
	}
	worst := s.Queues[0]
	for _, q := range s.Queues[1:] {
		if q.Verdict.Level.rank() > worst.Verdict.Level.rank() {
			worst = q
		}
	}
	v := worst.Verdict
	if !s.Ready && v.Level != Bad {
		v = bad("Not ready%s", s.why(now))
		if now.Sub(s.NotReady[0].Since) < troubleAfter {
			v = notice("Starting%s", s.why(now))
		}
	} else if len(s.Queues) > 1 && v.Level != Good {
		v.Text = worst.Name + ": " + v.Text
	}
	return v
}

func (s *Status) why(now time.Time) string {
	if len(s.NotReady) == 0 {
		return ""
	}
	return ": " + s.NotReady[0].sentence(now)
}

// lastStatus returns the HTTP status of the queue's last failed delivery, or 0.
func (s *Status) lastStatus(queue string) int {
	for _, f := range s.Failures {
		if f.Queue == queue && f.Outcome != "" {
			return f.Status
		}
	}
	return 0
}

// assess returns the queue's verdict: first what keeps it from moving, then how far
// behind it is and what limits it.
func (q *Queue) assess(now time.Time, t Target, lastStatus int) Verdict {
	if v, found := q.trouble(now); found {
		return v
	}
	if p := t.override("pause"); p != nil {
		return notice("Paused%s since %s (%s), %s%s", p.who(), clock(p.Since), seconds(now.Sub(p.Since)), p.ends(), q.backlog())
	}
	if q.Blocked != "" {
		return q.stopped()
	}
	failing, share, worst := t.failing()
	switch {
	case t.Gate.RejectsSince != nil && t.Gate.Held > 0:
		return bad("Target %s rejects everything since %s (%s): %d given back, %d held%s", t.Name, clock(*t.Gate.RejectsSince),
			seconds(now.Sub(*t.Gate.RejectsSince)), t.Gate.Rejected, t.Gate.Held, t.Gate.retried(now))
	case t.Gate.State == "closed":
		return bad("Target %s is down: deliveries %s since %s (%s); nothing is lost, %s held, next probe %s",
			t.Name, gateWords[t.Gate.Reason], clock(t.Gate.Since), seconds(now.Sub(t.Gate.Since)),
			messages(t.Gate.Held), t.Gate.next(now))
	case t.Gate.State == "half_open" && t.Gate.Held > 0:
		return notice("Target %s is coming back: up to %d concurrent deliveries, more with each success; %s held",
			t.Name, t.Gate.Limit, messages(t.Gate.Held))
	case t.toldToWait(now) && q.waits():
		return notice("Behind%s; target %s takes no more until %s (in %s), as it says itself", q.backlog(), t.Name,
			clockFrom(now, t.Pace.Told.ResetAt), seconds(t.Pace.Told.ResetAt.Sub(now)))
	case share >= failingShare:
		return bad("%s: %s of deliveries in the last minute %s", failing, percent(share), worst.words(lastStatus))
	case t.Fleet.waits() != "":
		return notice("%s%s", t.Fleet.waits(), q.backlog())
	case t.Pace.Rate == 0 && t.Pace.Concurrency > 0:
		return notice("Paused: the rate of target %s is 0%s", t.Name, q.backlog())
	case t.usedUp(now) != nil && q.waits():
		return notice("Behind%s; %s", q.backlog(), t.usedUp(now).sentence(now))
	case t.hangs():
		return bad("Target %s is hanging: no delivery has ended in the last minute, %d in progress", t.Name, t.Delivering)
	}
	also := ""
	if share >= troubledShare {
		also = fmt.Sprintf("; %s of deliveries in the last minute %s", percent(share), worst.words(lastStatus))
	}
	var v Verdict
	switch {
	case q.behind():
		v = notice("Behind%s%s%s%s", q.backlog(), q.age(), t.limit(), q.outlook())
	case sumOf(q.Receives) == 0:
		v = good("Started: waiting for SQS's first response")
	case sum(q.InHand) == 0 && q.Lag == 0:
		v = good("Keeping up: the queue is empty")
	case q.Depth != nil && q.Depth.Visible == 0:
		v = good("Keeping up: no messages waiting; %s delivered%s", perSecond(q.DeliveredPerSecond), q.age())
	default:
		v = good("Keeping up: %s delivered%s", perSecond(q.DeliveredPerSecond), q.age())
	}
	if also += q.DeadLetters.also(); also != "" {
		v = Verdict{Notice, v.Text + also}
	}
	return v
}

// also returns what lies in the dead-letter queue, as a part of a sentence.
func (d *DeadLetters) also() string {
	switch {
	case d == nil || d.Messages == nil || *d.Messages == 0:
		return ""
	case d.Since == nil:
		return fmt.Sprintf("; %s in the dead-letter queue", count(*d.Messages))
	default:
		return fmt.Sprintf("; %s in the dead-letter queue since %s", count(*d.Messages), d.Since.UTC().Format("15:04 UTC"))
	}
}

// trouble returns a verdict if SQS has been failing for more than a moment.
func (q *Queue) trouble(now time.Time) (Verdict, bool) {
	p := q.Problem
	if p == nil || p.Fault != "refused" && now.Sub(p.Since) < troubleAfter {
		return Verdict{}, false
	}
	verb := map[string]string{
		"refused": "SQS refuses", "throttled": "SQS throttles", "network": "SQS does not respond",
	}[p.Fault]
	if verb == "" {
		verb = "SQS fails"
	}
	return bad("%s: %s", verb, Problem{p.What, p.Since}.sentence(now)), true
}

// stopped returns why nothing is received although messages are visible.
func (q *Queue) stopped() Verdict {
	if q.Blocked == "in_flight_limit" {
		return bad("Blocked%s, but SQS returns none: too many are in flight, including those of other consumers", q.backlog())
	}
	if q.Blocked == "unsettled" {
		return bad("Blocked%s, but nothing more is received: SQS has not confirmed the delete or release of %s",
			q.backlog(), messages(q.InHand["deleting"]+q.InHand["releasing"]))
	}
	return notice("Blocked%s, but SQS returns none: earlier messages of their groups are in flight, here or at another consumer", q.backlog())
}

// behind reports whether the queue is noticeably behind.
func (q *Queue) behind() bool {
	if q.Depth != nil && q.Depth.Visible == 0 {
		return false // the lag is from the last minute
	}
	if time.Duration(q.Lag) >= behindAfter {
		return true
	}
	return q.Depth != nil && q.Lag != 0 &&
		float64(q.Depth.Visible) > q.DeliveredPerSecond*behindAfter.Seconds() && q.Depth.Visible > 10
}

// age returns the lag, if it is known, as a part of a sentence.
func (q *Queue) age() string {
	if q.Lag == Unknown {
		return ""
	}
	return ", lag " + q.lag()
}

// waits reports whether the queue has messages to start.
func (q *Queue) waits() bool {
	return q.Depth != nil && q.Depth.Visible > 0 || q.InHand["waiting"]+q.InHand["held"] > 0
}

func (q *Queue) backlog() string {
	if q.Depth == nil {
		return ""
	}
	return ": " + messages(q.Depth.Visible)
}

func (q *Queue) outlook() string {
	switch q.DrainState {
	case DrainGrowing:
		return "; the queue is growing"
	case DrainSteady:
		return "; the queue is not shrinking"
	case DrainShrinking:
		return "; empty in " + q.emptyIn()
	default:
		return ""
	}
}

// emptyIn returns how long a shrinking queue takes to empty at this rate. One that hardly
// shrinks may take longer than a time.Duration can hold.
func (q *Queue) emptyIn() string {
	const year = 365 * 24 * time.Hour
	if left := inSeconds(float64(q.Drain)); left < year {
		return "about " + seconds(left)
	}
	return "more than a year"
}

// limit returns what limits deliveries, if it is the pace.
func (t Target) limit() string {
	switch {
	case t.Pace.Rate > 0 && t.StartedPerSecond >= usedUp*float64(t.Pace.Rate):
		return fmt.Sprintf(", limited by the target's rate of %s%s", rate(float64(t.Pace.Rate)), t.pinned("rate"))
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

// gateWords describe the failures that closed the gate.
var gateWords = map[string]string{
	"rejected":    "have been rejected",
	"failed":      "have failed",
	"unavailable": "have been cut off or answered 502 to 504",
	"throttled":   "have been answered 429",
	"connection":  "have failed to connect",
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

func (t Target) hangs() bool {
	return t.Delivering > 0 && t.StartedPerSecond == 0 && len(t.DeliveriesLastMinute) == 0 &&
		len(t.Deliveries) > 0 && t.Delivering >= t.Pace.Concurrency
}

// failing returns the share of failed deliveries in the last minute, the most common kind
// of failure, and what that says about the target.
func (t Target) failing() (says string, share float64, worst Deliveries) {
	all, failed := int64(0), int64(0)
	for _, d := range t.DeliveriesLastMinute {
		all += d.Count
		if d.Outcome == delivered {
			continue
		}
		failed += d.Count
		if d.Count > worst.Count {
			worst = d
		}
	}
	if failed == 0 {
		return "", 0, worst
	}
	verb := map[string]string{
		"rejected": "rejects messages", "throttled": "throttles", "connection": "cannot be reached",
	}[worst.Outcome]
	if verb == "" {
		verb = "fails"
	}
	return "Target " + t.Name + " " + verb, float64(failed) / float64(all), worst
}

// delivered is the only outcome that is not a failure.
const delivered = "delivered"

// words describes d. lastStatus, the status of the last failed delivery, is added if it is
// in the same class.
func (d Deliveries) words(lastStatus int) string {
	class := lastStatus / 100
	switch {
	case d.Outcome == "throttled":
		return "were answered 429"
	case class > 0 && d.Status == fmt.Sprintf("%dxx", class):
		return fmt.Sprintf("failed, mostly with %s (the last one %d)", d.Status, lastStatus)
	default:
		return fmt.Sprintf("failed, mostly with %s", d.Status)
	}
}

// sentence returns the problem and how long it has lasted.
func (p Problem) sentence(now time.Time) string {
	return fmt.Sprintf("%s, since %s (%s)", p.What, clock(p.Since), seconds(now.Sub(p.Since)))
}

func sum(counts map[string]int) int {
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

func sumOf(counts map[string]int64) int64 {
	n := int64(0)
	for _, c := range counts {
		n += c
	}
	return n
}
