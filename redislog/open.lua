-- Begins the log if there is none, and says where it stands.
--
-- KEYS: meta, names, counts, ring, forgotten
-- ARGV: epoch (for a new one)
-- Returns: epoch, newest sequence number, id of the newest entry, how many events there
--          ever were, names and their numbers, how many events each number ever had, the
--          ring of the last events' streams, up to where streams were forgotten, and the
--          newest event that streams can have had which are not even known by name.

local meta = KEYS[1]
if redis.call('HSETNX', meta, 'epoch', ARGV[1]) == 1 then
  redis.call('HSET', meta, 'seq', 0, 'clock', 0, 'n', 0, 'chunk', 0, 'names', 0, 'last', '0-0')
end
local m = redis.call('HMGET', meta, 'epoch', 'seq', 'last', 'n', 'lost')
return {m[1], tonumber(m[2]), m[3], tonumber(m[4]),
  redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3]), redis.call('GET', KEYS[4]) or '',
  redis.call('HGETALL', KEYS[5]), tonumber(m[5] or 0)}
