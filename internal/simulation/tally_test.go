package simulation

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// counters count how often something came up, over all worlds of a run.
type counters struct {
	mu sync.Mutex // guards n
	n  map[string]int
}

var tally = counters{n: make(map[string]int)}

func (c *counters) add(all map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, n := range all {
		c.n[name] += n
	}
}

// check fails for anything that never came up.
func (c *counters) check(t *testing.T, wide bool) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range counted(wide) {
		if c.n[name] == 0 {
			t.Errorf("never reached: %s", name)
		}
	}
}

// table lists all that is counted.
func (c *counters) table() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(c.n)) {
		fmt.Fprintf(&b, "%10d  %s\n", c.n[name], name)
	}
	return b.String()
}

// counted are the names of everything that a run has to reach: each invariant and each fault.
func counted(wide bool) []string {
	var names []string
	for _, i := range invariants {
		if slices.Contains(onlyStaged, i.name) {
			continue
		}
		if wide || !slices.Contains(onlyInWide, i.name) {
			names = append(names, "invariant: "+i.name)
		}
	}
	names = append(names, faultsOfAll...)
	if wide {
		names = append(names, faultsOfWide...)
	}
	return names
}

// onlyStaged are the invariants that only the worlds of adapting_test.go exercise.
var onlyStaged = []string{"adapting kills no good message", "the limit found is near the truth"}

// onlyInWide are the invariants that only a wider world can exercise.
var onlyInWide = []string{
	"one message's refusal stops nobody else",
	"a target that rejects everything kills no good message",
	"undeleted messages are bounded",
	"memory is bounded",
	"a kill repeats one message of a group",
	"no quota is ever passed",
	"a quota costs no receive",
	"a told limit is kept",
	"no message is struck for its neighbour",
	"a refusal for one's sake stops no neighbour",
	"a batch is one token and one slot",
}

var faultsOfAll = []string{
	"call: throttled", "call: internal", "call: refused", "call: silent", "call: lost-answer", "call: lost-silently", "call: twice",
	"call: slow", "call: brings fewer", "call: an entry fails", "SQS: away, refused", "SQS: away, silent", "SQS: away, 5xx",
	"message: visible again by itself", "message: received by a rival",
	"delivery: 4xx or 5xx held", "delivery: rejected", "delivery: 429", "delivery: unavailable", "delivery: gone", "delivery: cut",
	"delivery: cut-middle", "delivery: garbage", "connect: refused",
	"outage: 503", "outage: 429", "outage: hangs", "outage: cut", "outage: 500", "outage: 404", "outage: refused connects",
	"storm: total", "storm: partial", "storm: flapping", "storm: crowded", "storm: restarted",
	"poison", "queue: changed", "process: new pace", "process: stopped", "process: killed", "world: calm",
}

var faultsOfWide = []string{
	"refusal: the same ones, 429", "refusal: the same ones, 503", "refusal: by chance, 429", "refusal: by chance, 503",
	"refusal: Retry-After", "target: rejects everything", "target: redirects everything",
	"call: deletes denied", "call: deletes unanswered", "call: releases denied", "call: releases unanswered",
	"call: extensions denied", "call: extensions unanswered", "call: late receive", "delivery: answer-lost",
	"message: over 500 KiB of body", "message: over 500 KiB of attributes", "policy: dead-letter", "policy: discard",
	"call: a letter is refused",
	"connect: hangs", "connect: GOAWAY, unprocessed", "process: stands still",
	"batch: lambda", "batch: cloudevents", "batch: full", "batch: waits for more", "batch: some are named", "batch: fails as a whole",
	"batch: stops at the first that fails", "batch: refused for one's sake",
	"batch: others are named", "batch: named twice", "batch: failed and not named", "batch: huge answer", "batch: deep answer",
	"batch: 100,000 are named", "batch: answer is no JSON",
}

