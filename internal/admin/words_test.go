package admin

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestDurationsAreSaidInTheirTwoLargestUnits(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                            "0 s",
		300 * time.Microsecond:       "under 1 ms",
		241 * time.Millisecond:       "241 ms",
		999600 * time.Microsecond:    "1 s",
		1234 * time.Millisecond:      "1.2 s",
		9960 * time.Millisecond:      "10 s",
		59400 * time.Millisecond:     "59 s",
		59600 * time.Millisecond:     "1 min",
		130 * time.Second:            "2 min 10 s",
		59*time.Minute + 59600e6:     "1 h",
		83 * time.Minute:             "1 h 23 min",
		50 * time.Hour:               "2 d 2 h",
		-3 * time.Second:             "-3 s",
		23*time.Hour + 3590*1e9:      "1 d",
		time.Duration(math.MaxInt64): "106751 d 23 h",
		time.Duration(math.MinInt64): "-106751 d 23 h",
	} {
		if got := seconds(d); got != want {
			t.Errorf("%v is said as %q, not %q", d, got, want)
		}
	}
}

func TestRatesCountsAndShares(t *testing.T) {
	for got, want := range map[string]string{
		rate(28): "28/s", rate(27.6): "28/s", rate(1.25): "1.3/s", rate(0): "0/s", rate(1.0 / 60): "1/min", rate(1.0 / 3600): "1/h",
		rate(math.Inf(1)): "no limit", rate(12345): "12,345/s",
		count(0): "0", count(999): "999", count(1240): "1,240", count(-1234567): "-1,234,567", count(-123): "-123",
		messages(1): "1 message", messages(2000): "2,000 messages",
		percent(0.9999): "99%", percent(1): "100%", percent(0.0001): "1%", percent(0): "0%", percent(0.93): "93%",
	} {
		if got != want {
			t.Errorf("%q is not %q", got, want)
		}
	}
}

func TestWhatJSONCannotSayIsNull(t *testing.T) {
	body, err := json.Marshal([]any{
		Number(math.Inf(1)), Number(math.NaN()), Number(math.Inf(-1)), Number(1.23456), Number(0), Number(1e21),
		Seconds(1500 * time.Millisecond), Seconds(0), Seconds(1e5), Seconds(-2 * time.Second),
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(body), `[null,null,null,1.235,0,1000000000000000000000,1.5,0,0,-2]`; got != want {
		t.Errorf("JSON is %s, not %s", got, want)
	}
}
