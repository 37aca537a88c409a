-- The bill of WhatsApp messages, one entry a message. `server.observability.charges.ledger` explains the keys and calls the
-- scripts. Every step is atomic and may come any number of times, in any order.

-- [shared]
local field = 'bill:' .. reply
-- An entry that is not as it was written here is none.
local function kept()
  local sound, row = pcall(cjson.decode, call('HGET', status, field) or '')
  if not sound or type(row) ~= 'table' then return nil end
  local whole = type(row.day) == 'string' and type(row.month) == 'string' and type(row.counts) == 'number'
  return whole and (row.nano == nil or type(row.nano) == 'number') and type(row.state) == 'string' and row or nil
end
-- Puts an entry on the bills of its day, of the conversation and of all time, or (sign -1) takes it off again.
local function enter(row, sign)
  local sums = {}
  if row.state ~= 'failed' then sums['wa_' .. row.state] = sign end
  if row.state == 'paid' and not row.nano then sums.wa_unpriced = sign end
  if row.state == 'paid' and row.nano then sums.wa_nano = sign * row.nano end
  local spent = root .. 'spent:' .. row.day
  for name, by in pairs(sums) do
    local amount = string.format('%.0f', by)
    call('HINCRBY', spent, name, amount)
    call('HINCRBY', root .. 'totals', name, amount)
    if call('EXISTS', contact) == 1 then
      call('HINCRBY', contact, name, amount)
      if name == 'wa_nano' then of_ad(string.match(contact, ':contact:(.+)$'), 'whatsapp_nano', amount) end
    end
  end
  call('EXPIRE', spent, 34560000)
end
-- Service messages of the month: those that a free share is counted of.
local function count(month, by)
  if by == 0 then return end
  call('HINCRBY', service, month, by)
  call('EXPIRE', service, 34560000)
end
local function write(row)
  call('HSET', status, field, cjson.encode(row))
  tell('sg:events', status)
end

-- [forecast] keys: status contact service
-- arguments: reply month category nano free quota
-- A message that goes out is expected to cost so much (billionths of a US dollar; empty: nobody knows), unless something is
-- known of it already: a status may be faster, and a send may be noted twice. 1 where it was entered.
local state = call('HGET', status, reply)
if not state or string.sub(state, 1, 6) == 'failed' or kept() then return 0 end
local row = {category = category, day = day, month = month, state = 'paid', reason = 'regular', told = false, counts = 0}
row.nano = tonumber(nano)
if free ~= '' then
  row.state, row.reason = 'free', free
elseif category == 'service' then
  row.counts = 1
  count(month, 1)
  if tonumber(call('HGET', service, month)) <= tonumber(quota) then row.state, row.reason = 'free', 'free_customer_service' end
end
enter(row, 1)
write(row)
return 1

-- [told] keys: status contact service
-- arguments: reply month category nano charged reason quota conversation
-- What a status says stands in the place of what was expected, on the day that it was expected for, and once however often
-- it is said. `conversation`: one charge stands for all messages of it. What is charged within the free share says that
-- others use the number too: the share is used up, then.
if not call('HGET', status, reply) then return 0 end
local old = kept()
if old and old.told then return 0 end
if conversation ~= '' then
  local place = root .. 'charged:' .. conversation
  call('SET', place, reply, 'NX', 'EX', 691200)
  if call('GET', place) ~= reply then charged, reason = '0', 'same_conversation' end
end
local row = {category = category, day = old and old.day or day, month = old and old.month or month, reason = reason, told = true}
row.state, row.nano = charged == '1' and 'paid' or 'free', tonumber(nano)
row.counts = category == 'service' and reason ~= 'free_entry_point' and conversation == '' and 1 or 0
count(row.month, row.counts - (old and old.counts or 0))
if row.counts == 1 and charged == '1' then
  count(row.month, math.max(0, tonumber(quota) - tonumber(call('HGET', service, row.month) or 0)))
end
if old then enter(old, -1) end
enter(row, 1)
write(row)
return 1

-- [failed] keys: status contact service
-- arguments: reply
-- A message that did not arrive costs nothing, and is not of the free share.
local old = kept()
if not old or old.state == 'failed' then return 0 end
enter(old, -1)
count(old.month, -old.counts)
old.state, old.reason, old.told, old.counts = 'failed', 'undelivered', true, 0
write(old)
return 1
