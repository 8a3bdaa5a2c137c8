-- The quotas of a budget: no more than n starts in any window of a length, over the fleet.
--
-- Exact times are too many to keep, so starts are counted in slices, 60 to a window. A token
-- counts in the slice of the last moment at which its request can arrive, and is stamped no
-- sooner than its quota has room: every start that falls into one window with it was counted
-- before, in a slice that the window touches. So a quota is never passed, and about a slice
-- short of full.
--
-- What a memory has counted is never thrown away: each replica has a copy, by which a memory
-- that was lost is mended. Slices are of a steady clock, which goes on evenly though the
-- server's is set: callers say what it shows.
local SECOND = 1000000
local MINUTE = 60 * SECOND
local SLICES = 60

-- Maps have texts as keys: a number would be an index for some.

-- limits_of reads "window:n window:n ..." into limits, of which the lower hold.
local function limits_of(text, limits)
  for w, n in string.gmatch(text or '', '(%d+):(%d+)') do
    n = tonumber(n)
    if not limits[w] or n < limits[w] then limits[w] = n end
  end
  return limits
end

local function sorted(map)
  local keys = {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tonumber(a) < tonumber(b) end)
  return keys
end

-- text_of writes a map from numbers to numbers; what is 0, or below the least key, is omitted.
local function text_of(map, between, least)
  local parts = {}
  for _, key in ipairs(sorted(map)) do
    if map[key] > 0 and tonumber(key) >= (least or 0) then parts[#parts + 1] = string.format('%s:%.0f', key, map[key]) end
  end
  return table.concat(parts, between)
end

-- counts_of reads slices: how many starts each has.
local function counts_of(text)
  local counts = {}
  for slice, n in string.gmatch(text or '', '(%d+):(%d+)') do counts[slice] = tonumber(n) end
  return counts
end

-- sum_of adds two maps.
local function sum_of(a, b)
  local sum = {}
  for key, n in pairs(a) do sum[key] = n end
  for key, n in pairs(b) do sum[key] = (sum[key] or 0) + n end
  return sum
end

-- read_quotas returns what is kept of each limit, the shortest window first. kept is the
-- hash: a window -> what this memory has counted, -window -> what those before it had.
local function read_quotas(limits, kept)
  local quotas = {}
  for _, key in ipairs(sorted(limits)) do
    local w = tonumber(key)
    local q = {w = w, n = limits[key], key = key, slice = math.ceil(w / SLICES), slack = math.min(SECOND, math.floor(w / 10)),
      counts = counts_of(kept[key]), before = counts_of(kept['-' .. key])}
    q.all = sum_of(q.counts, q.before)
    quotas[#quotas + 1] = q
  end
  return quotas
end

-- tally adds starts whose requests arrive until a time, or takes them back.
local function tally(q, at, n)
  local slice = string.format('%.0f', math.floor((at + q.slack) / q.slice))
  local old = q.counts[slice] or 0
  q.counts[slice] = math.max(0, old + n)
  q.all[slice] = (q.all[slice] or 0) + q.counts[slice] - old
  q.changed = true
end

-- opens returns from when, at a time or later, a quota has room, and for how many: never (nil)
-- if the silent replicas have all of it.
local function opens(q, at)
  if q.most <= 0 then return nil, 0 end
  local sum, slices = 0, {}
  for slice, n in pairs(q.all) do
    if tonumber(slice) >= math.floor((at - q.w) / q.slice) then
      sum = sum + n
      slices[#slices + 1] = tonumber(slice)
    end
  end
  table.sort(slices)
  for _, slice in ipairs(slices) do
    if sum < q.most then break end
    sum = sum - q.all[string.format('%.0f', slice)]
    at = (slice + 1) * q.slice + q.w
  end
  return at, q.most - sum
end

-- write_quotas keeps what was counted, and returns a copy for the caller.
local function write_quotas(key, quotas, at)
  local copies = {}
  for _, q in ipairs(quotas) do
    local least = math.floor((at - q.w) / q.slice)
    if q.changed then
      redis.call('HSET', key, q.key, text_of(q.counts, ',', least), '-' .. q.key, text_of(q.before, ',', least))
    end
    copies[#copies + 1] = q.key .. '=' .. text_of(q.all, ',', least)
  end
  return table.concat(copies, ' ')
end

-- mend_quotas has a new memory begin with what the one before it had counted.
local function mend_quotas(key, kept)
  for field, text in pairs(kept) do
    if string.match(field, '^%d+$') then
      local sum = sum_of(counts_of(text), counts_of(kept['-' .. field]))
      kept[field], kept['-' .. field] = '', text_of(sum, ',')
      redis.call('HSET', key, field, '', '-' .. field, kept['-' .. field])
    end
  end
end

-- bring_quotas takes in a copy that a replica has of another memory.
local function bring_quotas(key, kept, copy)
  for field, text in string.gmatch(copy, '(%d+)=([%d:,]*)') do
    local before = counts_of(kept['-' .. field])
    for slice, n in pairs(counts_of(text)) do before[slice] = math.max(before[slice] or 0, n) end
    kept['-' .. field] = text_of(before, ',')
    redis.call('HSET', key, '-' .. field, kept['-' .. field])
  end
end
