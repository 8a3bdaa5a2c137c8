package consumer

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

const firstPause = 100 * time.Millisecond

// trouble is one kind of SQS call that fails: since when, why, and when it may be
// tried again.
type trouble struct {
	failures int // in a row
	since    time.Time
	until    time.Time
	fault    message.Fault
	err      error
	jitter   func(n int) float64 // uniform in [0, 1)
}

// failed notes a failure at now of a call whose answer was due earlier, if it timed out: the
// next try is after 0.1 s, doubling to the longest, jittered; after 30 s where SQS refused,
// since a person has to act.
func (t *trouble) failed(now, due time.Time, err error, longest time.Duration) {
	if t.failures == 0 {
		t.since = earlier(now, due)
	}
	t.failures++
	t.fault, t.err = message.FaultOf(err), err
	pause := longest
	if doublings := t.failures - 1; doublings < 16 {
		pause = min(longest, firstPause<<doublings)
	}
	if t.fault == message.Refused {
		pause = refusedPause
	}
	t.until = now.Add(time.Duration(float64(pause) * (0.75 + t.jitter(t.failures)/2)))
}

func (t *trouble) worked() {
	*t = trouble{jitter: t.jitter}
}

// permitted ends the pause after a refusal.
func (t *trouble) permitted(now time.Time) {
	if t.failures > 0 && t.fault == message.Refused {
		t.until = now
	}
}

// jitter draws from the seed, a name and a number, never from a shared stream:
// what else goes on then changes nothing, and a simulation replays exactly.
func jitter(seed uint64, name string) func(n int) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	key := h.Sum64()
	return func(n int) float64 {
		return rand.New(rand.NewPCG(seed^key, uint64(n))).Float64() //nolint:gosec // jitter, no secret
	}
}
