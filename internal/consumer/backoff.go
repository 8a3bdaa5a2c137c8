package consumer

import (
	"math"
	"time"
)

// maxRetryAfter bounds what a target's Retry-After may ask for.
const maxRetryAfter = 15 * time.Minute

// releaseDelay is how long a message that was not delivered stays invisible, in
// whole seconds: base × 2^(receives−1), at most longest, × uniform(0.5, 1).
// draw is uniform in [0, 1).
func releaseDelay(receives int, base, longest time.Duration, draw float64) int {
	delay := min(float64(longest), float64(base)*math.Pow(2, float64(max(receives, 1)-1)))
	return wholeSeconds(time.Duration(delay * (0.5 + draw/2)))
}

// wholeSeconds rounds up: SQS takes no parts of a second, and 0 would be at once.
func wholeSeconds(d time.Duration) int {
	return int((d + time.Second - 1) / time.Second)
}
