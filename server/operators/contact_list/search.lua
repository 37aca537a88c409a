-- Which contacts are as somebody wants them. `server.operators.contact_list.search` calls it.

-- [match] keys: any
-- arguments: wanted prefixes
-- The conversation ids follow. Answers those whose contact is on record and as `wanted` says (JSON, `ContactFilter.wanted`);
-- `prefixes` (JSON): how numbers of the simulator begin. Changes nothing.
local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
local root = string.match(any, '^.-}:')
wanted, prefixes = cjson.decode(wanted), cjson.decode(prefixes)
local function has(text, term)
  for _, spelling in ipairs(term) do
    if string.find(text, spelling, 1, true) then return true end
  end
  return false
end
local function among(text, all)
  for _, one in ipairs(all) do if one == text then return true end end
  return false
end
local function simulated(account)
  for _, prefix in ipairs(prefixes) do
    if string.sub(account, 1, #prefix) == prefix then return true end
  end
  return false
end
local function differs(told, is) return told ~= nil and told ~= is end
local function fits(id)
  for _, name in ipairs(wanted.sets) do
    if call('SISMEMBER', root .. name, id) == 0 then return false end
  end
  if wanted.touch and not call('ZSCORE', root .. 'timers', id) then return false end
  if differs(wanted.orders, call('EXISTS', root .. 'orders:' .. id) == 1) then return false end
  local card = call('HMGET', root .. 'contact:' .. id, 'created', 'account', 'p:stage', 'p:class', 'p:consent', 'colleague',
    'snoozed_until', 'name', 'p:name', 'p:last_name', 'p:company', 'p:email', 'wa_id', 'p:phone')
  if not card[1] then return false end
  for n = 2, 14 do card[n] = card[n] or '' end
  if wanted.stage and card[3] ~= wanted.stage then return false end
  if wanted.class and card[4] ~= wanted.class then return false end
  if differs(wanted.client, card[4] == 'client') or differs(wanted.stopped, card[5] == 'stopped') then return false end
  if wanted.nobody and card[6] ~= '' then return false end
  if differs(wanted.snoozed, (tonumber(card[7]) or 0) > now) then return false end
  if differs(wanted.simulated, simulated(card[2])) then return false end
  if wanted.on and not among(card[2], wanted.on) or wanted.not_on and among(card[2], wanted.not_on) then return false end
  local known = string.lower(table.concat(card, '\n', 8, 14))
  for _, term in ipairs(wanted.terms) do if not has(known, term) then return false end end
  return true
end
local found = {}
for i = rest, #ARGV do
  if fits(ARGV[i]) then found[#found + 1] = ARGV[i] end
end
return found
