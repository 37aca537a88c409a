-- Two records of one person become one. `server.merging` explains the keys and calls the script.

-- [merge] keys: contact other
-- arguments: conversation absorbed wa_id user_id
-- Everything of `absorbed` goes to `conversation` in one breath, or nothing: 0 while one of them has something in hand, 1 when it
-- is done, 2 when there was nothing to do. The earlier lines, the stricter consent and what an operator entered win; what is
-- not kept of the other's profile stands in a line of the transcript. Further keys are the identities of both.
local merged, waiting = root .. 'merged', root .. 'merges'
if call('EXISTS', contact) == 0 or call('EXISTS', other) == 0 or conversation == absorbed then
  call('HDEL', waiting, absorbed)
  return 2
end
for _, id in ipairs({conversation, absorbed}) do
  if call('SISMEMBER', root .. 'busy', id) == 1 then return 0 end
end
for _, part in ipairs({'inbox', 'outbox'}) do
  if call('EXISTS', root .. part .. ':' .. absorbed) == 1 then return 0 end
end
local function both(part) return root .. part .. ':' .. conversation, root .. part .. ':' .. absorbed end
local function pairs_of(k)
  local raw, found = call('HGETALL', k), {}
  for i = 1, #raw, 2 do found[raw[i]] = raw[i + 1] end
  return found
end

