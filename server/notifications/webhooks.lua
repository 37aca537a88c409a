-- Events on their way to those who asked to be told. `server.notifications.webhooks` explains the keys and calls the scripts.

-- [fan] keys: happened deliveries due reported
-- arguments: raw
-- The oldest event leaves the list and becomes deliveries (id, row, once, id, row, once ...) in one breath, each once. 0: another
-- process did. What is made `once` (1) is so for 400 days, also when the delivery was forgotten.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
if call('LINDEX', happened, 0) ~= raw then return 0 end
call('LPOP', happened)
for i = rest, #ARGV, 3 do
  local new = ARGV[i + 2] == '0' or call('ZADD', reported, 'NX', now, ARGV[i]) == 1
  if new and call('HSETNX', deliveries, ARGV[i], ARGV[i + 1]) == 1 then call('ZADD', due, 0, ARGV[i]) end
end
call('ZREMRANGEBYSCORE', reported, '-inf', now - 34560000000)
return 1

-- [claim] keys: due deliveries
-- arguments: count term
-- Deliveries that are due, the caller's alone for `term` ms.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
local found = {}
for _, id in ipairs(call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)) do
  local row = call('HGET', deliveries, id)
  if row then
    call('ZADD', due, now + term, id)
    found[#found + 1] = row
  else
    call('ZREM', due, id)
  end
end
return found

-- [settle] keys: due deliveries finished
-- arguments: id row next at most
-- What became of an attempt: again at `next` (ms), or (0) never. The last `most` that are over stay to be looked at.
local call = redis.call
if call('HEXISTS', deliveries, id) == 0 then return 0 end
call('HSET', deliveries, id, row)
if next ~= '0' then return call('ZADD', due, next, id) end
call('ZREM', due, id)
call('ZADD', finished, at, id)
local over = call('ZCARD', finished) - most
if over > 0 then
  for _, old in ipairs(call('ZPOPMIN', finished, over)) do call('HDEL', deliveries, old) end
end
return 1
