-- What is known of contacts. `server.conversations` explains the keys and calls the scripts.

-- [shared]
-- The ad that somebody came from: the first one (`r1:`) and the last one (`r:`), each as a whole. One that was told before, or is
-- older than the last, changes nothing there. A new one is counted, and told to those who asked for it.
local function came_from(conversation, contact, ad, new)
  local known, raw = {}, call('HGETALL', contact)
  for i = 1, #raw, 2 do known[raw[i]] = raw[i + 1] end
  local at, last, first = tonumber(ad.at), tonumber(known['r:at'] or 0), tonumber(known['r1:at'] or 0)
  local function keep(prefix, one) for name, value in pairs(one) do call('HSET', contact, prefix .. name, value) end end
  if first == 0 and last > 0 then  -- an older version knew the last one only
    local old = {}
    for name, value in pairs(known) do
      if string.sub(name, 1, 2) == 'r:' then old[string.sub(name, 3)] = value end
    end
    keep('r1:', old)
    first = last
  end
  if first == 0 or at < first then keep('r1:', ad) end
  local same = known['r:source_id'] == ad.source_id and known['r:source_url'] == ad.source_url
  local clicked = ad.ctwa_clid ~= '' and ad.ctwa_clid == known['r:ctwa_clid']
  if at < last or clicked or at == last and same then return end
  keep('r:', ad)
  call('HSET', contact, 'ad_at', now)
  local name = of_ad(conversation, 'arrivals')
  if name == '' then return end
  if new == 1 then of_ad(conversation, 'contacts') else happened('ad_clicked', conversation, ad.at .. ' ' .. name, {referral = ad}) end
  call('HSET', root .. 'ads', string.sub(name, 1, 200), cjson.encode({
    source_type = ad.source_type, source_url = ad.source_url, headline = ad.headline, body = ad.body, seen = now}))
end

-- [identify] keys: alias other
-- arguments: fresh prefix card
-- A `card` (1), which nobody wrote, does not change the spelling of a number that somebody writes from.
-- Every identity of a person leads to one conversation, the one known first; a second record that one of them leads to is noted
-- as one to be merged into it (`server.merging`). The contact's key depends on it and shares the
-- hash tag of the keys that are named. Fields follow as name, value, ...
local id
for _, k in ipairs(KEYS) do id = id or call('GET', k) end
id = id or fresh
local contact = prefix .. id
for _, k in ipairs(KEYS) do
  call('SET', k, id, 'NX')
  local led = call('GET', k)
  if led ~= id then call('HSETNX', root .. 'merges', led, cjson.encode({into = id})) end
end
local new, ad = call('HSETNX', contact, 'created', now), {}
for i = rest, #ARGV, 2 do
  local known = ARGV[i] == 'name' or ARGV[i] == 'wa_id'
  if known and call('HGET', contact, ARGV[i]) ~= ARGV[i + 1] then changed(id) end
  if string.sub(ARGV[i], 1, 2) == 'r:' then ad[string.sub(ARGV[i], 3)] = ARGV[i + 1]
  elseif card == '1' and ARGV[i] == 'wa_id' then call('HSETNX', contact, ARGV[i], ARGV[i + 1])
  else call('HSET', contact, ARGV[i], ARGV[i + 1]) end
end
if ad.at then came_from(id, contact, ad, new) end
if new == 1 then
  figure('contacts')
  -- erased, and had wanted no more messages: of such a person only this digest is kept, and it holds from the first moment
  for _, k in ipairs(KEYS) do
    if call('SISMEMBER', root .. 'silent', string.match(k, '[^:]+$')) == 1 and call('HSETNX', contact, 'p:consent', 'stopped') == 1 then
      call('HSET', contact, 's:consent', 'before')
      call('HINCRBY', root .. 'fields', 'consent', 1)
    end
  end
  local lead = {created = now}
  if ad.at then
    lead.referral = {}
    for name, value in pairs(ad) do if value ~= '' then lead.referral[name] = value end end
  end
  happened('lead_created', id, 'lead', lead)
end
return {id, new}

