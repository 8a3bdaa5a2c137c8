package admin

import (
	"fmt"
	"time"
)

// failsNow reports whether SQS has been failing for more than a moment.
func (q *Queue) failsNow(now time.Time) bool {
	p := q.Problem
	return p != nil && (p.Fault == "refused" || p.Fault == Silent || now.Sub(p.Since) >= troubleAfter)
}

// trouble says what SQS does not do.
func (q *Queue) trouble(now time.Time) Verdict {
	p := q.Problem
	verb := map[string]string{
		"refused": "SQS refuses", "throttled": "SQS throttles", "network": "SQS does not respond", Silent: "SQS does not respond",
	}[p.Fault]
	if verb == "" {
		verb = "SQS fails"
	}
	return bad("%s: %s", verb, Problem{p.What, p.Since}.sentence(now))
}

// stopped returns why nothing is received although messages are visible.
func (q *Queue) stopped() Verdict {
	if q.Blocked == "in_flight_limit" {
		return bad("Blocked%s, but SQS returns none: too many are in flight, including those of other consumers", q.backlog())
	}
	if q.Blocked == "unsettled" {
		unsettled := messages(q.InHand["deleting"] + q.InHand["releasing"])
		if q.Depth != nil && q.Depth.Visible == 0 {
			return bad("Blocked: nothing more is received until SQS has confirmed the delete or release of %s", unsettled)
		}
		return bad("Blocked%s, but nothing more is received: SQS has not confirmed the delete or release of %s", q.backlog(), unsettled)
	}
	return notice("Blocked%s, but SQS returns none: earlier messages of their groups are in flight, here or at another consumer", q.backlog())
}

// behind reports whether the queue is noticeably behind.
func (q *Queue) behind() bool {
	if q.Depth != nil && q.Depth.Visible == 0 {
		return false
	}
	if time.Duration(q.Lag) >= behindAfter {
		return true
	}
	return q.Depth != nil && q.Lag != 0 && q.Depth.Visible > 10 &&
		(float64(q.Depth.Visible) > q.DeliveredPerSecond*behindAfter.Seconds() || q.DrainState == DrainGrowing)
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

// kept returns how many messages wait, in the queue or, if none is there, in hand.
func (q *Queue) kept() string {
	if n := q.undelivered(); q.Depth != nil && q.Depth.Visible == 0 && n > 0 {
		return fmt.Sprintf(": 0 messages in the queue, %s in hand", count(n))
	}
	return q.backlog()
}

// left returns how many messages the queue keeps, as a part of a sentence.
func (q *Queue) left() string {
	if q.Depth == nil {
		return ""
	}
	return "; " + messages(q.Depth.Visible) + " in the queue"
}

// waiting returns what waits for the target to take more: the queue's messages, or the last
// of them, which are in hand.
func (q *Queue) waiting() string {
	if q.Depth != nil && q.Depth.Visible == 0 {
		return fmt.Sprintf("Waiting: nothing left in the queue, %s in hand", messages(q.undelivered()))
	}
	return "Behind" + q.backlog()
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
