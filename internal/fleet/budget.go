package fleet

import (
	"math"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// Budget is what all replicas of one name share.
type Budget struct {
	// Rate is in starts a second; 0: no limit. A rate that is to pause is not the fleet's
	// matter.
	Rate float64
	// Burst is how many starts a window may hold beside rate × window. Unless the rate is 0,
	// it is at least 2.
	Burst int
	// Quotas are the target's; the zero value is none.
	Quotas [ratelimit.MaxQuotas]ratelimit.Quota
	// Slots is how many deliveries may run simultaneously, at least 1.
	Slots int
	// Timeout is the longest time that a delivery takes.
	Timeout time.Duration
	// Replicas is the most replicas that ever run; below 2 it is not known. If it is, a
	// replica that has lost its lease goes on with an equal part.
	Replicas int
}

// Times of the protocol; script.lua has the first three too.
const (
	missing    = 3 * time.Second        // silent for so long, a replica counts as missing
	horizon    = 2 * time.Second        // how far ahead tokens are stamped
	lease      = 5 * time.Minute        // how long a silent replica may go on by itself
	heartbeat  = 900 * time.Millisecond // between calls that ask for nothing, and up to 100 ms more
	callLimit  = 500 * time.Millisecond // of one call, and the time within which it has an effect
	quietRetry = 400 * time.Millisecond // between calls while the coordinator's memory is new
	young      = time.Minute            // so long after its first answer a replica has no share
	fixedAfter = lease + 2*time.Second  // without an answer, until the fixed part
)

// millionths is a rate as the coordinator has it.
func millionths(perSecond float64) int64 { return int64(math.Round(perSecond * 1e6)) }

// fixed returns one replica's equal part.
func (b Budget) fixed() (rate float64, slots int) {
	n := max(b.Replicas, 1)
	return b.Rate / float64(n), max(1, b.Slots/n)
}
