package fleet

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// call is script.lua from its top to its end, for a server whose run_id and clock are given.
func (t *twin) call(r *request, run string, clock time.Duration) reply {
	const (
		second   = 1e6
		minute   = 60 * second
		missing  = 3 * second
		sweep    = second / 2
		horizon  = 2 * second
		gap      = 3 * second / 2
		lease    = 300 * second
		all      = 1e15
		anHour   = 3600 * second
		millions = 1e6
	)
	micro := func(d time.Duration) float64 { return float64(d.Microseconds()) }
	span := func(f float64) time.Duration { return micros(int64(f)) }
	id, now := r.id, micro(clock)
	ownRate, ownBurst, ownSlots := float64(millionths(r.budget.Rate)), float64(r.budget.Burst), float64(r.budget.Slots)
	heldShare, heldSlots, want, timeout := float64(r.share), float64(r.slots), float64(r.want), micro(r.budget.Timeout)
	ownText, made, seq, knownOverride := limitsText(r.budget.Quotas), float64(r.made), float64(r.seq), float64(r.override.version)
	toldUntil, follows := micro(r.toldUntil), r.told.Follows
	version, wish := t.version, t.override
	if version == knownOverride {
		wish = ""
	}
	tooLate := func() reply {
		return reply{kind: late, now: span(now), override: override{int64(version), wish}}
	}
	if now > micro(r.deadline) {
		return tooLate()
	}

	state, lowLimits, asker := t.state, t.limits, t.asker
	kept, skew, readKept := map[float64]*twinQuota{}, 0.0, ownText != "" || lowLimits != ""
	if readKept {
		kept, skew = t.quotas, t.skew
	}

	if run == "" {
		run = t.run
	}
	if !t.known || t.run != "" && t.run != run || seq > state.seq || now < state.last-second {
		clear(t.members)
		state = twinState{seq: seq, born: now}
		asker = ""
		for _, q := range kept {
			if q.counts != nil {
				q.before = q.counts.plus(q.before).trimmed(math.Inf(-1))
				q.counts = make(twinCount)
			}
		}
	}
	if now > state.last+gap {
		state.tat, state.unsure = max(state.tat, now+horizon), now
	}
	state.seq, state.last = state.seq+1, now

	if steady := micro(r.steady); steady > 0 {
		state.unsure = 0
		if math.Abs(now-skew-steady) > second {
			skew = now - steady
			t.skew, t.skewed = skew, true
		}
	}
	unsure := state.unsure > 0 && now < state.unsure+missing
	shown := now - skew
	if unsure {
		shown = 0
	}
	for part := range strings.FieldsSeq(r.copy) {
		w, text, _ := strings.Cut(part, "=")
		before := make(twinCount)
		q := kept[twinNumber(w)]
		if q != nil {
			before = q.before.trimmed(math.Inf(-1))
		} else {
			q = new(twinQuota)
			kept[twinNumber(w)] = q
		}
		for slice, n := range twinCounts(text) {
			before[slice] = max(before[slice], n)
		}
		q.before = before.trimmed(math.Inf(-1))
		if !readKept {
			if mine := t.quotas[twinNumber(w)]; mine != nil {
				mine.before = maps.Clone(q.before)
			} else {
				t.quotas[twinNumber(w)] = &twinQuota{before: maps.Clone(q.before)}
			}
		}
	}

	if r.override.text != "" && knownOverride > version {
		t.version, t.override = knownOverride, r.override.text
		version, wish = knownOverride, ""
	}

	save := func() { t.state, t.known, t.run, t.limits, t.asker = state, true, run, lowLimits, asker }
	old, there := t.members[id]
	if float64(r.call) <= old.call {
		return tooLate()
	}
	if there && old.seen < state.swept-missing {
		state.live++
		state.missingShare -= old.share
		state.missingSlots -= old.slots
	}
	if r.leave {
		state.shares, state.slots = state.shares-old.share, state.slots-old.slots
		delete(t.members, id)
		save()
		return reply{kind: left, now: span(now), seq: int64(state.seq)}
	}

	rate, burst, allSlots := ownRate, ownBurst, ownSlots
	if state.lowRate > 0 && (rate == 0 || state.lowRate < rate) {
		rate = state.lowRate
	}
	if state.lowBurst > 0 {
		burst = min(burst, state.lowBurst)
	}
	if state.lowSlots > 0 {
		allSlots = min(allSlots, state.lowSlots)
	}
	limits := twinLimits(lowLimits, twinLimits(ownText, nil))
	alone := 0.0
	for _, l := range limits {
		alone = l.w + second
		if l.w > minute || rate == 0 {
			alone = -1
		}
	}
	window := 0.0
	if rate > 0 {
		window = math.Floor((burst - 1) * second * 1e6 / rate)
	} else if len(limits) > 0 {
		window = min(second, max(second/20, math.Floor(limits[0].w/20)))
	}
	pause := missing + sweep + horizon + window

	record := func(seen, share, slots float64) {
		state.shares, state.slots = state.shares+share-old.share, state.slots+slots-old.slots
		old.share, old.slots = share, slots
		till := now + pause + timeout + max(alone, 0)
		if r.grown {
			till = now + lease + timeout + max(alone, 0)
		}
		t.members[id] = twinRecord{seen, till, share, slots, r.busy, ownRate, ownBurst, ownSlots, float64(r.call), ownText}
	}
	if now < state.born+lease && !there {
		state.cap, state.capSlots = state.cap+heldShare, state.capSlots+heldSlots
		if seq > 0 {
			state.before = 1
		}
	}
	if now < state.born+pause {
		record(0, heldShare, heldSlots)
		save()
		return reply{
			kind: quiet, now: span(now), seq: int64(state.seq), born: span(state.born), quietFor: span(state.born + pause - now),
			steady: span(shown), override: override{int64(version), wish},
		}
	}
	record(now, heldShare, heldSlots)
	if state.cap == 0 && rate > 0 && state.before == 1 {
		state.before = 2
	}
	if now >= state.born+lease || state.cap == 0 {
		state.cap = all
	}
	if now >= state.born+lease || state.capSlots == 0 && state.before == 0 || state.before == 2 && now >= state.born+pause+timeout {
		state.capSlots = all
	}
	most, total := min(state.cap, rate), min(state.capSlots, allSlots) // cap and total there

	if now >= state.swept+sweep {
		state.live, state.busy, state.bare, state.shares, state.slots, state.missingShare, state.missingSlots = 0, 0, 0, 0, 0, 0, 0
		state.lowRate, state.lowBurst, state.lowSlots, state.mixed, state.missingPart = 0, 0, 0, 0, 0
		state.swept, state.least = now, allSlots
		var low []twinLimit
		var first *twinRecord
		for name, m := range t.members {
			if now > m.till {
				delete(t.members, name)
				continue
			}
			state.shares, state.slots = state.shares+m.share, state.slots+m.slots
			if now-m.seen > missing {
				state.missingShare, state.missingSlots = state.missingShare+m.share, state.missingSlots+m.slots
				if m.rate > 0 {
					state.missingPart += math.Ceil(m.share * 1000000 / m.rate)
				}
				continue
			}
			state.live++
			if m.busy {
				state.busy, state.least = state.busy+1, min(state.least, m.slots)
			} else if m.slots == 0 {
				state.bare++
			}
			if m.rate > 0 && (state.lowRate == 0 || m.rate < state.lowRate) {
				state.lowRate = m.rate
			}
			if state.lowBurst == 0 || m.burst < state.lowBurst {
				state.lowBurst = m.burst
			}
			if state.lowSlots == 0 || m.all < state.lowSlots {
				state.lowSlots = m.all
			}
			if first == nil {
				first = &m
			}
			low = twinLimits(m.limits, low)
			if m.rate != first.rate || m.burst != first.burst || m.all != first.all || m.limits != first.limits {
				state.mixed = 1
			}
		}
		lowLimits = twinLimitsText(low)
	}
	live, atWork := max(state.live, 1), max(state.busy, 1)

	share := 0.0
	if r.grown {
		share = max(0, math.Floor(min(most/live, most-state.shares+old.share)))
	}
	idlePart := 0.0
	if total >= live {
		idlePart = 1
	}
	left := total - state.missingSlots
	part := max(0, math.Floor((left-idlePart*(live-state.busy))/atWork))
	slots := part
	if state.least >= part && (state.bare == 0 || idlePart == 0) {
		slots++
	}
	if !r.busy {
		slots = idlePart
		if state.busy == 0 {
			slots = math.Floor(left / live)
		}
	}
	slots = max(0, min(slots, total-state.slots+old.slots))
	record(now, max(share, heldShare), max(slots, heldSlots))

	if toldUntil > now {
		state.hold = max(state.hold, min(toldUntil, now+anHour))
		if r.told.Asks {
			state.asks = 1
			if asker == "" {
				asker = id
			}
		}
	}
	if asker == id && !r.told.Asks {
		state.asks, asker = 0, ""
	}
	does := free
	if state.asks == 1 && follows {
		other, there := t.members[asker]
		if !(there && asker != id && other.busy && now-other.seen <= missing) && r.busy {
			asker = id
		}
		does = waits
		if asker == id {
			does = asks
		}
	}

	pace, step, first, n, again, tag := most-state.missingShare, 0.0, 0.0, 0.0, 0.0, 0.0
	atMost := 0.0 // most there
	if rate > 0 {
		atMost = max(1, math.Ceil(pace/1000000/atWork/2))
	}
	for i := range limits {
		q := &limits[i]
		q.slice, q.slack = math.Ceil(q.w/60), min(second, math.Floor(q.w/10))
		if k := kept[q.w]; k != nil {
			q.counts, q.before = k.counts, k.before
		}
		q.counts = maps.Clone(q.counts)
		if q.counts == nil {
			q.counts = make(twinCount)
		}
		q.all = q.counts.plus(q.before)
		q.most = q.n
		if rate > 0 {
			q.most = math.Floor(q.n*most/rate) - math.Ceil(q.n*state.missingPart/1000000)
		} else {
			if atMost == 0 {
				atMost = 1000
			}
			atMost = min(atMost, max(1, math.Ceil(q.n/atWork/20)))
		}
		if made > 0 && q.w <= minute {
			q.tally(now-skew, min(made, q.n))
		}
		if float64(r.born) == state.born {
			for _, at := range slices.Sorted(maps.Keys(r.back)) {
				q.tally(float64(at), -float64(r.back[at]))
			}
		}
	}
	if pace > 0 || rate == 0 && len(limits) > 0 {
		if pace > 0 {
			step = 1000000 * second / pace
		}
		state.tat = min(state.tat, math.Ceil(now+horizon+second+step))
		first = max(state.tat, now)
		n = min(want, atMost)
		for i := range limits {
			if at, _, ever := limits[i].opens(first - skew); ever {
				first = max(first, at+skew)
			} else {
				n = 0
			}
		}
		for i := range limits {
			_, room, _ := limits[i].opens(first - skew)
			n = min(n, room)
		}
		if first > now+horizon {
			n = 0
		} else if step > 0 {
			n = min(n, math.Floor((now+horizon-first)/step)+1)
		}
		if len(limits) > 0 && unsure || follows && (state.hold > now || does == waits) {
			n = 0
		}
		again = max(0, math.Ceil(first+n*step)-now-horizon)
		if n > 0 {
			tag = math.Ceil(first+(n-1)*step) + window - skew
			state.tat = math.Ceil(first + n*step)
			for i := range limits {
				limits[i].tally(tag, n)
			}
			if again > 0 {
				again = n * atWork * step
			}
		}
	}
	if state.hold > now && follows {
		again = max(again, state.hold-now)
	}
	var copies []string
	for i := range limits {
		q := &limits[i]
		least := math.Floor((now - skew - q.w) / q.slice)
		if q.changed {
			t.quotas[q.w] = &twinQuota{q.counts.trimmed(least), q.before.trimmed(least)}
		}
		copies = append(copies, fmt.Sprintf("%.0f=%s", q.w, q.all.text(least)))
	}
	save()
	a := reply{
		kind: granted, now: span(now), seq: int64(state.seq), born: span(state.born),
		again: span(math.Ceil(again)), slots: int(slots), share: int64(share),
		pause: span(pause), window: span(window), live: int(live), busy: int(state.busy),
		pace: int64(max(pace, 0)), rate: int64(rate), all: int(allSlots), mixed: state.mixed == 1,
		most: int(atMost), tag: int64(tag), alone: span(alone), steady: span(shown), role: does,
		limits: twinLimitsText(limits), override: override{int64(version), wish},
	}
	a.tokens.first, a.tokens.n, a.tokens.step, a.tokens.tag = span(first), int(n), time.Duration(math.Floor(step*1000)), a.tag
	if r.grown {
		a.lease = span(lease)
	}
	if state.hold > now {
		a.hold = span(state.hold)
	}
	if len(limits) > 0 {
		a.counted = strings.Join(copies, " ")
	}
	return a
}
