-- Appends what an instance has collected, all or none: each request's events go to the
-- ordered log and to their streams' histories, and the instances are woken up.
--
-- KEYS: meta, log, names, counts, ring, keys, keyorder, operation
-- ARGV: prefix, channel, epoch, position (of the instance), operation, now (ms, or '' for
--       this server's clock), and then the requests:
--         'e', idempotency key, fingerprint, number of events, and for each
--              stream, how many are kept (0: not here), hash of its key, size, body
--         'f', stream
-- Returns: 'ok', when they were appended (ms), the ids of the newest entry of the ordered
--          log before and now, and for each request what became of it: {first, last, count}
--          of its numbers; the same and a 1 if it was stored before; {'reused'} if its key
--          was another's; {the id of its entry, or ''} for a forget;
--          or else 'epoch' or 'behind': the instance does not know this log; or 'stale': a
--          newer operation of the instance was run already.

local meta, log, names, counts, ring, keys, keyorder, operation = unpack(KEYS)
local prefix, channel, epoch, position, op, now = unpack(ARGV, 1, 6)

local RING = 1048576 -- events whose streams are remembered
local KEYS_KEPT, KEYS_AGE = 100000, 600000
local LOG_EVENTS, LOG_CHUNK, LOG_CHUNKS = 65536, 1048576, 32

local m = redis.call('HMGET', meta, 'epoch', 'seq', 'clock', 'n', 'chunk', 'names', 'last')
if m[1] ~= epoch then return {'epoch'} end
local seq, clock, n = tonumber(m[2]), tonumber(m[3]), tonumber(m[4])
local chunk, named, before = tonumber(m[5]), tonumber(m[6]), m[7]
if seq < tonumber(position) then return {'behind'} end

local saved = redis.call('GET', operation)
if saved then
  saved = cmsgpack.unpack(saved)
  if saved[1] == op then return saved[2] end
  -- It comes late, over a connection that was given up: newer ones were run meanwhile, and
  -- what became of it was asked for over another.
  if tonumber(saved[1]) > tonumber(op) then return {'stale'} end
end

if now == '' then
  local t = redis.call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local appended = math.max(clock, tonumber(now))

local function int(x) return string.format('%.0f', x) end

local function remembered(key, fingerprint)
  local use = redis.call('HGET', keys, key)
  if not use then return nil end
  use = cmsgpack.unpack(use)
  if appended - use[5] > KEYS_AGE then return nil end
  if use[1] ~= fingerprint then return {'reused'} end
  return {use[2], use[3], use[4], 1}
end

local function remember(key, fingerprint, first, last, count)
  if redis.call('HEXISTS', keys, key) == 1 then redis.call('LREM', keyorder, 1, key) end
  redis.call('HSET', keys, key, cmsgpack.pack({fingerprint, first, last, count, appended}))
  local length = redis.call('RPUSH', keyorder, key)
  for _ = 1, 2 do -- more go than come
    local oldest = redis.call('LINDEX', keyorder, 0)
    if not oldest or oldest == key then return end
    local use = redis.call('HGET', keys, oldest)
    if length <= KEYS_KEPT and use and appended - cmsgpack.unpack(use)[5] <= KEYS_AGE then return end
    redis.call('LPOP', keyorder)
    redis.call('HDEL', keys, oldest)
    length = length - 1
  end
end

local records, from = {}, n
local added, keep, number = {}, {}, {}
local results = {}
local last = before
local i = 7
while i <= #ARGV do
  if ARGV[i] == 'f' then
    local stream = ARGV[i + 1]
    i = i + 2
    local id = ''
    local newest = redis.call('XREVRANGE', prefix .. 's:' .. stream, '+', '-', 'COUNT', 1)[1]
    if newest then
      redis.call('DEL', prefix .. 's:' .. stream)
      redis.call('HSET', prefix .. 'forgotten', stream, string.match(newest[1], '^%d+'))
      -- It has no number of its own: it follows the newest event.
      local nth = redis.call('HINCRBY', meta, 'forgets', 1)
      id = int(seq) .. '-' .. int(4611686018427387904 + nth * 1024)
      redis.call('XADD', log, id, 'f', stream)
      last = id
    end
    results[#results + 1] = {id}
  else
    local key, fingerprint, count = ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3])
    i = i + 4
    local known = key ~= '' and remembered(key, fingerprint)
    if known then
      results[#results + 1] = known
      i = i + 5 * count
    else
      local first = seq + 1
      for _ = 1, count do
        local stream, most, hash, size, body = unpack(ARGV, i, i + 4)
        i = i + 5
        seq = seq + 1
        if not number[stream] then
          local known = redis.call('HGET', names, stream)
          if not known then
            named = named + 1
            known = named
            redis.call('HSET', names, stream, known)
          end
          number[stream] = tonumber(known)
        end
        local id = int(seq) .. '-' .. int(appended)
        redis.call('XADD', log, id, 's', stream, 'e', body)
        redis.call('XADD', prefix .. 's:' .. stream, id, 'e', body)
        last = id
        records[#records + 1] = struct.pack('<I4I4', number[stream], tonumber(hash))
        added[stream] = (added[stream] or 0) + 1
        keep[stream] = most
        n = n + 1
        chunk = chunk + tonumber(size)
        if chunk > LOG_CHUNK then
          chunk = 0
          if redis.call('RPUSH', prefix .. 'marks', int(seq)) > LOG_CHUNKS then
            redis.call('XTRIM', log, 'MINID', redis.call('LPOP', prefix .. 'marks') .. '-0')
          end
        end
      end
      results[#results + 1] = {first, seq, count}
      if key ~= '' then remember(key, fingerprint, first, seq, count) end
    end
  end
end

if #records > RING then -- of so many only the newest can be remembered
  local newest = {}
  for j = #records - RING + 1, #records do newest[#newest + 1] = records[j] end
  from, records = n - RING, newest
end
local at = from % RING
local room = RING - at
if #records <= room then
  if #records > 0 then redis.call('SETRANGE', ring, at * 8, table.concat(records)) end
else
  redis.call('SETRANGE', ring, at * 8, table.concat(records, '', 1, room))
  redis.call('SETRANGE', ring, 0, table.concat(records, '', room + 1))
end
for stream, count in pairs(added) do
  redis.call('HINCRBY', counts, number[stream], count)
  if keep[stream] ~= '0' then redis.call('XTRIM', prefix .. 's:' .. stream, 'MAXLEN', keep[stream]) end
end
redis.call('XTRIM', log, 'MAXLEN', '~', LOG_EVENTS)
redis.call('HSET', meta, 'seq', int(seq), 'clock', int(appended), 'n', int(n), 'chunk', int(chunk),
  'names', int(named), 'last', last)
local result = {'ok', appended, before, last, results}
redis.call('SET', operation, cmsgpack.pack({op, result}), 'PX', 3600000)
if last ~= before then redis.call('SPUBLISH', channel, last) end
return result
