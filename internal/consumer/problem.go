package consumer

import (
	"fmt"
	"time"

	"poller/internal/message"
)

// Problem is one sentence, and since when it is true.
type Problem struct {
	What  string
	Since time.Time
	// Fault sorts it by who has to act.
	Fault message.Fault
	// Stops says that nothing more is received or delivered until it is over.
	Stops bool
}

// problem is what SQS does not do, and what follows from it: what it refuses comes
// first, then what has failed for longest; nil while all of it works.
func (c *Consumer) problem() *Problem {
	stops := c.tooManyUnsettled() && c.settlesFail()
	type kind struct {
		*trouble
		follows string
	}
	var worst *kind
	for _, k := range []kind{
		{&c.deletes.trouble, c.undeletedInWords(stops)},
		{&c.receiving, ""},
		{&c.releases.trouble, c.unreleasedInWords(stops)},
		{&c.letters.trouble, "; what the target rejected waits in hand"},
		{&c.extension.trouble, "; deliveries that outlast the visibility timeout are delivered twice"},
	} {
		if k.failures > 0 && (worst == nil || k.worseThan(worst.trouble)) {
			worst = &k
		}
	}
	if worst == nil {
		return nil
	}
	return &Problem{What: worst.err.Error() + worst.follows, Since: worst.since, Fault: worst.fault, Stops: stops}
}

// worseThan reports whether t is to be told rather than other: a person has to act, or
// else it is older.
func (t *trouble) worseThan(other *trouble) bool {
	if refused := t.fault == message.Refused; refused != (other.fault == message.Refused) {
		return refused
	}
	return t.fault != message.Refused && t.since.Before(other.since)
}

func (c *Consumer) undeletedInWords(stops bool) string {
	n := c.hand.count[deleting]
	switch {
	case stops:
		return fmt.Sprintf("; %d delivered messages are not deleted, and nothing more is received or delivered until they are", n)
	case n > 0:
		return fmt.Sprintf("; %d delivered messages are not deleted", n)
	default:
		return ""
	}
}

func (c *Consumer) unreleasedInWords(stops bool) string {
	if stops {
		return fmt.Sprintf("; %d messages are not released, and nothing more is received or delivered until they are", c.hand.count[releasing])
	}
	return "; what is to be tried again comes back only when its visibility ends"
}
