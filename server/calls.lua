-- The book of scheduled calls: steps of `server.calls`, each atomic.

-- [book] keys: slots rows starts
-- arguments: id slot row capacity old
-- Takes a place in a slot for a call, once for its id; `old` (an id, or nothing) gives its own place back in the same breath.
-- 1: booked, or booked before; 0: no place is left, and nothing has changed.
if redis.call('HEXISTS', rows, id) == 1 then return 1 end
if tonumber(redis.call('HGET', slots, slot) or 0) >= tonumber(capacity) then return 0 end
if old ~= '' then
  local at = redis.call('ZSCORE', starts, old)
  if not at then return 0 end
  redis.call('ZREM', starts, old)
  redis.call('HDEL', rows, old)
  redis.call('HINCRBY', slots, string.format('%.0f', at), -1)
end
redis.call('HINCRBY', slots, slot, 1)
redis.call('HSET', rows, id, row)
redis.call('ZADD', starts, slot, id)
return 1

-- [cancel] keys: slots rows starts
-- arguments: id
-- Gives the place of a call back, once.
local at = redis.call('ZSCORE', starts, id)
if not at then return 0 end
redis.call('ZREM', starts, id)
redis.call('HDEL', rows, id)
redis.call('HINCRBY', slots, string.format('%.0f', at), -1)
return 1
