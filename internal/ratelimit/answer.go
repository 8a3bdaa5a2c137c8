package ratelimit

// Answer is what a delivery came to, by what it proves.
type Answer uint8

// The answers. The last four fail; of these, Connection alone is no answer of the
// target.
const (
	// Delivered is a success.
	Delivered Answer = iota
	// Rejected shows that the target is there, and proves nothing against a message:
	// a validator answers 400 while the database behind it is down.
	Rejected
	// Failed may be the message's fault or the target's.
	Failed
	// Unavailable is rather the target's.
	Unavailable
	// Throttled says that it is too much: never the message's fault.
	Throttled
	// Connection: the target was not reached; no message can cause it.
	Connection
	// Canceled: the delivery was cut off by us, and proves nothing.
	Canceled
)

// String is the answer's name in logs and metrics.
func (a Answer) String() string {
	return [...]string{"delivered", "rejected", "failed", "unavailable", "throttled", "connection", "canceled"}[a]
}

func (a Answer) fails() bool { return a >= Failed && a <= Connection }

// strikes is how many make it the message's fault; 0: none ever do.
func (a Answer) strikes() int {
	switch a {
	case Failed:
		return 1
	case Unavailable:
		return 3
	default:
		return 0
	}
}
