-- One call of one replica to the coordinator. docs/fleet.md says what it promises.
--
-- A replica owns what it holds, its share of the rate and its slots, and says so in each
-- call; the record of it here is the copy that speaks for it while it is silent. Times are
-- in microseconds of the server's clock, rates in millionths of a start a second.
--
-- KEYS: state (a hash), members (a hash: id -> record), about (a hash: id -> text for people),
-- quotas (a hash: window -> what was counted), override (a hash: version and text)
local MISSING = 3 * SECOND       -- silent for so long, a replica counts as missing
local SWEEP = SECOND / 2         -- how often the members are counted
local HORIZON = 2 * SECOND       -- how far ahead tokens are stamped
local GAP = 3 * SECOND / 2       -- a fleet is never silent for so long, unless nobody is there
local LEASE = 300 * SECOND       -- how long a silent replica may go on by itself
local ALL = 1e15                 -- no bound on what a memory may hand out but the budget's
local OVERRIDE_KEPT = 400 * 86400 * SECOND -- how long what an operator has set is kept

local id, leave = ARGV[1], ARGV[2] == '1'
local deadline, call, seen_seq = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local own = {rate = tonumber(ARGV[6]), burst = tonumber(ARGV[7]), slots = tonumber(ARGV[8])}
local held_share, held_slots = tonumber(ARGV[9]), tonumber(ARGV[10])
local busy, grown = ARGV[11] == '1', ARGV[12] == '1' -- has work; has been there for a minute
local want, timeout = tonumber(ARGV[13]), tonumber(ARGV[14])
local about = ARGV[15]
local own_limits, given_back, made = limits_of(ARGV[16], {}), ARGV[17], tonumber(ARGV[18])
local seen_born, copy, steady = tonumber(ARGV[19]), ARGV[20], tonumber(ARGV[21])
local told_until, told_asks, follows = tonumber(ARGV[22]), ARGV[23] == '1', ARGV[24] == '1'
local known_override, brought = tonumber(ARGV[25]), ARGV[26]

local time = redis.call('TIME')
local now = time[1] * SECOND + time[2]
-- What an operator has set for all replicas is in every answer, so that a replica knows it
-- before it asks for anything; its text is, if the caller does not know it.
local override = redis.call('HMGET', KEYS[5], 'version', 'text')
local version, wish = tonumber(override[1] or 0), override[2] or ''
if version == known_override then wish = '' end

-- What is read too late has no effect, or a replica that a stopped server has kept waiting
-- would count as alive. Deadline 0 asks for the time alone.
if now > deadline then return {'late', now, version, wish} end

local state = {}
local names = {'seq', 'born', 'cap', 'cap_slots', 'before', 'tat', 'last', 'swept', 'live', 'busy', 'least', 'bare', 'shares',
  'slots', 'missing_share', 'missing_slots', 'low_rate', 'low_burst', 'low_slots', 'mixed',
  'missing_part', 'unsure', 'hold', 'asks'}
local values = redis.call('HMGET', KEYS[1], 'run', 'limits', 'asker', unpack(names))
for i, name in ipairs(names) do state[name] = tonumber(values[i + 3] or 0) end
local low_limits, asker = values[2] or '', values[3] or ''

local kept = {}
if next(own_limits) or low_limits ~= '' then
  local flat = redis.call('HGETALL', KEYS[4])
  for i = 1, #flat, 2 do kept[flat[i]] = flat[i + 1] end
end

-- The memory is lost if it is empty, of another server process, older than the caller's, or
-- if the clock went back. A server that does not tell its run_id counts as the same.
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or ''
local known = values[1] or ''
if run == '' then run = known end
if not values[1] or (known ~= '' and known ~= run) or seen_seq > state.seq or now < state.last - SECOND then
  redis.call('DEL', KEYS[2], KEYS[3])
  for _, name in ipairs(names) do state[name] = 0 end
  state.seq, state.born = seen_seq, now
  asker = ''
  mend_quotas(KEYS[4], kept)
