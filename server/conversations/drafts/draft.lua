-- Drafts: steps of `server.conversations.drafts`, each atomic, on the keys of `mailbox.lua` and of contacts.

-- [settle] keys: contact
-- arguments: conversation turn draft waiting
-- A draft of that turn gives way to `draft` (empty: to nothing), and with it the task `waiting`; 0 where another one stands there
-- by now.
local kept = call('HGET', contact, 'draft') or ''
if string.match(kept, '"turn_id": ?"([^"]*)"') ~= turn then return 0 end
call('HSET', contact, 'draft', draft)
if call('HGET', contact, 'task') == waiting then call('HSET', contact, 'task', '') end
needs(conversation)
tell('sg:events', contact)
return 1

-- [ask] keys: inbox due busy
-- arguments: conversation payload bot wake
-- What a person asks of the agent enters the inbox, and the conversation is due at once.
call('RPUSH', inbox, now .. ' 0 ' .. payload)
if call('SISMEMBER', busy, conversation) == 0 then call('ZADD', due, now, conversation) end
tell(wake, bot)
return 1
