package simulation

import (
	"slices"
	"time"
)

// changedAttributesAreFollowed: a receive asks for the visibility that SQS last reported;
// while messages arrive and SQS answers, that is at most 15 s old.
func changedAttributesAreFollowed(t *trial) {
	const every = 15*time.Second + time.Second
	for _, p := range t.evidence.processes {
		for i := range t.plan.queues {
			q := &t.plan.queues[i]
			var looks, receives []*sqsCall
			attempts := make(map[string]bool)
			for _, c := range t.byWhom[p] {
				switch {
				case c.queue != i:
				case c.action == "GetQueueAttributes":
					looks = append(looks, c)
				case c.action == "ReceiveMessage" && !attempts[c.attempt]: // one that is repeated stays as it was
					receives = append(receives, c)
					attempts[c.attempt] = c.attempt != ""
				}
			}
			for _, c := range receives {
				t.reaches()
				if !slices.Contains([]time.Duration{saidBy(looks, c.sent-1), saidBy(looks, c.sent)}, c.visibility) {
					t.breaks(c.sent, p, "asks for a visibility of %v; SQS has said %v", c.visibility, saidBy(looks, c.sent))
				}
				now, since := q.visibilityAt(c.sent)
				if c.visibility != now && t.messagesCame(receives, since, c.sent-every) && t.looksWell(looks, since, c.sent) {
					t.breaks(c.sent, p, "asks for a visibility of %v, and it is %v since %.3f s", c.visibility, now, since.Seconds())
				}
			}
		}
	}
}

// saidBy returns the visibility in the last answer that had arrived by then.
func saidBy(looks []*sqsCall, at instant) time.Duration {
	var last *sqsCall
	for _, c := range looks {
		if c.came != never && c.told == "" && c.came <= at && (last == nil || c.came >= last.came) {
			last = c
		}
	}
	if last == nil {
		return 0
	}
	return last.visibility
}

// messagesCame reports whether a receive brought something in a time.
func (t *trial) messagesCame(receives []*sqsCall, from, to instant) bool {
	return slices.ContainsFunc(receives, func(c *sqsCall) bool { return c.came >= from && c.came <= to && len(c.brought) > 0 })
}

// looksWell reports whether SQS answered soon whatever was asked of the queue's attributes.
func (t *trial) looksWell(looks []*sqsCall, from, to instant) bool {
	return !slices.ContainsFunc(looks, func(c *sqsCall) bool { return c.overlaps(from, to, t) && !c.well() })
}
