package limits_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sqs-poller/poller/internal/limits"
	"github.com/sqs-poller/poller/internal/message"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// header reads lines of "Name: value".
func header(lines string) http.Header {
	h := make(http.Header)
	for line := range strings.Lines(lines) {
		name, value, _ := strings.Cut(line, ":")
		h.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	return h
}

func one(remaining int, reset time.Duration) []message.Limit {
	return []message.Limit{{Remaining: remaining, Reset: reset}}
}

func named(name string, remaining int, reset time.Duration) message.Limit {
	return message.Limit{Name: name, Remaining: remaining, Reset: reset}
}

func TestWhatAnAnswerSaysOfItsLimits(t *testing.T) {
	for _, c := range []struct {
		name, header string
		want         []message.Limit
		ignored      int
	}{
		{"nothing", "Date: Fri, 20 Nov 2026 12:00:00 GMT", nil, 0},

		{"the draft", `RateLimit: "default";r=50;t=30`, []message.Limit{named("default", 50, 30*time.Second)}, 0},
		{"the draft, several", `RateLimit: "minute";r=0;t=30, "day";r=900;t=3600`, []message.Limit{named("minute", 0, 30*time.Second), named("day", 900, time.Hour)}, 0},
		{"the draft, on two lines", "RateLimit: \"minute\";r=5;t=30\nRateLimit: \"day\";r=900;t=3600", []message.Limit{named("minute", 5, 30*time.Second), named("day", 900, time.Hour)}, 0},
		{"the draft, of a partition", `RateLimit: "tenant";r=1;t=2;pk=:dA==:`, []message.Limit{{Name: "tenant", Partition: "pk:t", Remaining: 1, Reset: 2 * time.Second}}, 0},
		{"a policy has the window", "RateLimit: \"a\";r=3\nRateLimit-Policy: \"b\";q=1;w=9,\"a\";q=100;w=60", []message.Limit{named("a", 3, time.Minute)}, 0},
		{"no time", `RateLimit: "a";r=3`, nil, 1},
		{"a time of 0", `RateLimit: "a";r=3;t=0`, []message.Limit{named("a", 3, time.Second)}, 0},
		{"no number", `RateLimit: "a";t=3`, nil, 1},
		{"a number that is none", `RateLimit: "a";r=few;t=3`, nil, 1},
		{"a fraction", `RateLimit: "a";r=0.5;t=3`, nil, 1},
		{"less than nothing", `RateLimit: "a";r=-1;t=3`, nil, 1},
		{"more than can be", `RateLimit: "a";r=999999999999999;t=3`, nil, 1},
		{"years", `RateLimit: "a";r=1;t=99999999999`, nil, 1},
		{"one of two is right", `RateLimit: "a";r=-1;t=3, "b";r=2;t=3`, []message.Limit{named("b", 2, 3*time.Second)}, 1},
		{"no structured field", "RateLimit: \"a;r=1", nil, 1},
		{"nine", `RateLimit: "1";r=1;t=1,"2";r=1;t=1,"3";r=1;t=1,"4";r=1;t=1,"5";r=1;t=1,"6";r=1;t=1,"7";r=1;t=1,"8";r=1;t=1,"9";r=1;t=1`, []message.Limit{
			named("1", 1, time.Second), named("2", 1, time.Second), named("3", 1, time.Second), named("4", 1, time.Second),
			named("5", 1, time.Second), named("6", 1, time.Second), named("7", 1, time.Second), named("8", 1, time.Second),
		}, 1},
		{"an earlier draft's dictionary", "RateLimit: limit=100, remaining=50, reset=30", one(50, 30*time.Second), 0},
		{"a dictionary without a time", "RateLimit: limit=100, remaining=50", nil, 1},

		{"an earlier draft's pair", "RateLimit-Limit: 100, 100;w=60\nRateLimit-Remaining: 50\nRateLimit-Reset: 30", one(50, 30*time.Second), 0},
		{"seconds", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 17", one(0, 17*time.Second), 0},
		{"parts of a second", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 0.3", one(0, time.Second), 0},
		{"with more dashes", "X-Rate-Limit-Remaining: 7\nX-Rate-Limit-Reset: 9", one(7, 9*time.Second), 0},
		{"a Unix time, by our clock", "X-RateLimit-Remaining: 7\nX-RateLimit-Reset: 1795176090", one(7, 90*time.Second), 0},
		{"a Unix time, by the answer's clock", "X-RateLimit-Remaining: 7\nX-RateLimit-Reset: 1795176090\nDate: Fri, 20 Nov 2026 12:01:00 GMT", one(7, 30*time.Second), 0},
		{"a Unix time in milliseconds", "X-RateLimit-Remaining: 7\nX-RateLimit-Reset: 1795176090000", one(7, 90*time.Second), 0},
		{"a date", "X-RateLimit-Remaining: 7\nX-RateLimit-Reset: Fri, 20 Nov 2026 12:01:30 GMT", one(7, 90*time.Second), 0},
		{"a date by the answer's clock", "X-RateLimit-Remaining: 7\nX-RateLimit-Reset: 2026-11-20T12:01:30Z\nDate: Fri, 20 Nov 2026 12:01:20 GMT", one(7, 10*time.Second), 0},
		{"a time that is past", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1795175998", nil, 1},
		{"a time in years", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1999999999", nil, 1},
		{"a reset that is nothing", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: soon", nil, 1},
		{"no reset", "X-RateLimit-Remaining: 0", nil, 1},
		{"NaN", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: NaN", nil, 1},
		{"infinite", "X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1e999", nil, 1},
		{"a remainder that is nothing", "X-RateLimit-Remaining: many\nX-RateLimit-Reset: 3", nil, 1},

		{"the newest form counts", "RateLimit: \"a\";r=5;t=3\nRateLimit-Remaining: 4\nRateLimit-Reset: 3\nX-RateLimit-Remaining: 3\nX-RateLimit-Reset: 3", []message.Limit{named("a", 5, 3*time.Second)}, 0},
		{"an older form where the newer makes no sense", "RateLimit: 5\nX-RateLimit-Remaining: 3\nX-RateLimit-Reset: 3", one(3, 3*time.Second), 1},
	} {
		got, ignored := limits.Read(header(c.header), 0, noon)
		if !reflect.DeepEqual(got, c.want) || ignored != c.ignored {
			t.Errorf("%s: %+v, %d ignored; want %+v, %d", c.name, got, ignored, c.want, c.ignored)
		}
	}
}

func TestRetryAfterSaysBestWhenAUsedUpLimitIsFree(t *testing.T) {
	const wait = 90 * time.Second
	none := func(name string, reset, wait time.Duration) []message.Limit {
		return []message.Limit{{Name: name, Reset: reset, Wait: wait}}
	}
	for lines, want := range map[string][]message.Limit{
		`RateLimit: "a";r=0;t=30`:                                 none("a", 30*time.Second, wait),
		`RateLimit: "a";r=0`:                                      none("a", wait, wait),
		`RateLimit: "a";r=0;t=99999999999`:                        none("a", wait, wait),
		`RateLimit: "a";r=1;t=30`:                                 {named("a", 1, 30*time.Second)},
		"X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 30":         none("", 30*time.Second, wait),
		"X-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1795175998": none("", wait, wait), // past
		"X-RateLimit-Remaining: 0":                                none("", wait, wait),
		"X-RateLimit-Remaining: 0\nX-RateLimit-Reset: nonsense":   nil,
	} {
		if got, _ := limits.Read(header(lines), wait, noon); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", lines, got, want)
		}
	}
	const most = 40 * 24 * time.Hour
	if got, _ := limits.Read(header("X-RateLimit-Remaining: 0"), 1<<62, noon); !reflect.DeepEqual(got, none("", most, most)) {
		t.Errorf("of an endless one: %+v", got)
	}
}

// FuzzRead: whatever an answer says, what is believed of it is possible.
func FuzzRead(f *testing.F) {
	f.Add(`"default";r=50;t=30;pk=:dA==:`, `"default";q=100;w=60`, "50", "30", "Fri, 20 Nov 2026 12:00:00 GMT", int64(1e9))
	f.Add("limit=100, remaining=50, reset=30", "100;w=60", "50, 3;w=1", "1795176090", "", int64(0))
	f.Add("", "", "1", "Fri, 20 Nov 2026 12:01:30 GMT", "Fri, 20 Nov 2026 12:01:00 GMT", int64(3600e9))
	f.Add("(\"a\" \"b\");r=1", "?1", "-0", "9e18", "x", int64(1<<62))
	f.Fuzz(func(t *testing.T, limit, policy, remaining, reset, date string, wait int64) {
		h := http.Header{}
		for name, value := range map[string]string{
			"RateLimit": limit, "RateLimit-Policy": policy, "X-RateLimit-Remaining": remaining, "X-RateLimit-Reset": reset, "Date": date,
		} {
			if value != "" {
				h.Set(name, value)
			}
		}
		got, ignored := limits.Read(h, time.Duration(wait), noon)
		if len(got) > 8 || ignored < 0 {
			t.Errorf("%d limits, %d ignored", len(got), ignored)
		}
		for _, l := range got {
			if l.Remaining < 0 || l.Reset <= 0 || l.Reset > 40*24*time.Hour || l.Wait < 0 || l.Wait > 40*24*time.Hour {
				t.Errorf("%+v", l)
			}
		}
	})
}