-- [move] keys: contact
-- arguments: conversation wa_id user_id
-- A contact's new number or user id, whose keys follow the contact's. A record that one of them leads to already is noted as one
-- to be merged into this one.
local other = ''
for n = 2, #KEYS do
  local led = call('GET', KEYS[n])
  if led and led ~= conversation then
    other = led
    call('HSET', root .. 'merges', led, cjson.encode({into = conversation, wa_id = wa_id, user_id = user_id}))
  end
end
if other ~= '' then return other end
for n = 2, #KEYS do call('SET', KEYS[n], conversation) end
if wa_id ~= '' then call('HSET', contact, 'wa_id', wa_id) end
changed(conversation)
if user_id ~= '' then call('HSET', contact, 'user_id', user_id) end
tell('sg:events', contact)
return ''

-- [learn] keys: contact
-- arguments: conversation source
-- What an operator entered is never overwritten, save for consent, which is the contact's to give and to take; nothing comes
-- back to life of a contact who was erased. Fields follow as name, value, ... An empty value forgets.
if call('EXISTS', contact) == 0 then return 0 end
local facts, any = {}, false
for i = rest, #ARGV, 2 do
  local name, value = ARGV[i], ARGV[i + 1]
  if source == 'operator' or name == 'consent' or call('HGET', contact, 's:' .. name) ~= 'operator' then
    local old = call('HGET', contact, 'p:' .. name) or ''
    if value == '' then call('HDEL', contact, 'p:' .. name, 's:' .. name)
    else call('HSET', contact, 'p:' .. name, value, 's:' .. name, source) end
    if old ~= value then
      if old == '' or value == '' then call('HINCRBY', root .. 'fields', name, old == '' and 1 or -1) end
      if name == 'class' then
        if old ~= '' then listed('class:' .. old, conversation, false) end
        if value ~= '' then listed('class:' .. value, conversation, true) end
        if value ~= '' and call('HSETNX', contact, 'was:' .. value, 1) == 1 then
          figure('class ' .. value)
          if value == 'client' then of_ad(conversation, 'clients') end
        end
        happened('class_changed', conversation, now .. ' ' .. source, {before = old, after = value})
      elseif name == 'consent' then
        if value == 'stopped' and source ~= 'before' then
          figure('opted out')
          happened('opted_out', conversation, now .. ' ' .. source, {source = source})
        end
      elseif not string.find(name, '^class_') then
        facts[name], any = value, true
      end
    end
  end
end
if any then
  changed(conversation)
  -- what has changed is part of its name: two changes may come within one millisecond
  happened('profile_changed', conversation, now .. ' ' .. source .. ' ' .. redis.sha1hex(cjson.encode(facts)), {changed = facts})
end
tell('sg:events', contact)
return 1

-- [set] keys: contact
-- arguments: conversation
-- Fields of a contact who is still on record, as name, value, ...
if call('EXISTS', contact) == 0 then return 0 end
for i = rest, #ARGV, 2 do
  local name, value = ARGV[i], ARGV[i + 1]
  if name == 'owner' then taken_over(conversation, value)
  elseif name == 'task' and value ~= '' and value ~= call('HGET', contact, 'task') then
    call('HSET', contact, 'task_at', now)
    happened('needs_person', conversation, now .. '', {reason = value})
  end
  call('HSET', contact, name, value)
end
needs(conversation)
tell('sg:events', contact)
return 1

-- [hear] keys: status
-- arguments: conversation message text
-- What was heard in a voice message.
call('HSET', status, 'heard:' .. message, text)
changed(conversation)

-- [buy] keys: contact
-- arguments: conversation id value currency worth
-- A purchase that people at the business report, once for its id; 0: there is no such contact, or it was reported before, or it
-- is an order that was paid. An order has been counted as one when it was placed.
if not bought(conversation, id, value, currency, worth) then return 0 end
if call('HEXISTS', root .. 'order_rows', id) == 0 then of_ad(conversation, 'orders') end
tell('sg:events', contact)
return 1

-- [see] keys: contact
-- arguments: conversation
-- Somebody has looked at what was said.
listed('unread', conversation, false)
if call('HDEL', contact, 'unread') == 1 then tell('sg:events', contact) end
return 1
