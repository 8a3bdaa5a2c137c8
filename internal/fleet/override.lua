-- What an operator wants of all replicas. It is written if it still is what the writer has
-- read, so that of two who change it in one moment neither undoes the other's change. With -1
-- nothing is expected, and it is only read. Nor is it written if the call is read too late: who
-- was told that it failed has done something else meanwhile.
--
-- KEYS: override (a hash: version and text)
local expected, least = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local kept = redis.call('HMGET', KEYS[1], 'version', 'text')
local version, text = tonumber(kept[1] or 0), kept[2] or ''
if expected ~= version or now > tonumber(ARGV[5]) then return {0, now, version, text} end
-- The newest holds: the version is the time, and more than any that the writer knows.
version, text = math.max(now, version + 1, least), ARGV[3]
redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version), 'text', text)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, now, version, text}
