package limits

import (
	"net/http"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// Canonical names of fields, as http.Header has them.
const (
	fieldLimit  = "Ratelimit"
	fieldPolicy = "Ratelimit-Policy"
)

// older are the pairs of fields from before the structured ones. They say the same, so the
// first pair that an answer has counts.
var older = []struct{ remaining, reset string }{
	{"Ratelimit-Remaining", "Ratelimit-Reset"},
	{"X-Ratelimit-Remaining", "X-Ratelimit-Reset"},
	{"X-Rate-Limit-Remaining", "X-Rate-Limit-Reset"},
}

// most is how many limits an answer may state; others are ignored.
const most = 8

// reader reads an answer that asks to wait.
type reader struct{ wait time.Duration }

// Read returns the limits that an answer states, received at now, and how many statements
// were ignored because they are malformed or cannot be true. wait is its Retry-After, 0 if
// it has none.
func Read(h http.Header, wait time.Duration, now time.Time) (limits []message.Limit, ignored int) {
	r := reader{wait}
	if values := h[fieldLimit]; len(values) > 0 {
		limits, ignored = r.structured(values, h[fieldPolicy])
	}
	for _, pair := range older {
		if len(limits) > 0 {
			break
		}
		if values := h[pair.remaining]; len(values) > 0 {
			if one, ok := r.counted(values[0], h.Get(pair.reset), h.Get("Date"), now); ok {
				limits = append(limits, one)
			} else {
				ignored++
			}
		}
	}
	if len(limits) > most {
		limits, ignored = limits[:most], ignored+len(limits)-most
	}
	return limits, ignored
}
