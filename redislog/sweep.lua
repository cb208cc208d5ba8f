-- Lets go of the names of streams that have nothing any more, and of what is remembered
-- of them: from then on it is known only that there was something.
--
-- KEYS: meta, names, counts, forgotten
-- ARGV: prefix, epoch, newest event that any of them can have had, and for each
--       stream: its name, its number, how many events it had when it was looked at
-- Returns: how many names are left, or -1 if the log is another

local meta, names, counts, forgotten = unpack(KEYS)
local prefix, epoch, through = unpack(ARGV, 1, 3)
if redis.call('HGET', meta, 'epoch') ~= epoch then return -1 end
local swept = false
for i = 4, #ARGV, 3 do
  local stream, number, count = unpack(ARGV, i, i + 2)
  if redis.call('HGET', names, stream) == number and redis.call('HGET', counts, number) == count
    and redis.call('XLEN', prefix .. 's:' .. stream) == 0 then
    redis.call('DEL', prefix .. 's:' .. stream) -- trimming leaves an empty one
    redis.call('HDEL', names, stream)
    redis.call('HDEL', counts, number)
    redis.call('HDEL', forgotten, stream)
    swept = true
  end
end
if swept and tonumber(redis.call('HGET', meta, 'lost') or 0) < tonumber(through) then
  redis.call('HSET', meta, 'lost', through)
end
return redis.call('HLEN', names)
