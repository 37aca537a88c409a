-- Drafts: steps of `server.conversations.drafts`, each atomic, on the keys of `mailbox.lua` and of contacts.

-- [settle] keys: contact
-- arguments: conversation old draft waiting unanswered
-- The draft `old` gives way to `draft` (empty: to nothing), and with it the task to look at one; 0 where another stands there.
if (call('HGET', contact, 'draft') or '') ~= old then return 0 end
call('HSET', contact, 'draft', draft)
local task = call('HGET', contact, 'task')
if task == waiting or task == unanswered then call('HSET', contact, 'task', '') end
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
