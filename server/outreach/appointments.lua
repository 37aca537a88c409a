-- Appointments: steps of `server.outreach.appointments`, each atomic.

-- [book] keys: slots rows starts
-- arguments: id slot row capacity old conversation
-- Takes a place in a slot for an appointment, once for its id; `old` (an id, or nothing) gives its own place back in the same breath.
-- 1: booked, or booked before; 0: no place is left, and nothing has changed.
if call('HEXISTS', rows, id) == 1 then return 1 end
if tonumber(call('HGET', slots, slot) or 0) >= tonumber(capacity) then return 0 end
if old ~= '' then
  local at = call('ZSCORE', starts, old)
  if not at then return 0 end
  call('ZREM', starts, old)
  call('HDEL', rows, old)
  call('HINCRBY', slots, string.format('%.0f', at), -1)
end
call('HINCRBY', slots, slot, 1)
call('HSET', rows, id, row)
call('ZADD', starts, slot, id)
if old == '' then
  figure('calls booked') -- the name under which older days are counted too
  of_ad(conversation, 'bookings')
end
happened('appointment_booked', conversation, id, cjson.decode(row))
return 1

-- [cancel] keys: slots rows starts
-- arguments: id
-- Gives the place of an appointment back, once.
local at = call('ZSCORE', starts, id)
if not at then return 0 end
call('ZREM', starts, id)
call('HDEL', rows, id)
call('HINCRBY', slots, string.format('%.0f', at), -1)
return 1
