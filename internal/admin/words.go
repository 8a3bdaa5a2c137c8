package admin

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// How the verdict and the page format numbers.

// count formats a number as in 1,240.
func count[N int | int64](n N) string {
	digits := strconv.FormatInt(int64(n), 10)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 && digits[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return count(n) + " messages"
}

// seconds formats a duration as in 2 min 10 s: its two largest units, rounded.
func seconds(d time.Duration) string {
	const day = 24 * time.Hour
	two := func(d, big, small time.Duration, bigName, smallName string) string {
		d = d.Round(small)
		if d%big < small {
			return fmt.Sprintf("%d %s", d/big, bigName)
		}
		return fmt.Sprintf("%d %s %d %s", d/big, bigName, d%big/small, smallName)
	}
	switch {
	case d < 0:
		return "-" + seconds(-max(d, -math.MaxInt64)) // math.MinInt64 cannot be negated
	case d == 0:
		return "0 s"
	case d < time.Millisecond:
		return "under 1 ms"
	case d < time.Second-time.Millisecond/2:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 10*time.Second-50*time.Millisecond:
		return strconv.FormatFloat(math.Round(d.Seconds()*10)/10, 'f', -1, 64) + " s"
	case d < time.Minute-time.Second/2:
		return fmt.Sprintf("%d s", int(math.Round(d.Seconds())))
	case d < time.Hour-time.Second/2:
		return two(d, time.Minute, time.Second, "min", "s")
	case d < day-time.Minute/2:
		return two(d, time.Hour, time.Minute, "h", "min")
	default:
		return two(d, day, time.Hour, "d", "h")
	}
}

// span formats how long ago since was.
func span(now, since time.Time) string { return seconds(now.Sub(since).Round(time.Second)) }

// mean formats a number of seconds, or – if there is none yet.
func mean(n Number) string {
	if math.IsNaN(float64(n)) {
		return "–"
	}
	return seconds(inSeconds(float64(n)))
}

// inSeconds returns a Duration of so many seconds, clamped to its range of 292 years, or 0
// for NaN.
func inSeconds(n float64) time.Duration {
	switch ns := n * float64(time.Second); {
	case math.IsNaN(ns):
		return 0
	case ns >= math.MaxInt64:
		return math.MaxInt64
	default:
		return time.Duration(max(ns, -math.MaxInt64))
	}
}

// rate formats a rate as in 28/s, with one decimal if that is significant; a low one per
// minute or hour.
func rate(perSecond float64) string {
	switch {
	case math.IsInf(perSecond, 1):
		return "no limit"
	case perSecond > 0 && perSecond < 0.1/60:
		return strconv.FormatFloat(perSecond*3600, 'g', 2, 64) + "/h"
	case perSecond > 0 && perSecond < 0.1:
		return strconv.FormatFloat(perSecond*60, 'g', 2, 64) + "/min"
	case perSecond < 10:
		return strconv.FormatFloat(math.Round(perSecond*10)/10, 'f', -1, 64) + "/s"
	default:
		return count(int64(math.Round(perSecond))) + "/s"
	}
}

func perSecond(n float64) string { return rate(n) }

// percent rounds to whole percent, to 100% only if it is all and to 0% only if it is none.
func percent(share float64) string {
	n := math.Round(share * 100)
	if share < 1 {
		n = min(n, 99)
	}
	if share > 0 {
		n = max(n, 1)
	}
	return fmt.Sprintf("%.0f%%", n)
}

// clockFrom formats a time as clock does, with the day unless it is now's.
func clockFrom(now, t time.Time) string {
	if now.UTC().Format(time.DateOnly) == t.UTC().Format(time.DateOnly) {
		return clock(t)
	}
	return t.UTC().Format(time.DateTime + " UTC")
}

// clock formats a time of day in UTC, as in logs.
func clock(t time.Time) string {
	return t.UTC().Format("15:04:05 UTC")
}
