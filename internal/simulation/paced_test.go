package simulation

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// drawPaced turns some wider worlds into worlds about the pace. It has a die of its own, so
// that all others stay as they were.
func (s *scenario) drawPaced(d dice) {
	if d.of("paced?").chance(0.25) {
		s.wide.kind = quotasOfTargets
	} else if d.of("told?").chance(0.3) {
		s.wide.kind = limitsTold
	}
}

// limitPlan is what a target takes, and how it says so.
type limitPlan struct {
	n       int
	window  time.Duration
	rolling bool
	offset  time.Duration // of its clock
	says    limitSays
	late    float64 // of the answers, that take long
	absurd  float64 // of the answers, that say nonsense
}

type limitSays uint8

const (
	saysIETF limitSays = iota
	saysOlder
	saysUnix
	saysDate
	saysRetryAfter
	limitWays
)

func (s *scenario) drawLimitsTold(d dice) {
	for i := range s.targets {
		d := d.of("target", i)
		t := &s.targets[i]
		l := &limitPlan{
			n: d.of("n").from(1, 100), window: pick(d.of("window"), 2*time.Second, 10*time.Second, time.Minute),
			rolling: d.of("rolling").chance(0.3), offset: d.of("offset").between(-10*time.Second, 10*time.Second),
			says: limitSays(d.of("says").upTo(int(limitWays))), late: pick(d.of("late"), 0, 0, 0.05), absurd: pick(d.of("absurd"), 0, 0, 0.1, 1),
		}
		t.limit = l
	}
}

// limited is a target's count of what it has taken.
type limited struct {
	mu    sync.Mutex // guards what follows
	taken []instant
}

// take counts a request, unless it is one too many. It returns how many more it takes and
// until when.
func (t *limited) take(now instant, l *limitPlan) (remaining int, reset time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clock := now + l.offset + time.Hour // of the target
	begins := now - clock%l.window      // its window
	if l.rolling {
		begins = now - l.window + 1
	}
	for len(t.taken) > 0 && t.taken[0] < begins {
		t.taken = t.taken[1:]
	}
	if ok = len(t.taken) < l.n; ok {
		t.taken = append(t.taken, now)
	}
	reset = begins + l.window - now
	if l.rolling {
		reset = t.taken[0] + l.window - now
	}
	return l.n - len(t.taken), reset, ok
}

// write puts it into an answer, and returns what the worker should believe of it; nil:
// nothing.
func (l *limitPlan) write(d dice, h http.Header, now time.Time, remaining int, reset time.Duration, ok bool) *told {
	seconds := int(math.Ceil(reset.Seconds()))
	if d.of("absurd").chance(l.absurd) {
		h.Set("RateLimit", pick(d.of("nonsense"), `"a";r=-1;t=3`, `"a";r=many`, `"a`, "(", "limit=3"))
		return nil
	}
	clock := now.Add(l.offset)
	switch l.says {
	case saysIETF:
		h.Set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, remaining, seconds))
		h.Set("X-RateLimit-Remaining", "1000") // something in between contradicts
		h.Set("X-RateLimit-Reset", "1")
	case saysOlder:
		h.Set("X-RateLimit-Remaining", strconv.Itoa(remaining))
		h.Set("X-RateLimit-Reset", strconv.Itoa(seconds))
	case saysUnix:
		clock = clock.AddDate(10, 0, 0) // a bubble's clock begins in 2000, when there were fewer seconds
		h.Set("Date", clock.UTC().Format(http.TimeFormat))
		h.Set("RateLimit-Remaining", strconv.Itoa(remaining))
		h.Set("RateLimit-Reset", strconv.FormatInt(clock.Add(reset).Unix()+1, 10))
		seconds = int(clock.Add(reset).Unix() + 1 - clock.Unix())
	case saysDate:
		h.Set("Date", clock.UTC().Format(http.TimeFormat))
		h.Set("X-Rate-Limit-Remaining", strconv.Itoa(remaining))
		at := clock.Add(reset + time.Second).Truncate(time.Second)
		h.Set("X-Rate-Limit-Reset", at.UTC().Format(http.TimeFormat))
		seconds = int(at.Sub(clock.Truncate(time.Second)).Seconds())
	case saysRetryAfter, limitWays:
		if !ok {
			h.Set("Retry-After", strconv.Itoa(seconds))
		}
		return nil
	}
	return &told{remaining, time.Duration(seconds) * time.Second}
}

// told is what an answer says of the target's limit.
type told struct {
	remaining int
	reset     time.Duration
}

// drawQuotas gives the targets quotas.
func (s *scenario) drawQuotas(d dice) {
	for i := range s.targets {
		s.targets[i].limits.Quotas = drawQuotas(d.of("target", i))
	}
}

func drawQuotas(d dice) (all [ratelimit.MaxQuotas]ratelimit.Quota) {
	n := 0
	add := func(name string, chance float64, window time.Duration, fewest, most int) {
		if d := d.of(name); d.of("?").chance(chance) {
			all[n] = ratelimit.Quota{N: d.of("n").from(fewest, most), Window: window}
			n++
		}
	}
	add("second", 0.4, time.Second, 1, 20)
	add("minute", 0.7, time.Minute, 1, 60)
	add("hour", 0.4, time.Hour, 20, 200)
	return all
}

// changeQuotas gives each quota another number, or removes them all.
func changeQuotas(d dice, old [ratelimit.MaxQuotas]ratelimit.Quota) [ratelimit.MaxQuotas]ratelimit.Quota {
	if d.of("none").chance(0.1) {
		return [ratelimit.MaxQuotas]ratelimit.Quota{}
	}
	for i := range old {
		if old[i].N > 0 && d.of("change", i).chance(0.5) {
			old[i].N = d.of("n", i).from(1, 2*old[i].N)
		}
	}
	return old
}
