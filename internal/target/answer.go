package target

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswerBody is how much of an answer's body is read, and dropped. What is longer
// costs the connection: it is closed.
const maxAnswerBody = 64 << 10

// drop reads the body, so that the connection can be used again. nil: the body
// ended, or is longer than what is read of one.
func drop(answer *http.Response) error {
	if answer.Body == http.NoBody {
		return nil
	}
	// One byte more, to see the end of a body of just that length.
	limited := io.LimitedReader{R: answer.Body, N: maxAnswerBody + 1}
	_, err := io.Copy(io.Discard, &limited)
	return err
}

// retryAfter is how long the answer asks to be left alone: seconds or an HTTP date,
// the latter counted from the answer's own Date if it has one. 0 where it asks
// nothing, or nothing that can be understood.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64 // more digits than a Duration has: the engine bounds it
		}
		return time.Duration(seconds) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, at.Sub(now))
}
