-- How a conversation is handled. `server.operators.teamwork.handling` explains the keys and calls the scripts.

-- [assign] keys: contact
-- arguments: conversation operator called expected
-- `expected`: who must have it now (`*`: whoever it is). -1: somebody else has it; 0: there is no such contact.
if call('EXISTS', contact) == 0 then return 0 end
local old = call('HGET', contact, 'colleague') or ''
if expected ~= '*' and old ~= expected then return -1 end
if old ~= '' then listed('colleague:' .. old, conversation, false) end
if operator == '' then call('HDEL', contact, 'colleague', 'colleague_name')
else
  call('HSET', contact, 'colleague', operator, 'colleague_name', called)
  listed('colleague:' .. operator, conversation, true)
end
tell('sg:events', contact)
return 1

-- [label] keys: contact
-- arguments: conversation
-- The labels that follow, and no others. 0: there is no such contact.
if call('EXISTS', contact) == 0 then return 0 end
local wanted, kept = {}, {}
for i = rest, #ARGV do wanted[ARGV[i]] = true end
for _, label in ipairs(labels_of(call('HGET', contact, 'labels'))) do
  kept[label] = true
  if not wanted[label] then labelled(conversation, label, false) end
end
for i = rest, #ARGV do
  if not kept[ARGV[i]] then labelled(conversation, ARGV[i], true) end
end
if rest > #ARGV then call('HDEL', contact, 'labels')
else call('HSET', contact, 'labels', cjson.encode({unpack(ARGV, rest)})) end
tell('sg:events', contact)
return 1

-- [relabel] keys: contact
-- arguments: conversation label wanted most
-- One label more (`wanted` 1) or one fewer (0), the others as they are. -1: it would have more than `most`; 0: there is no such
-- contact.
if call('EXISTS', contact) == 0 then return 0 end
local add, had, kept = wanted == '1', false, {}
for _, one in ipairs(labels_of(call('HGET', contact, 'labels'))) do
  if one == label then had = true else kept[#kept + 1] = one end
end
if had == add then return 1 end
if add then
  if #kept >= tonumber(most) then return -1 end
  kept[#kept + 1] = label
end
labelled(conversation, label, add)
if #kept == 0 then call('HDEL', contact, 'labels') else call('HSET', contact, 'labels', cjson.encode(kept)) end
tell('sg:events', contact)
return 1

-- [snooze] keys: contact
-- arguments: conversation till
-- Whoever waits is out of the way until then (ms); 0 ends it. -1: nothing waits in it; 0: there is no such contact.
if call('EXISTS', contact) == 0 then return 0 end
if till == '0' then woken(conversation)
else
  if call('SISMEMBER', root .. 'needs', conversation) == 0 then return -1 end
  call('HSET', contact, 'snoozed_until', till)
  call('ZADD', root .. 'snoozed', till, conversation)
end
tell('sg:events', contact)
return 1

-- [resolve] keys: contact
-- arguments: conversation by
-- Nothing is left to do: the bot goes on, and who wrote is answered anew. Resolved again, it counts once. 0: there is no such
-- contact.
if call('EXISTS', contact) == 0 then return 0 end
local before = call('SISMEMBER', root .. 'resolved', conversation)
taken_over(conversation, 'bot')
call('HSET', contact, 'task', '', 'resolved_at', now, 'resolved_by', by)
call('HDEL', contact, 'asked_at')
listed('resolved', conversation, true)
needs(conversation)
if before == 0 then figure('resolved') end
tell('sg:events', contact)
return 1

-- [reopen] keys: contact
-- arguments: conversation
-- It is looked after again. 0: there is no such contact.
if call('EXISTS', contact) == 0 then return 0 end
opened_again(conversation)
tell('sg:events', contact)
return 1
