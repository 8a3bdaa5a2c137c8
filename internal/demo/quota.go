package demo

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// quota counts requests in windows by the clock, such as each minute.
type quota struct {
	Limit

	window time.Time // when the present one began
	taken  int
}

// begin begins a new window if it is time.
func (q *quota) begin(now time.Time) {
	if window := now.Truncate(q.Per); q.N > 0 && window.After(q.window) {
		q.window, q.taken = window, 0
	}
}

// left returns how many more are accepted in the present window, and how long it lasts.
func (q *quota) left(now time.Time) (remaining int, reset time.Duration) {
	return q.N - q.taken, q.window.Add(q.Per).Sub(now)
}

// Saying is how answers say what is left of the quota.
type Saying string

// sayings writes them.
var sayings = map[Saying]func(h http.Header, q Limit, remaining, seconds int, now time.Time){
	"ietf": func(h http.Header, q Limit, remaining, seconds int, _ time.Time) {
		h.Set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%d`, q.N, int(q.Per.Seconds())))
		h.Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, remaining, seconds))
	},
	"x": func(h http.Header, q Limit, remaining, seconds int, now time.Time) {
		h.Set("X-RateLimit-Limit", strconv.Itoa(q.N))
		h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
		h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Unix()+int64(seconds), 10))
	},
	"old": func(h http.Header, q Limit, remaining, seconds int, _ time.Time) {
		h.Set("RateLimit-Limit", strconv.Itoa(q.N))
		h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
		h.Set("RateLimit-Reset", strconv.Itoa(seconds))
	},
	"retry": func(h http.Header, _ Limit, remaining, seconds int, _ time.Time) {
		if remaining == 0 {
			h.Set("Retry-After", strconv.Itoa(seconds))
		}
	},
}

// UnmarshalText parses ietf, x, old or retry.
func (s *Saying) UnmarshalText(text []byte) error {
	if _, known := sayings[Saying(text)]; !known {
		return fmt.Errorf("invalid header %q: use ietf (RateLimit), x (X-RateLimit-Remaining), old (RateLimit-Remaining) or retry (Retry-After alone)", text)
	}
	*s = Saying(text)
	return nil
}

// sayQuota writes what is left of the quota into an answer, if the sink says that. Of an
// accepted request Retry-After says nothing.
func (s *Sink) sayQuota(h http.Header, accepted bool) {
	say := sayings[s.options.Saying]
	if say == nil || accepted && s.options.Saying == "retry" {
		return
	}
	now := time.Now()
	s.mu.Lock()
	s.quota.begin(now)
	remaining, reset := s.quota.left(now)
	s.mu.Unlock()
	say(h, s.options.Quota, remaining, int(math.Ceil(reset.Seconds())), now)
}
