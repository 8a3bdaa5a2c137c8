package target

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestWhatAnAnswerSaysOfItsLimitsIsReadWhateverItsStatus(t *testing.T) {
	for _, status := range []string{"200 OK", "429 Too Many Requests", "503 Service Unavailable", "400 Bad Request"} {
		synctest.Test(t, func(t *testing.T) {
			got := deliver(t, "HTTP/1.1 "+status+"\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 30\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
			if len(got.Limits) == 0 {
				t.Errorf("%s: no limits", status)
			}
			if (got.RetryAfter == 7*time.Second) != (status != "200 OK") {
				t.Errorf("%s: Retry-After %s", status, got.RetryAfter)
			}
		})
	}
}
