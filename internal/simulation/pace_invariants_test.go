package simulation

import (
	"cmp"
	"slices"
	"time"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// arrivals are a process's deliveries to a target, in their order. Left out are those that
// a standstill or a connect that hung has kept, after their start, for longer than any
// pace can foresee.
func (t *trial) arrivals(p *process, target int) []instant {
	var all []instant
	for _, d := range t.evidence.deliveries {
		if d.by == p && d.target == target && d.message >= 0 && d.leads() && !p.standsIn(d.arrived, d.arrived) && !t.plan.dialsHangAt(d.arrived) {
			all = append(all, d.arrived)
		}
	}
	slices.SortFunc(all, cmp.Compare[instant])
	return all
}

// noQuotaIsEverPassed: according to a target's log, no window of a quota has more deliveries
// of a process than it allows, wherever the window begins. What was used before a change of
// the quotas counts, as far back as the longest of them reached.
func noQuotaIsEverPassed(t *trial) {
	for _, p := range t.evidence.processes {
		for target, paces := range p.paces {
			arrived := t.arrivals(p, target)
			k := 0
			for i, at := range arrived {
				for k+1 < len(paces) && paces[k+1].from <= at {
					k++
				}
				for _, q := range paces[k].limits.Quotas {
					if q.N == 0 || i < q.N {
						continue
					}
					t.reaches()
					first := arrived[i-q.N]
					if at-first < q.Window && first >= knownSince(paces[:k+1], q.N) {
						t.breaks(at, p, "starts its %d. delivery to target-%d within %v; the quota is %v", q.N+1, target, at-first, q)
						return
					}
				}
			}
		}
	}
}

// knownSince is from when on the last n starts are known: since quotas that count so many
// have been in force.
func knownSince(paces []pace, n int) instant {
	k := len(paces) - 1
	for k > 0 && greatest(paces[k-1].limits.Quotas) >= n {
		k--
	}
	return paces[k].from
}

func greatest(quotas [ratelimit.MaxQuotas]ratelimit.Quota) int {
	n := 0
	for _, q := range quotas {
		n = max(n, q.N)
	}
	return n
}

// aQuotaCostsNoReceive: if only quotas and limits are in the way, and nothing restarts, every
// message is received once, however long a quota is used up.
func aQuotaCostsNoReceive(t *trial) {
	w := t.plan.wide
	if w == nil || !w.alone || w.kind != quotasOfTargets && w.kind != limitsTold {
		return
	}
	if slices.ContainsFunc(t.plan.targets, func(p targetPlan) bool { return p.limit != nil && p.limit.late > 0 }) {
		return // it may take longer than the time-out, which is a fault of its own
	}
	for _, p := range t.evidence.processes {
		if p.drained != never && p.drained < t.plan.trouble || p.killed != never || len(p.stood) > 0 {
			return
		}
	}
	received := make(map[int]bool)
	for _, x := range t.evidence.executed {
		if x.call == nil || x.call.action != "ReceiveMessage" {
			continue
		}
		for _, i := range x.items {
			t.reaches()
			if received[i.message] {
				t.breaks(x.at, x.call.by, "receives m%d a second time", i.message)
				return
			}
			received[i.message] = true
		}
	}
}

// aToldLimitIsKept: after an answer that says how many more requests the target accepts, its
// process starts at most that many, minus those that are running, until the stated time or
// the next answer. If the target counts in windows that all know, says so in every answer, and
// accepts more than can be on their way before its first answer, it refuses nobody.
func aToldLimitIsKept(t *trial) {
	w := t.plan.wide
	if w == nil || w.kind != limitsTold {
		return
	}
	for _, p := range t.evidence.processes {
		for target := range t.plan.targets {
			t.keepsToItsWord(p, target)
		}
	}
	for _, d := range t.evidence.deliveries {
		l := t.plan.targets[d.target].limit
		if l == nil || !w.alone || l.rolling || l.absurd > 0 || l.late > 0 || l.says == saysRetryAfter || len(t.evidence.processes) > 1 ||
			l.n < 2*t.plan.targets[d.target].limits.Concurrency {
			continue
		}
		t.reaches()
		if d.limited {
			t.breaks(d.arrived, d.by, "starts m%d, one more than target-%d has said it takes", d.message, d.target)
			return
		}
	}
}

func (t *trial) keepsToItsWord(p *process, target int) {
	var all []*delivery
	for _, d := range t.evidence.deliveries {
		if d.by == p && d.target == target && d.message >= 0 && d.leads() {
			all = append(all, d)
		}
	}
	var told []*delivery // in the order in which the process hears of them
	for _, d := range all {
		if d.told != nil && d.ended != never && d.status != 0 && !p.standsIn(d.arrived, d.ended+time.Second) {
			told = append(told, d)
		}
	}
	slices.SortFunc(told, func(a, b *delivery) int { return cmp.Compare(a.ended, b.ended) })
	newest := instant(-1) // when the newest of those that were heard of began
	for i, d := range told {
		if d.arrived < newest {
			continue
		}
		newest = d.arrived
		until := d.ended + min(d.told.reset, time.Hour)
		for _, before := range told[:i] { // of requests of the same time the lowest counts
			if before.ended >= d.arrived {
				until = min(until, before.ended+before.told.reset)
			}
		}
		for _, later := range all { // heard of or not, if the process stood still
			if later.told != nil && later.ended != never && later.ended > d.ended {
				until = min(until, later.ended)
			}
		}
		left := d.told.remaining
		started := 0
		for _, other := range all {
			switch {
			case other == d:
			case other.arrived <= d.ended && (other.ended == never || other.ended > d.ended):
				left--
			case other.arrived > d.ended+wireTime && other.arrived < until && !p.standsIn(other.arrived, other.arrived) && !t.plan.dialsHangAt(other.arrived):
				started++
			}
		}
		t.reaches()
		if started > max(left, 0) {
			t.breaks(d.ended, p, "hears that target-%d takes %d more for %v, and starts %d", target, d.told.remaining, d.told.reset, started)
			return
		}
	}
}

// wireTime is how long what has left one side may take to arrive at the other.
const wireTime = time.Millisecond