end
-- A clock that has jumped ahead would give out again what others still hold, by the old
-- time: they use it up first.
if now > state.last + GAP then state.tat, state.unsure = math.max(state.tat, now + HORIZON), now end
state.seq, state.last = state.seq + 1, now

-- The steady clock goes on though the server's was set, by what a caller says that it shows.
local skew = tonumber(kept.skew or 0)
if steady > 0 then
  state.unsure = 0
  if math.abs(now - skew - steady) > SECOND then
    skew = now - steady
    redis.call('HSET', KEYS[4], 'skew', string.format('%.0f', skew))
  end
end
-- Until somebody has said what it shows, or nobody has for as long as a silent replica counts, it
-- is told to nobody: who came after the clock was set would go on by it.
local is_unsure = state.unsure > 0 and now < state.unsure + MISSING
local shown = is_unsure and 0 or now - skew
if copy ~= '' then bring_quotas(KEYS[4], kept, copy) end

-- The newest override holds, also if this memory has lost it.
if brought ~= '' and known_override > version then
  redis.call('HSET', KEYS[5], 'version', string.format('%.0f', known_override), 'text', brought)
  redis.call('PEXPIRE', KEYS[5], OVERRIDE_KEPT / 1000)
  version, wish = known_override, ''
end

local function reply(...)
  local flat = {'run', run, 'limits', low_limits, 'asker', asker}
  for _, name in ipairs(names) do
    flat[#flat + 1], flat[#flat + 2] = name, string.format('%.0f', state[name])
  end
  redis.call('HSET', KEYS[1], unpack(flat))
  for i = 1, 3 do redis.call('PEXPIRE', KEYS[i], 2 * LEASE / 1000) end
  return {...}
end

local function parse(text)
  local r = {}
  for number in string.gmatch(text, '%d+') do r[#r + 1] = tonumber(number) end
  return {seen = r[1], till = r[2], share = r[3], slots = r[4], busy = r[5] == 1,
    rate = r[6], burst = r[7], all = r[8], call = r[9], limits = string.match(text, ';(.*)')}
end

local text = redis.call('HGET', KEYS[2], id)
local old = text and parse(text) or {seen = 0, share = 0, slots = 0, call = 0}
-- A call that another one of the same replica has overtaken has no effect either.
if call <= old.call then return {'late', now, version, wish} end
if text and old.seen < state.swept - MISSING then -- the last count has it as missing
  state.live = state.live + 1
  state.missing_share = state.missing_share - old.share
  state.missing_slots = state.missing_slots - old.slots
end

if leave then
  state.shares, state.slots = state.shares - old.share, state.slots - old.slots
  redis.call('HDEL', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
  return reply('left', now, state.seq)
end

-- Of budgets that differ the smaller holds, as the last count has seen them.
local rate, burst, all_slots = own.rate, own.burst, own.slots
if state.low_rate > 0 and (rate == 0 or state.low_rate < rate) then rate = state.low_rate end
if state.low_burst > 0 then burst = math.min(burst, state.low_burst) end
if state.low_slots > 0 then all_slots = math.min(all_slots, state.low_slots) end

-- The lower of quotas hold, too. A replica that goes on by itself needs a part of them, and has
-- one only if their windows are short enough to wait until what was granted is out of them.
local limits = limits_of(low_limits, limits_of(ARGV[16], {}))
local alone, shortest = 0, nil
for _, w in ipairs(sorted(limits)) do
  w = tonumber(w)
  shortest = shortest or w
  alone = (w > MINUTE or rate == 0) and -1 or w + SECOND
end

local window = 0 -- a token's life
if rate > 0 then window = math.floor((burst - 1) * SECOND * 1000000 / rate)
elseif shortest then window = math.min(SECOND, math.max(SECOND / 20, math.floor(shortest / 20))) end
local pause = MISSING + SWEEP + HORIZON + window -- silence before a replica goes on by itself

-- record writes the copy; the sums follow every record. What is reserved is so until a
-- replica that goes on by itself has ended its last delivery.
local function record(seen, share, slots)
  state.shares, state.slots = state.shares + share - old.share, state.slots + slots - old.slots
  old.share, old.slots = share, slots
  redis.call('HSET', KEYS[2], id, string.format('%.0f %.0f %.0f %.0f %d %.0f %.0f %.0f %.0f;%s', seen,
    now + (grown and LEASE or pause) + timeout + math.max(alone, 0), share, slots, busy and 1 or 0, own.rate, own.burst, own.slots, call,
    text_of(own_limits, ' ')))
  if about ~= '' then redis.call('HSET', KEYS[3], id, about) end
end

-- A new memory is quiet for a pause, in which what the old one has granted lapses and the
-- replicas bring what they hold. For a lease it hands out no more than was brought: what
-- was not may still be in use. If nothing was brought, this is a first start; not so for
-- slots, if a replica has known another memory: young ones have slots, but no share.
if now < state.born + LEASE and not text then
  state.cap, state.cap_slots = state.cap + held_share, state.cap_slots + held_slots
  if seen_seq > 0 then state.before = 1 end
end
if now < state.born + pause then
  record(0, held_share, held_slots) -- seen 0: it goes on by itself
  return reply('quiet', now, state.seq, state.born, state.born + pause - now, shown, version, wish)
end
record(now, held_share, held_slots)
if state.cap == 0 and rate > 0 and state.before == 1 then state.before = 2 end -- only young ones: what they run ends soon
if now >= state.born + LEASE or state.cap == 0 then state.cap = ALL end
if now >= state.born + LEASE or (state.cap_slots == 0 and state.before == 0)
  or (state.before == 2 and now >= state.born + pause + timeout) then state.cap_slots = ALL end
local cap, total = math.min(state.cap, rate), math.min(state.cap_slots, all_slots)

-- Twice a second one call drops the records that have lapsed, and counts the others.
if now >= state.swept + SWEEP then
  for _, name in ipairs{'live', 'busy', 'bare', 'shares', 'slots', 'missing_share', 'missing_slots', 'low_rate',
    'low_burst', 'low_slots', 'mixed', 'missing_part'} do state[name] = 0 end
  local low = {}
  state.swept, state.least = now, all_slots
  local first
  local members = redis.call('HGETALL', KEYS[2])
  for i = 1, #members, 2 do
    local m = parse(members[i + 1])
    if now > m.till then
      redis.call('HDEL', KEYS[2], members[i])
      redis.call('HDEL', KEYS[3], members[i])
    else
      state.shares, state.slots = state.shares + m.share, state.slots + m.slots
      if now - m.seen > MISSING then
        state.missing_share, state.missing_slots = state.missing_share + m.share, state.missing_slots + m.slots
        if m.rate > 0 then state.missing_part = state.missing_part + math.ceil(m.share * 1000000 / m.rate) end
      else
        state.live = state.live + 1
        if m.busy then state.busy, state.least = state.busy + 1, math.min(state.least, m.slots)
        elseif m.slots == 0 then state.bare = state.bare + 1 end
        if m.rate > 0 and (state.low_rate == 0 or m.rate < state.low_rate) then state.low_rate = m.rate end
        if state.low_burst == 0 or m.burst < state.low_burst then state.low_burst = m.burst end
        if state.low_slots == 0 or m.all < state.low_slots then state.low_slots = m.all end
        first = first or m
        limits_of(m.limits, low)
        if m.rate ~= first.rate or m.burst ~= first.burst or m.all ~= first.all or m.limits ~= first.limits then state.mixed = 1 end
      end
    end
  end
  low_limits = text_of(low, ' ')
end
local live, at_work = math.max(state.live, 1), math.max(state.busy, 1)

-- Share: an equal part, as far as the other records leave room. A young replica has none,
-- so that one that crashes again and again does not use the budget up.
local share = grown and math.max(0, math.floor(math.min(cap / live, cap - state.shares + old.share))) or 0

-- Slots: one for each idle replica, if there are enough, and equal parts for the busy. One
-- more goes to the busy that ask while nobody is below its part. Never more than the other records
-- leave room for.
local idle_part = total >= live and 1 or 0
local left = total - state.missing_slots
local part = math.max(0, math.floor((left - idle_part * (live - state.busy)) / at_work))
local slots = part + (state.least >= part and (state.bare == 0 or idle_part == 0) and 1 or 0)
if not busy then slots = state.busy == 0 and math.floor(left / live) or idle_part end
slots = math.max(0, math.min(slots, total - state.slots + old.slots))

-- A lower grant counts once the replica has confirmed it, so that an answer may get lost.
record(now, math.max(share, held_share), math.max(slots, held_slots))

-- What the target has told one replica holds for all. After a Retry-After one of them asks: the
-- one that was told, or if it is gone, another that has work.
if told_until > now then
  state.hold = math.max(state.hold, math.min(told_until, now + 3600 * SECOND))
  if told_asks then
    state.asks = 1
    if asker == '' then asker = id end
  end
end
if asker == id and not told_asks then state.asks, asker = 0, '' end
local role = 0 -- 1: it asks; 2: it waits for the one that does
if state.asks == 1 and follows then
  local other = asker ~= '' and asker ~= id and redis.call('HGET', KEYS[2], asker)
  other = other and parse(other)
  if not (other and other.busy and now - other.seen <= MISSING) and busy then asker = id end
  role = asker == id and 1 or 2
end

-- Tokens: the next free stamps, 1/pace apart, when the quotas have room, and at most half a
-- second's part in one call.
local pace, step, first, granted, again, tag = cap - state.missing_share, 0, 0, 0, 0, 0
local most = rate > 0 and math.max(1, math.ceil(pace / 1000000 / at_work / 2)) or 0
local quotas = read_quotas(limits, kept)
for _, q in ipairs(quotas) do
  q.most = q.n
  if rate > 0 then q.most = math.floor(q.n * cap / rate) - math.ceil(q.n * state.missing_part / 1000000) end
  if rate == 0 then most = math.min(most > 0 and most or 1000, math.max(1, math.ceil(q.n / at_work / 20))) end
  if made > 0 and q.w <= MINUTE then tally(q, now - skew, math.min(made, q.n)) end
  if seen_born == state.born then
    for at, n in string.gmatch(given_back, '(%d+):(%d+)') do tally(q, tonumber(at), -tonumber(n)) end
  end
end
if pace > 0 or (rate == 0 and #quotas > 0) then
  if pace > 0 then step = 1000000 * SECOND / pace end
  -- No stamp is more than HORIZON ahead. What is free only later is so by a lower rate of before.
  state.tat = math.min(state.tat, math.ceil(now + HORIZON + SECOND + step))
  first = math.max(state.tat, now)
  granted = math.min(want, most)
  for _, q in ipairs(quotas) do
    local at = opens(q, first - skew)
    if at then first = math.max(first, at + skew) else granted = 0 end
  end
  for _, q in ipairs(quotas) do
    local _, room = opens(q, first - skew)
    granted = math.min(granted, room)
  end
  if first > now + HORIZON then granted = 0
  elseif step > 0 then granted = math.min(granted, math.floor((now + HORIZON - first) / step) + 1) end
  if #quotas > 0 and is_unsure then granted = 0 end
  if follows and (state.hold > now or role == 2) then granted = 0 end
  again = math.max(0, math.ceil(first + granted * step) - now - HORIZON) -- the line is full: come back then,
  if granted > 0 then
    tag = math.ceil(first + (granted - 1) * step) + window - skew
    state.tat = math.ceil(first + granted * step)
    for _, q in ipairs(quotas) do tally(q, tag, granted) end
    if again > 0 then again = granted * at_work * step end -- or, just served, after a round
  end
end
if state.hold > now and follows then again = math.max(again, state.hold - now) end
local counted = ''
if #quotas > 0 then
  counted = write_quotas(KEYS[4], quotas, now - skew)
  redis.call('PEXPIRE', KEYS[4], 2 * 86400 * 1000)
end
return reply('live', now, state.seq, state.born, first, granted, math.floor(step * 1000), math.ceil(again), slots, share,
  grown and LEASE or 0, pause, window, live, state.busy, math.max(pace, 0), rate, all_slots, state.mixed,
  most, tag, alone, shown, state.hold > now and state.hold or 0, role, version, text_of(limits, ' '), counted, wish)
