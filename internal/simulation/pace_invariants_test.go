package simulation

import (
	"cmp"
	"slices"

	"github.com/sqs-poller/poller/internal/ratelimit"
)

// arrivals are a process's deliveries to a target, in their order. Left out are those that
// a standstill or a connect that hung has kept, after their start, for longer than any
// pace can foresee.
func (t *trial) arrivals(p *process, target int) []instant {
	var all []instant
	for _, d := range t.evidence.deliveries {
		if d.by == p && d.target == target && d.message >= 0 && !p.standsIn(d.arrived, d.arrived) && !t.plan.dialsHangAt(d.arrived) {
			all = append(all, d.arrived)
		}
	}
	slices.SortFunc(all, cmp.Compare[instant])
	return all
}

// noQuotaIsEverPassed: by a target's log, in no window of a quota are more deliveries of a
// process than it allows, wherever the window begins. What was used before a change of the
// quotas counts, as far back as the greatest of them reached.
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

// aQuotaCostsNoReceive: where nothing but quotas is in the way, and nothing restarts, each
// message is received once, however long a quota is used up.
func aQuotaCostsNoReceive(t *trial) {
	w := t.plan.wide
	if w == nil || !w.alone || w.kind != quotasOfTargets {
		return
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
