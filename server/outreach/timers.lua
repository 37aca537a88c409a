-- The timers of touches: steps of `server.timers`, on the keys of `mailbox.lua`, each atomic and by the server's clock.

-- [shared]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead

-- [fire] keys: timers follow inbox due busy
-- arguments: conversation bot wake
-- A timer that is up becomes a message in the inbox, and is gone in the same breath: it never fires twice.
local at = call('ZSCORE', timers, conversation)
if not at or tonumber(at) > now then return 0 end
call('ZREM', timers, conversation)
local plan = call('GET', follow)
if not plan then return 0 end
local id = string.format('touch:%d:%.0f', cjson.decode(plan)['touch'], at)
call('RPUSH', inbox, now .. ' 0 ' .. cjson.encode({id = id, account = '', kind = 'touch'}))
if call('SISMEMBER', busy, conversation) == 0 then call('ZADD', due, now, conversation) end
redis.pcall('PUBLISH', wake, bot) -- a wish: without it the next look finds it
return 1

-- [set] keys: timers follow
-- arguments: conversation old plan timer
-- Puts a plan in the place of the one that was read, and its timer (0: none); 0 when somebody else has changed it since.
if (call('GET', follow) or '') ~= old then return 0 end
call('SET', follow, plan)
if timer == '0' then call('ZREM', timers, conversation) else call('ZADD', timers, timer, conversation) end
return 1
