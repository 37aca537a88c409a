-- What pages list and figures count, kept in the same breath as what they tell of, so that nothing is counted twice and nobody
-- looks through all conversations to know. Comes before the scripts of a file; `server.store.counters` explains the keys.
local call = redis.call
-- A wish: a user who may not publish loses no message by it, only time.
local function tell(channel, text) redis.pcall('PUBLISH', channel, text) end
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + ahead
local root = string.match(KEYS[1], '^.-}:')

-- What is looked for in a conversation has changed, without a line that was said now (`server.conversations.search.index`).
local function changed(conversation) call('ZADD', root .. 'changed', now, conversation) end
local function figure(name, by)
  call('HINCRBY', root .. 'figures:' .. day, name, by or 1)
  call('EXPIRE', root .. 'figures:' .. day, 34560000)
  call('HINCRBY', root .. 'totals', name, by or 1)
end
-- For those who asked to be told (`server.hooks`); where nobody did, nothing is kept.
local function happened(event, conversation, id, data)
  if call('EXISTS', root .. 'hooks') == 0 then return end
  call('RPUSH', root .. 'happened', cjson.encode({event = event, conversation_id = conversation, id = id, at = now, data = data}))
end
-- What somebody does whom an ad brought counts for the last ad that they came from (`server.operators.ads`).
local function of_ad(conversation, what, by)
  local row = call('HMGET', root .. 'contact:' .. conversation, 'r:source_id', 'r:source_url')
  local ad = row[1] and row[1] ~= '' and row[1] or row[2] or ''
  if ad ~= '' then figure('ad ' .. what .. ' ' .. string.sub(ad, 1, 200), by) end
  return ad
end
-- A purchase, once for its id, whoever tells of it: an order that is paid, or people at the business. `worth`: its value in
-- ten-thousandths. False where there is no such contact, or it counts already.
local function bought(conversation, id, value, currency, worth)
  local contact = root .. 'contact:' .. conversation
  if call('EXISTS', contact) == 0 or call('HSETNX', contact, 'bought:' .. id, now) == 0 then return false end
  of_ad(conversation, 'purchases')
  if currency ~= '' then of_ad(conversation, 'worth_' .. currency, worth) end
  happened('purchased', conversation, id, {id = id, value = value, currency = currency})
  return true
end
-- A conversation is in the set `name` if `wanted`.
local function listed(name, conversation, wanted) call(wanted and 'SADD' or 'SREM', root .. name, conversation) end
local function waits(conversation, since)
  if call('EXISTS', root .. 'contact:' .. conversation) == 1 then
    call('HSETNX', root .. 'contact:' .. conversation, 'asked_at', since or now)
  end
end
-- Nobody has put it off any more (`server.operators.teamwork.handling`).
local function woken(conversation)
  call('HDEL', root .. 'contact:' .. conversation, 'snoozed_until')
  call('ZREM', root .. 'snoozed', conversation)
end
local function opened_again(conversation)
  call('HDEL', root .. 'contact:' .. conversation, 'resolved_at', 'resolved_by')
  listed('resolved', conversation, false)
end
local function needs(conversation)
  local row = call('HMGET', root .. 'contact:' .. conversation, 'owner', 'task', 'snoozed_until')
  local needed = row[1] == 'person' or row[2] and row[2] ~= ''
  listed('needs', conversation, needed)
  if row[3] and not needed then woken(conversation) end
end
local function labels_of(text)
  local sound, labels = pcall(cjson.decode, text or '[]')
  return sound and type(labels) == 'table' and labels or {}
end
local function labelled(conversation, label, wanted)
  listed('label:' .. label, conversation, wanted)
  if call('HINCRBY', root .. 'labels', label, wanted and 1 or -1) <= 0 then call('HDEL', root .. 'labels', label) end
end
-- A person has it from now on.
local function taken_over(conversation, assignee)
  local contact = root .. 'contact:' .. conversation
  if assignee == 'person' and call('HGET', contact, 'owner') ~= 'person' then figure('handoffs') end
  call('HSET', contact, 'owner', assignee, 'owner_at', now)
  needs(conversation)
