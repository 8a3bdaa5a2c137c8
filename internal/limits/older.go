package limits

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sqs-poller/poller/internal/message"
)

// unixFrom is from which number on a reset is a time, in Unix seconds, and unixMillisFrom
// in milliseconds. Below it is a number of seconds.
const (
	unixFrom       = 1e9
	unixMillisFrom = 1e12
)

// counted reads a pair of the older fields. A reset means three things in the field: a
// number of seconds, a Unix time, or a date. Times are counted from the answer's Date if
// it has one, since its clock may not be ours.
func (r reader) counted(remaining, reset, date string, now time.Time) (message.Limit, bool) {
	left, err := strconv.ParseInt(first(remaining), 10, 64)
	if err != nil {
		return message.Limit{}, false
	}
	seconds, ok := untilReset(first(reset), strings.TrimSpace(reset), date, now)
	if !ok && (reset != "" || r.wait == 0) {
		return message.Limit{}, false
	}
	if !ok {
		seconds = missing
	}
	return r.limit(left, seconds)
}

// first returns the first of several values, without its parameters.
func first(value string) string {
	if i := strings.IndexAny(value, ",;"); i >= 0 {
		value = value[:i]
	}
	return strings.TrimSpace(value)
}

func untilReset(number, whole, date string, now time.Time) (seconds int64, ok bool) {
	if at, err := http.ParseTime(date); err == nil {
		now = at
	}
	n, err := strconv.ParseFloat(number, 64)
	switch {
	case err == nil && (math.IsNaN(n) || math.IsInf(n, 0)):
		return 0, false
	case err == nil && n < unixFrom:
		return int64(math.Ceil(n)), true
	case err == nil && n < unixMillisFrom:
		return roundUp(n - float64(now.UnixMilli())/1e3), true
	case err == nil:
		return roundUp((n - float64(now.UnixMilli())) / 1e3), true
	}
	at, err := http.ParseTime(whole)
	if err != nil {
		at, err = time.Parse(time.RFC3339, whole)
	}
	if err != nil {
		return 0, false
	}
	return roundUp(at.Sub(now).Seconds()), true
}

// roundUp returns whole seconds, within what an int64 holds.
func roundUp(seconds float64) int64 {
	return int64(math.Ceil(min(max(seconds, -1), 1e12)))
}
