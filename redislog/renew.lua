-- Gives the log another epoch, since it is not what an instance knows it to be: whoever
-- was there before has to be told.
--
-- KEYS: meta
-- ARGV: the epoch that it had, its new one

if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then
  redis.call('HSET', KEYS[1], 'epoch', ARGV[2])
end
return 0
