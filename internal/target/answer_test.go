package target

import (
	"math"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

func TestRetryAfterIsUnderstoodInSecondsAndAsADate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is 2000-01-01
		const longest = time.Duration(math.MaxInt64)
		for _, test := range []struct {
			value, date string
			want        time.Duration
		}{
			{"", "", 0},
			{"0", "", 0},
			{"7", "", 7 * time.Second},
			{" 120 ", "", 2 * time.Minute},
			{"-5", "", 0},
			{"+5", "", 0},
			{"1.5", "", 0},
			{"soon", "", 0},
			{"9223372036", "", 9223372036 * time.Second},
			{"9223372037", "", longest},
			{"99999999999999999999999999", "", longest},
			{"Sat, 01 Jan 2000 00:01:00 GMT", "", time.Minute},
			{"Fri, 31 Dec 1999 23:59:00 GMT", "", 0},
			{"Mon, 02 Nov 2026 10:00:30 GMT", "Mon, 02 Nov 2026 10:00:00 GMT", 30 * time.Second},
			{"Mon, 02 Nov 2026 10:00:30 GMT", "Mon, 02 Nov 2026 10:00:40 GMT", 0},
			{"Sat, 01 Jan 2000 00:01:00 GMT", "yesterday", time.Minute},
		} {
			h := http.Header{"Retry-After": {test.value}}
			if test.date != "" {
				h.Set("Date", test.date)
			}
			if got := retryAfter(h); got != test.want {
				t.Errorf("%q with the date %q is %s, want %s", test.value, test.date, got, test.want)
			}
		}
	})
}

func TestEachFailingAnswerMayAskToBeLeftAlone(t *testing.T) {
	for status, want := range map[string]time.Duration{
		"429": time.Minute, "503": time.Minute, "500": time.Minute, "400": time.Minute, "302": time.Minute, "200": 0,
	} {
		synctest.Test(t, func(t *testing.T) {
			got := deliver(t, "HTTP/1.1 "+status+" X\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n")
			if got.RetryAfter != want {
				t.Errorf("after %s: %s", status, got.RetryAfter)
			}
		})
	}
}
