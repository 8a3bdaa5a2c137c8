-- An operator's order for the whole fleet: it replaces the one that the caller knows, unless
-- there is a newer one. The version is the server's time, so that the newest is known as such
-- though a memory was lost in between.
--
-- KEYS: orders (a hash). ARGV: the version and text that the caller knows, the new text.
local kept = redis.call('HMGET', KEYS[1], 'version', 'text')
local version, text = tonumber(kept[1] or 0), kept[2] or ''
local known = tonumber(ARGV[1])
if known > version then version, text = known, ARGV[2] end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if known == version and ARGV[3] ~= '' then
  version, text = math.max(now, version + 1), ARGV[3]
end
if version > 0 then
  redis.call('HSET', KEYS[1], 'version', string.format('%.0f', version), 'text', text)
  redis.call('PEXPIRE', KEYS[1], 31 * 86400 * 1000)
end
return {version, now, text}
