package target

import (
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxAnswerBody is how much of an answer's body is read and discarded. After a longer
// body the connection is closed.
const maxAnswerBody = 64 << 10

// drop reads and discards the body, so that the connection can be reused. It returns nil
// if the body ended or was longer than maxAnswerBody.
func drop(answer *http.Response) error {
	if answer.Body == http.NoBody {
		return nil
	}
	// One byte more, to see the end of a body of exactly that length.
	limited := io.LimitedReader{R: answer.Body, N: maxAnswerBody + 1}
	_, err := io.Copy(io.Discard, &limited)
	return err
}

// retryAfter returns how long the answer asks to wait: seconds or an HTTP date, which is
// counted from the answer's own Date if it has one. It returns 0 if the header is missing
// or invalid.
func retryAfter(h http.Header) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return math.MaxInt64 // beyond the range of a Duration: the engine bounds it
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
