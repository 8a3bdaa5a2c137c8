package consumer

import (
	"fmt"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Problem is one sentence, and since when it is true.
type Problem struct {
	What  string
	Since time.Time
	// Fault sorts it by who has to act.
	Fault message.Fault
	// Stops reports whether nothing more is received or delivered until it is over.
	Stops bool
	// Silent reports whether nothing has failed yet, but an answer is overdue.
	Silent bool
}

// problem is what SQS does not do. It says so before a receive has timed out, where one that
// may wait for messages should have been answered, unless SQS refuses something or fails for
// longer than a moment.
func (v *view) problem(now time.Time) *Problem {
	p := v.sqs.problem(v.hand.count[deleting], v.hand.count[releasing], v.hand.tooManyUnsettled())
	if !v.demand.overdue(now) || p != nil && (p.Fault == message.Refused || now.Sub(p.Since) >= awayAfter) {
		return p
	}
	oldest := v.demand.polls[0]
	return &Problem{
		What:  "ReceiveMessage on " + v.options.Queue + " has had no answer",
		Since: oldest.sent.Add(oldest.wait), Fault: message.Network, Silent: true,
	}
}

// problem is what SQS does not do, and what follows from it: what it refuses comes
// first, then what has failed for longest; nil while all of it works. That many messages
// are in hand to be deleted and released; stops reports whether they are too many.
func (s *sqsCalls) problem(deleting, releasing int, stops bool) *Problem {
	stops = stops && s.settlesFail()
	var worst *trouble
	var follows string
	for _, k := range []struct {
		kind    callKind
		follows string
	}{
		{deleteCall, undeletedInWords(deleting, stops)},
		{receiveCall, ""},
		{releaseCall, unreleasedInWords(releasing, stops)},
		{letterCall, "; what the target rejected waits in hand"},
		{extendCall, "; deliveries that outlast the visibility timeout are delivered twice"},
	} {
		if t := &s.trouble[k.kind]; t.failures > 0 && (worst == nil || t.worseThan(worst)) {
			worst, follows = t, k.follows
		}
	}
	if worst == nil {
		return nil
	}
	return &Problem{What: worst.err.Error() + follows, Since: worst.since, Fault: worst.fault, Stops: stops}
}

// worseThan reports whether t is the one to show rather than other: a person has to act,
// or else it is older.
func (t *trouble) worseThan(other *trouble) bool {
	if refused := t.fault == message.Refused; refused != (other.fault == message.Refused) {
		return refused
	}
	return t.fault != message.Refused && t.since.Before(other.since)
}

func undeletedInWords(n int, stops bool) string {
	switch {
	case stops:
		return fmt.Sprintf("; %d delivered messages are not deleted, and nothing more is received or delivered until they are", n)
	case n > 0:
		return fmt.Sprintf("; %d delivered messages are not deleted", n)
	default:
		return ""
	}
}

func unreleasedInWords(n int, stops bool) string {
	if stops {
		return fmt.Sprintf("; %d messages are not released, and nothing more is received or delivered until they are", n)
	}
	return "; what is to be tried again comes back only when its visibility ends"
}
