package main

// theFleet is rules of the coordinator's script. The tests that simulate many fleets do not run: each
// rule has one of its own.
var theFleet = room{
	dir:   "internal/fleet",
	flags: []string{"-script", "-seeds=2", "-replicas=12", "-test.skip=CallOfALargeFleet|Miniredis|LargeFleet|SumsEqual|TheLineIsShared|AnIdleReplicaLends|StartsOfTheFleet|URLs|Refuse|Password"},
	mutants: []mutant{
		// A call.
		{rule: "a call that is read too late has no effect", file: "script.lua", old: "if now > deadline then return", new: "if deadline == 0 then return"},
		{rule: "a call that another has overtaken has no effect", file: "script.lua", old: "if call <= old.call then", new: "if false then"},
		{rule: "an empty memory is a new one", file: "script.lua", old: "if not values[1] or (known", new: "if (known"},
		{rule: "another server process has another memory", file: "script.lua", old: "(known ~= '' and known ~= run) or ", new: ""},
		{rule: "a server that does not tell its name is the same", file: "script.lua", old: "if run == '' then run = known end\n", new: ""},
		{rule: "a memory that is older than a caller's is lost", file: "script.lua", old: " or seen_seq > state.seq or", new: " or"},
		{rule: "a clock that goes back loses the memory", file: "script.lua", old: " or now < state.last - SECOND then", new: " then"},
		{rule: "a new memory goes on counting", file: "script.lua", old: "state.seq, state.born = seen_seq, now", new: "state.seq, state.born = 0, now"},
		{rule: "a clock that has jumped gives nothing out twice", file: "script.lua", old: "if now > state.last + GAP then", new: "if false then"},
		{rule: "calls are counted", file: "script.lua", old: "state.seq, state.last = state.seq + 1, now", new: "state.last = now"},

		// Budgets and records.
		{rule: "a new memory is quiet", file: "script.lua", old: "if now < state.born + pause then\n", new: "if false then\n"},
		{rule: "a new memory hands out for a lease what was brought", file: "script.lua", old: "if now >= state.born + LEASE or state.cap == 0 then", new: "if true then"},
		{rule: "a lease after the loss all is handed out", file: "script.lua", old: "if now >= state.born + LEASE or state.cap == 0 then", new: "if state.cap == 0 then"},
		{rule: "a first start hands out all", file: "script.lua", old: "if now >= state.born + LEASE or state.cap == 0 then", new: "if now >= state.born + LEASE then"},
		{rule: "a join does not bound what a new fleet hands out", file: "script.lua", old: "state.cap, state.cap_slots = state.cap + held_share,", new: "state.cap, state.cap_slots = math.min(rate, state.cap + held_share),"},
		{rule: "slots that nobody has brought may be in use", file: "script.lua", old: "(state.cap_slots == 0 and state.before == 0)", new: "state.cap_slots == 0"},
		{rule: "what young ones run ends soon", file: "script.lua", old: "  or (state.before == 2 and now >= state.born + pause + timeout) then", new: "  then"},
		{rule: "records that have lapsed are dropped", file: "script.lua", old: "    if now > m.till then", new: "    if false then"},
		{rule: "the silent are missing", file: "script.lua", old: "if now - m.seen > MISSING then", new: "if false then"},

		// Shares and slots.
		{rule: "a young replica has no share", file: "script.lua", old: "local share = grown and", new: "local share = true and"},
		{rule: "shares are equal parts", file: "script.lua", old: "math.min(cap / live, cap - state.shares + old.share)", new: "cap - state.shares + old.share"},
		{rule: "shares are never more than the rate", file: "script.lua", old: "math.min(cap / live, cap - state.shares + old.share)", new: "cap / live"},
		{rule: "an idle replica keeps a slot", file: "script.lua", old: "local idle_part = total >= live and 1 or 0", new: "local idle_part = 0"},
		{rule: "what is over of the slots is lent", file: "script.lua", old: "local slots = part + (state.least >= part and (state.bare == 0 or idle_part == 0) and 1 or 0)", new: "local slots = part"},
		{rule: "no busy replica has one more while another is below its part", file: "script.lua", old: "(state.least >= part and (state", new: "(true and (state"},
		{rule: "no busy replica has one more while an idle one has none", file: "script.lua", old: "(state.bare == 0 or idle_part == 0) and 1", new: "1"},
		{rule: "slots are never more than there are", file: "script.lua", old: "math.min(slots, total - state.slots + old.slots)", new: "slots"},
		{rule: "a lower grant counts when it is confirmed", file: "script.lua", old: "record(now, math.max(share, held_share), math.max(slots, held_slots))", new: "record(now, share, slots)"},

		// What the target has told, and tokens.
		{rule: "what the target has told one holds for all", file: "script.lua", old: "if told_until > now then", new: "if false then"},
		{rule: "after a Retry-After the first that was told asks", file: "script.lua", old: "if asker == '' then asker = id end", new: "asker = id"},
		{rule: "when the target has taken one, all go on", file: "script.lua", old: "if asker == id and not told_asks then", new: "if false then"},
		{rule: "if the one that asks is gone, another does", file: "script.lua", old: "now - other.seen <= MISSING) and busy", new: "true) and busy"},
		{rule: "one asks at a time", file: "script.lua", old: "role = asker == id and 1 or 2", new: "role = 1"},
		{rule: "while the target wants none nobody has a token", file: "script.lua", old: "if follows and (state.hold > now or role == 2) then", new: "if follows and role == 2 then"},
		{rule: "while one asks the others have no token", file: "script.lua", old: "if follows and (state.hold > now or role == 2) then", new: "if follows and state.hold > now then"},
		{rule: "who does not follow is not held back", file: "script.lua", old: "if follows and (state.hold", new: "if (state.hold"},
		{rule: "the pace of the missing is reserved", file: "script.lua", old: "cap - state.missing_share, 0, 0", new: "cap, 0, 0"},
		{rule: "tokens are spaced", file: "script.lua", old: "    state.tat = math.ceil(first + granted * step)\n", new: ""},
		{rule: "a raised rate does not wait for the stamps of the lower one", file: "script.lua", old: "  state.tat = math.min(state.tat, math.ceil(now + HORIZON + SECOND + step))\n", new: ""},
		{rule: "tokens are stamped two seconds ahead at most", file: "script.lua", old: "if first > now + HORIZON then granted = 0\n  elseif step > 0", new: "if step > 0"},
		{rule: "tokens count in the quotas", file: "script.lua", old: "tally(q, tag, granted) end", new: "end"},
		{rule: "tokens that lapsed are given back to the quotas", file: "script.lua", old: "tally(q, tonumber(at), -tonumber(n))", new: ""},
		{rule: "a quota has no more than its room", file: "script.lua", old: "    granted = math.min(granted, room)\n", new: ""},
		{rule: "a token is stamped when its quota has room", file: "script.lua", old: "first = math.max(first, at + skew) else", new: "else"},
		{rule: "slices that a window touches count", file: "quotas.lua", old: "math.floor((at - q.w) / q.slice) then", new: "math.floor((at - q.w) / q.slice) + 2 then"},

		// An override of all replicas.
		{rule: "an override is in every answer", file: "script.lua", old: "if now > deadline then return {'late', now, version, wish} end", new: "if now > deadline then return {'late', now, 0, ''} end"},
		{rule: "an override's text is told to those who do not know it", file: "script.lua", old: "if version == known_override then wish = '' end\n", new: ""},
		{rule: "a memory that lost an override is brought it", file: "script.lua", old: "if brought ~= '' and known_override > version then", new: "if false then"},
		{rule: "an older override does not replace a newer", file: "script.lua", old: "if brought ~= '' and known_override > version then", new: "if brought ~= '' then"},
		{rule: "of two who change an override one is second", file: "override.lua", old: "if expected ~= version or now", new: "if expected == -1 or now"},
		{rule: "an override that is read too late is not written", file: "override.lua", old: " or now > tonumber(ARGV[5]) then", new: " then"},
		{rule: "an override's version is newer than any that its writer knows", file: "override.lua", old: "math.max(now, version + 1, least)", new: "math.max(now, version + 1)"},
		{rule: "a newer override is heard", file: "override.go", old: "m.override, m.news = o, true", new: "m.override = o"},
		{rule: "an older override is no news", file: "override.go", old: "case o.version < m.override.version:\n\t\tm.brings = true\n\t\treturn", new: "case o.version < m.override.version:\n\t\tm.override = o"},
	},
}
