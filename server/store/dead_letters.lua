-- Turns given up on. `server.dead_letters` calls the scripts; `bury` of the mailbox puts them here.

-- [revive] keys: dead inbox due busy box
-- arguments: conversation turn bot wake
-- A dead letter goes back to the head of the inbox, or, while a turn has its own batch counted off there, behind it.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
local raw = call('HGET', dead, turn)
if not raw then return 0 end
local batch = cjson.decode(raw).batch
local behind = call('HEXISTS', box, 'turn') == 1
for i = 1, #batch do
  local payload = batch[behind and i or #batch + 1 - i]
  call(behind and 'RPUSH' or 'LPUSH', inbox, now .. ' 0 ' .. payload)
end
call('HDEL', dead, turn)
if call('SISMEMBER', busy, conversation) == 0 then call('ZADD', due, now, conversation) end
redis.pcall('PUBLISH', wake, bot) -- a wish: without it the next look finds it
return 1
