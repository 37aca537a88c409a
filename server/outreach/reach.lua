-- Whom a business wrote to first within 24 hours. `server.outreach.reach` explains the keys and calls the scripts.

-- [shared]
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead

-- [reserve] keys: reached pace
-- arguments: contact day_ms careful most interval
-- 0: the contact may be written to now, and counts from now on; else ms until it is worth asking again. Who counts already is
-- free. From `careful` people on one more comes each `interval` ms, and none beyond `most` until others have dropped out.
call('ZREMRANGEBYSCORE', reached, '-inf', now - day_ms)
if call('ZSCORE', reached, contact) then return 0 end
local count = call('ZCARD', reached)
if tonumber(most) >= 0 then
  if count >= tonumber(most) then
    local oldest = call('ZRANGE', reached, 0, 0, 'WITHSCORES')
    return oldest[2] and math.max(1000, oldest[2] + day_ms - now) or tonumber(day_ms)
  end
  if count >= tonumber(careful) then
    local slot = math.min(tonumber(call('GET', pace) or 0), now + interval)
    if slot > now then return math.ceil(slot - now) end
    call('SET', pace, string.format('%.0f', now + interval), 'PX', string.format('%.0f', interval + 1000))
  end
end
call('ZADD', reached, now, contact)
call('PEXPIRE', reached, day_ms)
return 0