-- the transcript, by time; lines of one moment stay in their order
local mine, theirs = both('transcript')
local lines, at, order = {}, 0, 0
for _, list in ipairs({mine, theirs}) do
  at = 0
  for _, line in ipairs(call('LRANGE', list, 0, -1)) do
    at, order = math.max(at, tonumber(string.match(line, '"at": ?(%d+)') or 0)), order + 1
    lines[#lines + 1] = {at, order, line}
    if list == theirs then
      local turn = string.match(line, '"turn_id": ?"([^"]+)"')
      local old = turn and root .. 'trace:' .. absorbed .. ':' .. turn
      if old and call('EXISTS', old) == 1 then call('RENAME', old, root .. 'trace:' .. conversation .. ':' .. turn) end
    end
  end
end
table.sort(lines, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
call('DEL', mine, theirs)
for _, line in ipairs(lines) do call('RPUSH', mine, line[3]) end

-- what is known of them
local known, rest_of, lost = pairs_of(contact), pairs_of(other), {}
local sum = {calls = 1, input = 1, output = 1, nano = 1, unread = 1, wa_nano = 1, wa_paid = 1, wa_free = 1, wa_unpriced = 1, wa_saved = 1}
local first, last = {created = 1, asked_at = 1, task_at = 1}, {heard_at = 1, owner_at = 1, ad_at = 1}
local later = tonumber(rest_of.heard_at or 0) > tonumber(known.heard_at or 0)
for name, value in pairs(rest_of) do
  local own = known[name]
  if string.sub(name, 1, 2) == 's:' then own = nil -- goes with its field
  elseif string.sub(name, 1, 2) == 'p:' then
    local field = string.sub(name, 3)
    local source, own_source = rest_of['s:' .. field] or '', known['s:' .. field] or ''
    local stricter = field == 'consent' and value == 'stopped'
    local said = source == 'operator' and own_source ~= 'operator' and own ~= 'stopped'
    if own and own ~= '' then call('HINCRBY', root .. 'fields', field, -1) end
    if not own or own == '' or stricter or said then
      call('HSET', contact, name, value, 's:' .. field, source)
      if own and own ~= '' and own ~= value then lost[#lost + 1] = field .. ': ' .. own .. ' (' .. own_source .. ')' end
    elseif own ~= value then
      lost[#lost + 1] = field .. ': ' .. value .. ' (' .. source .. ')'
    end
  elseif string.sub(name, 1, 2) == 'r:' then -- an ad is kept as a whole
    if not known['r:at'] then call('HSET', contact, name, value)
    elseif name == 'r:source_id' then lost[#lost + 1] = 'ad: ' .. value end
  elseif string.sub(name, 1, 3) == 'r1:' then -- so is the first one: the earlier of both
    if tonumber(rest_of['r1:at'] or 0) < tonumber(known['r1:at'] or known['r:at'] or 1e17) then call('HSET', contact, name, value) end
  elseif sum[name] then call('HINCRBY', contact, name, value)
  elseif first[name] then
    if not own or tonumber(value) < tonumber(own) then call('HSET', contact, name, value) end
  elseif last[name] then
    if not own or tonumber(value) > tonumber(own) then call('HSET', contact, name, value) end
  elseif name == 'owner' then
    if value == 'person' then call('HSET', contact, name, value) end
  elseif name == 'task' then
    if value ~= '' and own ~= value then call('HSET', contact, name, (own and own ~= '' and own .. '; ' or '') .. value) end
  elseif name == 'reply_mode' then -- the stricter one
    local strict = {auto = 1, draft = 2, off = 3}
    if (strict[value] or 0) > (strict[own or ''] or 0) then call('HSET', contact, name, value) end
  elseif name == 'draft' then -- the one that waits
    local settled = not own or own == '' or string.find(own, '"settled": ?true')
    if settled and value ~= '' then call('HSET', contact, name, value) end
  elseif name == 'labels' or name == 'colleague_name' and known.colleague then -- below
  elseif name == 'account' and later or not own or own == '' then call('HSET', contact, name, value)
  elseif own ~= value and (name == 'wa_id' or name == 'user_id' or name == 'name') then
    lost[#lost + 1] = name .. ': ' .. value
  end
end
if wa_id ~= '' then call('HSET', contact, 'wa_id', wa_id) end
if user_id ~= '' then call('HSET', contact, 'user_id', user_id) end

-- how people at the business handle them: labels of both, comments of both; whoever has one of them has both
local labels, has = labels_of(known.labels), {}
for _, label in ipairs(labels) do has[label] = true end
for _, label in ipairs(labels_of(rest_of.labels)) do
  labelled(absorbed, label, false)
  if not has[label] then
    labelled(conversation, label, true)
    labels[#labels + 1] = label
  end
end
if #labels > 0 then call('HSET', contact, 'labels', cjson.encode(labels)) end
if rest_of.colleague then listed('colleague:' .. rest_of.colleague, absorbed, false) end
local colleague = call('HGET', contact, 'colleague')
if colleague then listed('colleague:' .. colleague, conversation, true) end
for _, id in ipairs({conversation, absorbed}) do
  call('ZREM', root .. 'snoozed', id)
  call('SREM', root .. 'resolved', id)
end
call('HDEL', contact, 'snoozed_until', 'resolved_at', 'resolved_by')
for _, id in ipairs(call('SMEMBERS', root .. 'mentioned')) do
  if call('SREM', root .. 'mentioned:' .. id, absorbed) == 1 then listed('mentioned:' .. id, conversation, true) end
end
for _, row in ipairs(call('LRANGE', root .. 'comments:' .. absorbed, 0, -1)) do
  call('RPUSH', root .. 'comments:' .. conversation, row)
end
call('DEL', root .. 'comments:' .. absorbed)
local other_cart = root .. 'cart:' .. absorbed
if call('EXISTS', other_cart) == 1 and call('EXISTS', root .. 'cart:' .. conversation) == 1 then
  local wanted = call('HGET', other_cart, 'said')
  if wanted and wanted ~= '' then lost[#lost + 1] = 'cart: ' .. wanted end
end
local note = 'Two records of this person were merged into one.'
if #lost > 0 then note = note .. ' The other one said: ' .. table.concat(lost, '; ') end
call('RPUSH', mine, cjson.encode({id = 'merged:' .. absorbed, author = 'bot', kind = 'system', text = note, at = now}))

-- statuses, ids of sends, messages seen before, the agent's memory, the plan of touches
local mine_of, theirs_of = both('status')
for name, value in pairs(pairs_of(theirs_of)) do call('HSETNX', mine_of, name, value) end
mine_of, theirs_of = both('ids')
for _, row in ipairs(call('LRANGE', theirs_of, 0, -1)) do call('RPUSH', mine_of, row) end
mine_of, theirs_of = both('seen')
for i, row in ipairs(call('ZRANGE', theirs_of, 0, -1, 'WITHSCORES')) do
  if i % 2 == 1 then order = row else call('ZADD', mine_of, 'NX', row, order) end
end
for _, part in ipairs({'thread', 'follow', 'poisoned', 'cart'}) do
  mine_of, theirs_of = both(part)
  if call('EXISTS', theirs_of) == 1 and call('EXISTS', mine_of) == 0 then call('RENAME', theirs_of, mine_of) end
end

-- orders of both; of two carts the own one stays
mine_of, theirs_of = both('orders')
for i, row in ipairs(call('ZRANGE', theirs_of, 0, -1, 'WITHSCORES')) do
  if i % 2 == 1 then order = row else call('ZADD', mine_of, row, order) end
end
call('DEL', theirs_of)

-- notes: of two with one key the later
mine_of, theirs_of = root .. 'store:' .. conversation .. ':notes', root .. 'store:' .. absorbed .. ':notes'
for name, value in pairs(pairs_of(theirs_of)) do
  local own = call('HGET', mine_of, name)
  if not own or cjson.decode(value).u > cjson.decode(own).u then call('HSET', mine_of, name, value) end
end
call('DEL', theirs_of)
for _, name in ipairs({'active', 'timers', 'suppressed'}) do
  local score, own = call('ZSCORE', root .. name, absorbed), call('ZSCORE', root .. name, conversation)
  if score and (not own or name == 'active' and tonumber(score) > tonumber(own)) then
    call('ZADD', root .. name, score, conversation)
  end
  call('ZREM', root .. name, absorbed)
end
call('ZREM', root .. 'due', absorbed)
for _, name in ipairs({'unread', 'failed', 'needs'}) do
  if call('SISMEMBER', root .. name, absorbed) == 1 then call('SADD', root .. name, conversation) end
end
for _, name in ipairs({'unread', 'failed', 'needs', 'fresh', 'class:client', 'class:non_client', 'class:unknown'}) do
  call('SREM', root .. name, absorbed)
  if string.sub(name, 1, 6) == 'class:' then call('SREM', root .. name, conversation) end
end
local class = call('HGET', contact, 'p:class')
if class and class ~= '' then listed('class:' .. class, conversation, true) end
if call('HGET', contact, 'p:consent') == 'stopped' then
  call('ZADD', root .. 'suppressed', 'NX', now, conversation)
  call('ZREM', root .. 'timers', conversation)
end
needs(conversation)

-- whatever else names them
local function renamed(row) return (string.gsub(row, string.gsub(absorbed, '%-', '%%-'), conversation)) end
for _, name in ipairs({'skipped', 'consents', 'happened', 'unanswered', 'edited'}) do
  for i, row in ipairs(call('LRANGE', root .. name, 0, -1)) do
    if string.find(row, absorbed, 1, true) then call('LSET', root .. name, i - 1, renamed(row)) end
  end
end
for _, name in ipairs({'dead', 'notices', 'reminders', 'call_rows', 'order_rows', 'deliveries', 'merged', 'learned'}) do
  for field, row in pairs(pairs_of(root .. name)) do
    if string.find(row, absorbed, 1, true) then call('HSET', root .. name, field, renamed(row)) end
  end
end
for i = 3, #KEYS do call('SET', KEYS[i], conversation) end
for _, part in ipairs({'status', 'ids', 'seen', 'thread', 'follow', 'poisoned', 'cart', 'box', 'inbox', 'outbox'}) do
  call('DEL', root .. part .. ':' .. absorbed)
end
call('DEL', other)
call('HDEL', waiting, absorbed)
call('HSET', merged, absorbed, conversation)
changed(conversation)
changed(absorbed)
tell('sg:events', contact)
tell('sg:events', mine)
return 1
