package message

import "time"

// Limit is what an answer says of one of the target's limits.
type Limit struct {
	// Name tells several limits of a target apart; it is empty if the answer names none.
	Name string
	// Partition is set if the limit is only that of some requests, such as a tenant's.
	Partition string
	// Remaining is how many more requests the target takes until Reset from now.
	Remaining int
	Reset     time.Duration
	// Wait is the answer's Retry-After if nothing remains, else 0: it says best when the target
	// takes more. Reset then only tells which window the answer speaks of.
	Wait time.Duration
}
