package main

// theReplica is rules of a replica's states, of its clock, and of what it asks for. They are red by its own tests or
// by a seed of the simulation.
var theReplica = room{
	dir:   "internal/fleet",
	flags: []string{"-seeds=20", "-replicas=12", "-test.skip=CallOfALargeFleet|Miniredis|LargeFleet|URLs|Refuse|Password"},
	mutants: []mutant{
		{rule: "a token lapses with its window", file: "tokens.go", old: "if now <= c.until(stamp+window) {", new: "if true {"},
		{rule: "a token waits for its stamp", file: "member.go", old: "return from, now >= from", new: "return from, true"},
		{rule: "a clock that was set ends the tokens", file: "member.go", old: "\t\tm.tokens.clear()\n", new: ""},
		{rule: "an unanswered call ends live", file: "member.go", old: "m.become(now, UsingUp)", new: ""},
		{rule: "without a rate slots go on", file: "member.go", old: "case m.state == Live:\n\t\tm.become(now, OnShare)", new: "case m.state == Live:\n\t\tm.become(now, Pausing)"},
		{rule: "an unanswered real call ends the share", file: "member.go", old: "case m.state == OnShare && real && m.limited:", new: "case false:"},
		{rule: "a quiet answer is no answer", file: "member.go", old: "\t\tm.silent = r.silent\n\t\tm.lost(now, false)", new: "\t\tm.lost(now, false)"},
		{rule: "nothing starts by itself while a real call is out", file: "member.go", old: "if m.stands() || m.apart() == never {", new: "if m.apart() == never {"},
		{rule: "tokens that lapsed are told", file: "member.go", old: "r.back, m.tokens.back = m.tokens.back, nil", new: "r.back = nil"},
		{rule: "what is running is held", file: "member.go", old: "max(m.slots, m.use.Running)", new: "m.slots"},
		{rule: "no tokens are asked for before again", file: "member.go", old: "if m.hungry(now) && now >= m.again {", new: "if m.hungry(now) {"},
		{rule: "a young one has no lease but the pause", file: "member.go", old: "\tif a.lease == 0 {\n\t\tm.leaseEnd = r.sent + a.pause\n\t}\n", new: ""},
		{rule: "a replica that was stopped holds nothing", file: "state.go", old: "\tcase Joining, Stopped:\n\t\tm.share, m.slots = 0, 0\n", new: ""},
		{rule: "a pause ends when the coordinator surely counts it as missing", file: "state.go", old: "if m.state == Pausing && now >= m.goesOn() {", new: "if m.state == Pausing {"},
		{rule: "with a long quota nobody goes on", file: "state.go", old: "now < m.leaseEnd && m.alone >= 0, OnShare", new: "now < m.leaseEnd, OnShare"},
		{rule: "a lease ends", file: "state.go", old: "\t\tif now >= m.leaseEnd {\n\t\t\tm.become(now, Stopped)\n\t\t}\n", new: ""},
		{rule: "a fixed part begins when all leases are over", file: "state.go", old: "now >= max(m.fixedFrom, m.goesOn()) && !m.out", new: "now >= m.goesOn() && !m.out"},
		{rule: "a pause lasts until the last call has had its effect", file: "state.go", old: "m.silent + callLimit + m.pause + max(m.alone, 0)", new: "m.silent + m.pause + max(m.alone, 0)"},
		{rule: "a pause lasts until quotas hold nothing that was granted", file: "state.go", old: "m.silent + callLimit + m.pause + max(m.alone, 0)", new: "m.silent + callLimit + m.pause"},
		{rule: "the shortest round trip says the time best", file: "clock.go", old: "contradicted || most-least <= c.most-c.least || received", new: "contradicted || true || received"},
		{rule: "what a late call was to give back is not given back again", file: "member.go", old: "\t\tm.silent, m.retry = r.silent, now\n", new: "\t\tm.silent, m.retry, m.tokens.back = r.silent, now, r.back\n"},
		{rule: "a copy of quotas is kept until an answer has it", file: "quotas.go", old: "if a.kind == granted && r.copy == s.carry {", new: "if r.copy == s.carry {"},
		{rule: "a call asks for a round's tokens", file: "member.go", old: "float64(a.most)*float64(m.round())/float64(maxRound)", new: "float64(a.most)"},
		{rule: "rounds are longer in a large fleet", file: "member.go", old: "time.Duration(m.last.live)*roundEach, ", new: ""},
		{rule: "rounds are longer if calls take long", file: "member.go", old: ", roundTrips*m.trip)", new: ")"},
	},
}