// count counts the faults of a world.
func (t *trial) count() {
	add := func(name string, when bool) {
		if when {
			t.tally[name]++
		}
	}
	for _, c := range t.evidence.calls {
		_, away := at(t.plan.away, c.sent)
		kind := c.fate.kind
		add("call: "+kind.String(), kind != plain && kind != refusedByIAM && !away)
		add("SQS: away, "+map[fateKind]string{refused: "refused", silent: "silent", internal: "5xx"}[kind], away && c.sent < t.plan.trouble)
		add("call: slow", c.held == 0 && !c.fate.late && (c.fate.before > slow || c.fate.after > slow))
		add("call: brings fewer", c.fate.short > 0 && len(c.brought) == c.fate.short)
		add("call: late receive", c.fate.late && len(c.brought) > 0)
		add("process: stands still", c.held > 0 || c.stood)
		for _, e := range c.entries {
			add("call: an entry fails", e.skipped)
		}
		add("call: a letter is refused", len(c.refused) > 0)
		t.countCallTrouble(c, add)
	}
	for _, x := range t.evidence.executed {
		add("message: received by a rival", x.call == nil && len(x.items) > 0)
	}
	t.tally["message: visible again by itself"] += len(t.evidence.steals)
	for _, d := range t.evidence.deliveries {
		t.countDelivery(d, add)
	}
	for _, p := range t.evidence.processes {
		add("process: stopped", p.drained != never && p.drained < t.plan.trouble)
		add("process: killed", p.killed != never)
		add("process: new pace", len(p.paces) > 0 && len(p.paces[0]) > 2)
	}
	for _, q := range t.plan.queues {
		t.tally["queue: changed"] += len(q.changes)
	}
	add("world: calm", t.plan.calm)
	if s := t.plan.storm; s != nil {
		add("storm: "+s.kind.String(), true)
		add("storm: restarted", s.restarts > 0)
	}
}

func (t *trial) countCallTrouble(c *sqsCall, add func(string, bool)) {
	if t.plan.wide == nil || c.queue < 0 {
		return
	}
	for _, r := range t.plan.wide.calls {
		name := "call: " + [callKinds]string{"deletes", "releases", "extensions"}[r.what] + [callWays]string{" denied", " unanswered"}[r.way]
		add(name, r.from <= c.sent && c.sent < r.to && c.is(r.what, t.plan))
	}
}

func (t *trial) countDelivery(d *delivery, add func(string, bool)) {
	if d.message < 0 {
		add(cmp.Or(map[string]string{"hangs": "connect: hangs", "unprocessed": "connect: GOAWAY, unprocessed"}[d.how], "connect: refused"), true)
		return
	}
	t.countBatch(d, add)
	target, send := &t.plan.targets[d.target], &t.plan.sends[d.message]
	if out, ok := at(target.outages, d.arrived); ok && !d.delivered() {
		add("outage: "+[outageWays]string{"503", "429", "hangs", "cut", "500", "404", "refused connects"}[out.way], true)
	} else {
		add("delivery: "+d.how, d.how != "" && d.how != "broken")
		add("delivery: 429", d.status == http.StatusTooManyRequests)
		add("delivery: rejected", d.rejected())
		add("delivery: unavailable", slices.Contains([]int{502, 503, 504, 408, 425}, d.status))
		add("delivery: 4xx or 5xx held", slices.Contains([]int{500, 501, 507, 401, 403, 404}, d.status))
	}
	add("poison", send.poison != 0 && !d.delivered())
	w := t.plan.wide
	if w == nil {
		return
	}
	if r := w.refusals; r != nil && w.alone {
		way := choose(r.always, "the same ones", "by chance")
		add(fmt.Sprintf("refusal: %s, %d", way, r.status), d.status == r.status)
		add("refusal: Retry-After", d.status == r.status && d.retryAfter > 0)
	}
	if r := w.rejects; r != nil && r.from <= d.arrived && d.arrived < r.to {
		add(choose(r.way/100 == 3, "target: redirects everything", "target: rejects everything"), true)
	}
	add("policy: "+w.rejected, w.rejected != "" && d.rejected())
	add("message: over 500 KiB of body", send.size > 500<<10)
	add("message: over 500 KiB of attributes", send.attributes > 500<<10)
}