end
-- What was said in it is gone.
local function forgotten(conversation)
  changed(conversation)
  for _, name in ipairs({'unread', 'failed', 'needs'}) do listed(name, conversation, false) end
  woken(conversation)
  call('DEL', root .. 'comments:' .. conversation)
  call('HDEL', root .. 'contact:' .. conversation, 'unread', 'asked_at')
end
-- A line of a transcript.
local function said(conversation, entry)
  local contact = root .. 'contact:' .. conversation
  if call('EXISTS', contact) == 0 then return end
  local author = string.match(entry, '"author": ?"(%a+)"') or 'bot'
  if author == 'contact' then
    figure('messages in')
    if call('HSETNX', contact, 'counted', 1) == 1 then figure('conversations') end
    local put = call('HMGET', contact, 'snoozed_until', 'resolved_at')
    if put[1] then woken(conversation) end
    if put[2] then opened_again(conversation) end
    needs(conversation)
    call('HINCRBY', contact, 'unread', 1)
    listed('unread', conversation, true)
    if not string.find(entry, '"kind": ?"reaction"') then waits(conversation) end
    return
  end
  figure('messages out by ' .. author)
  if string.find(entry, '"touch": ?[1-9]') then return figure('touch messages') end
  local asked = tonumber(call('HGET', contact, 'asked_at'))
  if not asked then return end
  call('HDEL', contact, 'asked_at')
  figure('answers')
  figure('answer ms', now - asked)
  -- how long it took, in steps fine enough for a median, of the bot and of people apart (`server.figures`)
  local step = 'more'
  for _, seconds in ipairs({1, 2, 3, 5, 8, 12, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400}) do
    if now - asked <= seconds * 1000 then
      step = seconds
      break
    end
  end
  figure('answers of ' .. author .. ' le ' .. step)
  for _, seconds in ipairs({5, 15, 60, 300, 3600}) do
    if now - asked <= seconds * 1000 then return figure('answers in ' .. seconds) end
  end
end
-- What a turn counts as: steps of the funnel, and messages that were not answered by the model as it is set
-- (`otherwise:reason:how many`).
local function counted(conversation, turn, funnel, names)
  for name in string.gmatch(names, '%S+') do
    local reason, times = string.match(name, '^otherwise:(.+):(%d+)$')
    local answered, saved, nano = string.match(name, '^merged:(%d+):(%d+):(%d+)$')
    if reason then figure('otherwise ' .. reason, times)
    elseif answered then -- messages that were answered together (`server.observability.charges.merged`)
      figure('bursts')
      figure('burst messages', answered)
      figure('burst saved', saved)
      figure('burst nano', nano)
      call('HINCRBY', root .. 'contact:' .. conversation, 'wa_saved', saved)
    else
      call('HINCRBY', funnel, name, 1)
      figure('funnel ' .. name)
      if name == 'yes' then of_ad(conversation, 'yes') end
      if name == 'yes' or name == 'no' then happened(name, conversation, turn, {turn_id = turn}) end
    end
  end
end
-- A message that wants no answer.
local function ignored(heard)
  if heard == '1' then figure('otherwise ignored') end
  return 1
end
local function skipped(why) figure('otherwise ' .. string.gsub(why, ' ', '_')) end
local function given_up(messages)
  figure('given up')
  figure('otherwise given_up', messages)
end
-- A turn that says nothing: nobody waits, unless for a person, be it one who looks at a draft.
local function silent(conversation)
  local contact = root .. 'contact:' .. conversation
  if call('HGET', contact, 'owner') ~= 'person' and (call('HGET', contact, 'draft') or '') == '' then
    call('HDEL', contact, 'asked_at')
  end
end
-- A message on its way has come further, from one rank to another; what was passed over on the way was reached too. What we
-- chose not to send is no failure.
local steps = {'queued', 'accepted', 'sent', 'delivered', 'read'}
local function became(conversation, state, from, to)
  if call('EXISTS', root .. 'contact:' .. conversation) == 0 then return end -- a notice to operators
  if string.sub(state, 1, 6) ~= 'failed' then
    for rank = math.max(2, from + 1), to do figure('sends ' .. steps[rank]) end
    if to > 2 then listed('failed', conversation, false) end
  elseif string.find(state, '^failed %d') or string.find(state, '^failed no answer') then
    figure('sends failed')
    listed('failed', conversation, true)
  else
    figure('sends held back')
  end
end
