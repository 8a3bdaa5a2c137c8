package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxQuotas = 4
	// maxQuota bounds what is remembered: the time of each start, 8 bytes.
	maxQuota = 1_000_000
)

// Quota is how many deliveries may start in any window of a length.
type Quota struct {
	N    int
	Unit string // s, m, h or d
}

var quotaWindows = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}

// Window is the window's length.
func (q Quota) Window() time.Duration { return quotaWindows[q.Unit] }

// UnmarshalText reads 1000/m or 50000/d.
func (q *Quota) UnmarshalText(text []byte) error {
	s := string(text)
	number, unit, _ := strings.Cut(s, "/")
	n, err := strconv.Atoi(number)
	if _, known := quotaWindows[unit]; err != nil || !known || strings.Trim(number, "0123456789") != "" {
		return fmt.Errorf("invalid quota%s: use a whole number and a unit, such as 1000/m or 50000/d (s, m, h or d)", shown(s))
	}
	if n < 1 || n > maxQuota {
		return fmt.Errorf("quota%s is not between 1 and 1,000,000: use a rate of 0 to pause, or omit the quota for no limit", shown(s))
	}
	*q = Quota{N: n, Unit: unit}
	return nil
}

// String is the quota as it is written.
func (q Quota) String() string { return strconv.Itoa(q.N) + "/" + q.Unit }

// most is how many a rate with a burst starts in the quota's window.
func (q Quota) most(r Rate, burst int) float64 {
	return r.PerSecond*q.Window().Seconds() + float64(burst)
}

// validateQuotas checks each quota beside the others and the burst.
func (t Target) validateQuotas(n names) error {
	if len(t.Quotas) > maxQuotas {
		return n.problem("quotas", "%d quotas: a target has at most %d: keep those that are reached", len(t.Quotas), maxQuotas)
	}
	for i, q := range t.Quotas {
		key := element("quotas", i)
		if !n.has(key) {
			key = "quotas"
		}
		if slices.ContainsFunc(t.Quotas[:i], func(other Quota) bool { return other.Unit == q.Unit }) {
			return n.problem(key, "%s is a second quota with the window 1%s: keep the lower one", q, q.Unit)
		}
		if n.has("burst") && t.Burst > q.N {
			return n.problem(key, "%s is less than the burst of %d, which may start together: use %d or more, or lower %s",
				q, t.Burst, t.Burst, n.of("burst"))
		}
	}
	return nil
}

// PointlessQuotas says of each quota that is never reached why that is: the rate or
// another quota keeps the target below it.
func (t Target) PointlessQuotas() []string {
	var all []string
	for _, q := range t.Quotas {
		if most := q.most(t.Rate, t.Burst); t.Rate.PerSecond > 0 && most <= float64(q.N) { // 0 is a pause, not a pace
			all = append(all, fmt.Sprintf("quota %s is never reached: the rate of %s allows at most %d in that time: omit it, or raise the rate", q, t.Rate, int(most)))
			continue
		}
		for _, other := range t.Quotas {
			// All units are multiples of the shorter ones.
			if times := int(q.Window() / other.Window()); times > 1 && other.N*times <= q.N {
				all = append(all, fmt.Sprintf("quota %s is never reached: the quota of %s allows at most %d in that time: omit it, or raise the other", q, other, other.N*times))
				break
			}
		}
	}
	return all
}

// shareOf is each quota divided by a number of replicas, rounded down.
func shareOf(quotas []Quota, replicas int) []Quota {
	shares := slices.Clone(quotas)
	for i := range shares {
		shares[i].N /= replicas
	}
	return shares
}
