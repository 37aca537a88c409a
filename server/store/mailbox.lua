-- The mailbox's steps: each atomic, on one slot, with the server's clock. `server.mailbox` explains the keys and calls
-- them. A section's header names its keys and arguments; they are locals of the same names in its body, and `rest` is the
-- index of the first argument after the named ones. A step of a worker names the fence it was given by `begin`: when
-- another worker has taken over since, it answers 0 and changes nothing.

-- [shared]
local ranks = {queued = 0, accepted = 2, sent = 3, delivered = 4, read = 5, failed = 6}

local function held() return call('HGET', box, 'fence') == fence end
-- A box that holds no numbers was not written here: it is begun anew, its fence above all that were given.
local function sound()
  local numbers = redis.pcall('HMGET', box, 'fence', 'size', 'attempts', 'failures', 'turns', 'first', 'characters', 'singly', 'sends', 'trying', 'slot', 'pair', 'unanswered')
  for _, value in ipairs(numbers.err and {'no hash'} or numbers) do
    local odd = value and (string.find(value, '[^%d.]') or (tonumber(value) or 1e17) > 1e16)
    if odd then call('DEL', box) return call('HSET', box, 'fence', now) end
  end
end
-- Never given before, not by a primary either whose last writes were lost with it: by the clock and by chance.
local function new_fence(chance)
  local mine = math.max(tonumber(call('HGET', box, 'fence') or 0) + 1, now * 1000 + tonumber(string.sub(chance, 1, 6), 16) % 1000)
  call('HSET', box, 'fence', string.format('%.0f', mine))
  return mine
end
local function id_of(json) return string.match(json, '"id": ?"([^"]*)"') or '' end
-- Put down for `ms`; not at all when the outcome that is waited for is here already.
local function come_back(ms)
  call('HSET', box, 'parked', 1)
  call('ZADD', due, call('HEXISTS', box, 'sent') == 1 and now or now + ms, conversation)
end
-- The oldest lines go, with what became of them, beyond `lines` of them or `keep` ms of age (0: kept for ever).
local function record(entry, counts)
  call('RPUSH', transcript, entry)
  if counts then said(conversation, entry) end
  tell('sg:events', transcript)
  call('ZADD', active, now, conversation)
  while true do
    local head = call('LINDEX', transcript, 0)
    local at = head and tonumber(string.match(head, '"at": ?(%d+)') or now)
    if not head or call('LLEN', transcript) <= tonumber(lines) and (keep == '0' or at >= now - keep) then return end
    call('LPOP', transcript)
    call('HDEL', status, id_of(head), 'heard:' .. id_of(head), 'bill:' .. id_of(head))
  end
end
-- What was given up on for want of an answer may yet turn out to have arrived.
local function rank_of(state) return string.find(state, '^failed no answer') and 1 or ranks[string.match(state, '^%a+')] end
local function advance(reply, state)
  local old = call('HGET', status, reply)
  if old and (rank_of(old) or 9) < rank_of(state) then
    call('HSET', status, reply, state)
    became(conversation, state, rank_of(old) or 0, rank_of(state))
    tell('sg:events', status)
  end
end
-- A message waits in the inbox as `ms-of-arrival characters payload`.
local function waiting(payload, characters) return now .. ' ' .. characters .. ' ' .. payload end
local function payload_of(item) return string.match(item, '^%d+ %d+ (.*)$') end
local function skip(item, why) call('HSET', status, id_of(payload_of(item)), 'skipped ' .. why) skipped(why) end
-- The end of a turn: what it took is gone from the inbox.
local function take_batch()
  call('LTRIM', inbox, call('HGET', box, 'size'), -1)
  call('HDEL', box, 'turn', 'size', 'attempts', 'failures')
  if call('HEXISTS', box, 'singly') == 1 and call('HINCRBY', box, 'singly', -1) <= 0 then call('HDEL', box, 'singly') end
end
-- The contact waits since the first message came that has no answer yet: what a person at the business wrote wants none.
local function still_waits()
  for _, item in ipairs(call('LRANGE', inbox, 0, -1)) do
    local at = tonumber(string.match(item, '^%d+'))
    local theirs = string.find(item, '"kind": ?"echo"') or string.find(item, '"kind": ?"draft_request"')
    if at <= now and not theirs then return waits(conversation, at) end
  end
end
-- The end of a step: 1 there are replies to send, 2 there are new messages, 3 nothing to do; looked at in the same breath
-- as the conversation is let go, so that nothing is stranded in between.
local function release()
  if call('EXISTS', outbox) == 1 then
    call('ZADD', due, now + lease, conversation)
    return 1
  end
  call('SREM', busy, conversation)
  if call('EXISTS', inbox) == 1 then
    call('HSET', box, 'first', now)
    call('SADD', fresh, conversation)
    call('ZADD', due, now + quiet, conversation)
    still_waits()
    return 2
  end
  call('ZREM', due, conversation)
  return 3
end

-- [accept] keys: contact seen inbox box due busy transcript status active fresh timers
-- arguments: conversation digest payload length entry account assignee answer heard debounce longest lines keep most characters remember bot wake
-- A message is stored if and only if its id was never seen here, and the id is remembered in the same breath. -1: there is
-- no such contact; 0: seen before. Replies go to the number that was written to last, and a person who writes takes over.
-- The inbox is bounded: what is over goes from its old end and stays in the transcript. An answer stops the timer of the
-- next touch in the same breath.
if call('EXISTS', contact) == 0 then return -1 end
sound()
if call('ZADD', seen, 'NX', now, digest) == 0 then return 0 end
call('PEXPIRE', seen, remember)
if call('ZCARD', seen) > 64 then call('ZREMRANGEBYSCORE', seen, '-inf', now - remember) end
record(entry, heard == '1' or assignee ~= '')
if assignee ~= '' then taken_over(conversation, assignee) end
if heard == '1' then call('HSET', contact, 'heard_at', now) end
if answer == '0' then return ignored(heard) end
call('ZREM', timers, conversation)
if account ~= '' then call('HSET', contact, 'account', account) end
call('RPUSH', inbox, waiting(payload, length))
local taken = tonumber(call('HGET', box, 'size') or 0)
local total = call('HINCRBY', box, 'characters', length)
local count = call('LLEN', inbox) - taken
while count > tonumber(most) or (total > tonumber(characters) and count > 1) do
  local oldest = call('LINDEX', inbox, taken)
  call('LSET', inbox, taken, '')
  call('LREM', inbox, 1, '')
  skip(oldest, 'too many messages at once')
  total = call('HINCRBY', box, 'characters', 0 - string.match(oldest, '^%d+ (%d+)'))
  count = count - 1
end
if call('SISMEMBER', busy, conversation) == 1 then return 1 end
local new = call('HSETNX', box, 'first', now)
if new == 1 then call('SADD', fresh, conversation) end
call('ZADD', due, math.min(now + debounce, call('HGET', box, 'first') + longest), conversation)
if new == 1 or debounce == '0' then tell(wake, bot) end
return 1

-- [claim] keys: due busy fresh
-- arguments: lease count
-- What is due is leased to the caller alone. Answers ms to the next one due (-1: none), those leased, and conversations
-- where somebody has just begun to write.
local ids = call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, count)
for _, id in ipairs(ids) do
  call('ZADD', due, now + lease, id)
  call('SADD', busy, id)
  redis.pcall('HDEL', root .. 'box:' .. id, 'parked') -- or a status would make it due for a second worker
end
local head = call('ZRANGE', due, 0, 0, 'WITHSCORES')
local begun = call('SPOP', fresh, count)
return {head[2] and tostring(math.max(0, head[2] - now)) or '-1', ids, begun}

-- [begin] keys: due busy box inbox outbox status
-- arguments: conversation lease turn fence age turns
-- Gives a new fence, and one thing to do: a reply to send, or a turn with its batch. A turn that was begun before comes
-- again with the same id and the same batch. `fence` is empty right after a claim; 0 in the answer: lost meanwhile.
sound()
if fence ~= '' and not held() then return {0, '', 0, 0, {}, ''} end
call('ZADD', due, now + lease, conversation)
call('SADD', busy, conversation)
call('HDEL', box, 'parked')
local mine = new_fence(turn)
local head = call('LINDEX', outbox, 0)
if head then return {mine, '', 0, 0, {}, head} end
local running = call('HGET', box, 'turn')
if not running then
  call('HDEL', box, 'first', 'characters')
  local oldest = call('LINDEX', inbox, 0)
  while oldest and tonumber(string.match(oldest, '^%d+')) < now - age do
    skip(call('LPOP', inbox), 'waited too long')
    oldest = call('LINDEX', inbox, 0)
  end
  if not oldest then
    call('ZREM', due, conversation)
    call('SREM', busy, conversation)
    return {mine, '', 0, 0, {}, ''}
  end
  -- nobody has more turns in an hour than `turns` (GCRA; 0: as many as they like): what is over waits, and is answered together
  if turns ~= '0' then
    local used = math.min(math.max(tonumber(call('HGET', box, 'turns') or 0), now), now + 3600000)
    local early = math.ceil(used - now - 3600000 / turns * (turns - 1))
    if early > 0 then
      figure('turns put off')
      come_back(early)
      return {mine, '', 0, 0, {}, ''}
    end
    call('HSET', box, 'turns', string.format('%.0f', used + 3600000 / turns))
  end
  running = turn
  local size = call('HEXISTS', box, 'singly') == 1 and 1 or call('LLEN', inbox)
  call('HSET', box, 'turn', turn, 'size', size, 'attempts', 0, 'failures', 0)
end
local batch = call('LRANGE', inbox, 0, call('HGET', box, 'size') - 1)
for i, item in ipairs(batch) do batch[i] = payload_of(item) end
return {mine, running, call('HINCRBY', box, 'attempts', 1), tonumber(call('HGET', box, 'failures')), batch, ''}

-- [renew] keys: due
-- arguments: lease
-- Another term for all that a worker holds, named as conversation, fence, conversation, fence ...; answers which of those
-- pairs, counted from 0, are lost.
local lost = {}
for i = rest, #ARGV, 2 do
  if redis.pcall('HGET', root .. 'box:' .. ARGV[i], 'fence') == ARGV[i + 1] then
    call('ZADD', due, 'XX', now + lease, ARGV[i])
  else lost[#lost + 1] = (i - rest) / 2 end
end
return lost

-- [park] keys: due box
-- arguments: conversation fence delay failed
-- Nobody takes the conversation up before `delay` ms have gone by. `failed`: its turn did not come to an end.
if not held() then return 0 end
if failed == '1' then call('HINCRBY', box, 'failures', 1) end
come_back(delay)
return 1

-- [hand_back] keys: due box
-- arguments: conversation fence delay bot wake
-- Another worker may go on, at once or after `delay` ms, where this one stopped; it does not count as an attempt.
if not held() then return 0 end
if call('HEXISTS', box, 'turn') == 1 then call('HINCRBY', box, 'attempts', -1) end
call('ZADD', due, 'XX', now + delay, conversation)
tell(wake, bot)
return 1

-- [commit] keys: due busy box inbox outbox transcript status active fresh timers follow funnel
-- arguments: conversation fence lease quiet turn lines keep plan timer count
-- The batch leaves the inbox and the replies (reply, entry, reply, entry ...) enter the outbox together, once per turn; with
-- them the plan of touches is set (empty: as it was), its timer (0: none), and counted what the turn was.
if not held() then return 0 end
if call('HGET', box, 'turn') == turn then
  take_batch()
  if plan ~= '' then call('SET', follow, plan) end
  if plan ~= '' then call('ZADD', timers, timer, conversation) end
  call('ZREMRANGEBYSCORE', timers, 0, 0)
  counted(conversation, turn, funnel, count)
  if rest > #ARGV then silent(conversation) end
  for i = rest, #ARGV, 2 do
    call('RPUSH', outbox, ARGV[i])
    call('HSET', status, id_of(ARGV[i]), 'queued')
    record(ARGV[i + 1], true)
  end
end
return release()

-- [split] keys: box
-- arguments: fence turn
-- A batch that keeps failing is tried again message by message, so that a poisonous one takes no neighbour with it.
if not held() or call('HGET', box, 'turn') ~= turn then return 0 end
call('HSET', box, 'singly', call('HGET', box, 'size'))
call('HDEL', box, 'turn', 'size', 'attempts', 'failures')
return 1

-- [bury] keys: due busy box inbox outbox fresh dead
-- arguments: conversation fence lease quiet turn reason
-- The batch moves from the inbox to the dead letters.
if not held() then return 0 end
if call('HGET', box, 'turn') == turn then
  local batch = call('LRANGE', inbox, 0, call('HGET', box, 'size') - 1)
  for i, item in ipairs(batch) do batch[i] = payload_of(item) end
  call('HSET', dead, turn, cjson.encode({conversation_id = conversation, reason = reason, at = now, batch = batch}))
  given_up(#batch)
  take_batch()
end
return release()

-- [post] keys: due box outbox transcript status busy active
-- arguments: conversation reply entry delay lines keep bot wake
-- A message that no turn wrote enters the outbox, once however often it is posted, and leaves it after `delay` ms at the
-- earliest; what is due before is not put off.
if call('HSETNX', status, id_of(reply), 'queued') == 0 then return 0 end
call('RPUSH', outbox, reply)
record(entry, true)
if tonumber(delay) > 0 then call('HSET', box, 'after:' .. id_of(reply), now + delay) end
if call('SISMEMBER', busy, conversation) == 0 then call('ZADD', due, 'LT', now + delay, conversation) end
tell(wake, bot)
return 1

-- [note] keys: inbox
-- arguments: payload
-- The next turn will know of it, whenever that is; nobody is woken.
return call('RPUSH', inbox, '9999999999999 0 ' .. payload)

-- [send_begin] keys: due box rate paused
-- arguments: conversation fence lease reply again interval burst pair_interval pair_burst probe
-- Records an attempt before the request is made. While the account is paused or the provider wants nothing, or the number or
-- this contact has had its share, the conversation comes back later. The number's slots are reserved here (GCRA), so that
-- all workers share them; one that was not used in time is given up. An attempt of unknown outcome is not repeated unless
-- `again`. Times far in the future were written before the clock was set back, and count for no more than they could.
if not held() then return {'lost', '', ''} end
local sent = call('HGET', box, 'sent')
if sent then return {'sent', sent, ''} end
local before = call('HGET', box, 'trying')
if before and again == '0' then
  call('ZADD', due, now + lease, conversation)
  return {'open', tostring(now - before), ''}
end
local function wait(ms)
  come_back(ms)
  return {'wait', tostring(ms), ''}
end
local after = tonumber(call('HGET', box, 'after:' .. reply) or 0)
if after > now then return wait(after - now) end
local probing = tonumber(call('HGET', paused, 'probe'))
if probing and probing > now then return wait(math.min(probing - now, tonumber(probe)) + now % 1000) end
local held_off = tonumber(call('HGET', rate, 'hold') or 0)
if held_off > now then
  call('HDEL', box, 'slot')
  return wait(held_off - now + now % 1000)
end
local longest_pair = now + pair_interval * pair_burst
local pair = math.min(math.max(tonumber(call('HGET', box, 'pair') or 0), now), longest_pair)
local early = pair - now - pair_interval * (pair_burst - 1)
if early > 0 then return wait(math.ceil(early)) end
local slot = tonumber(call('HGET', box, 'slot') or 0)
if slot < now - 1000 or slot > now + 3600000 then
  local theirs = math.min(math.max(tonumber(call('HGET', rate, 'used') or 0), now), now + 3600000)
  slot = math.ceil(theirs - interval * (burst - 1))
  call('HSET', rate, 'used', string.format('%.3f', theirs + interval))
  call('PEXPIRE', rate, 7200000)
end
if slot > now then
  call('HSET', box, 'slot', slot)
  return wait(slot - now)
end
call('HDEL', box, 'slot')
if probing then call('HSET', paused, 'probe', now + probe) end
call('HSET', box, 'was', (before or '') .. ' ' .. pair, 'trying', now, 'pair', pair + pair_interval)
call('ZADD', due, now + lease, conversation)
local unanswered = before and call('HINCRBY', box, 'unanswered', 1) or tonumber(call('HGET', box, 'unanswered') or 0)
return {'go', tostring(call('HINCRBY', box, 'sends', 1)), tostring(unanswered)}

-- [send_abort] keys: due box rate
-- arguments: conversation fence delay hold
-- The request certainly did not arrive: the attempt is forgotten, and after `delay` ms comes the next. `hold`: for how many
-- ms the provider wants nothing from this number, slots or not.
if not held() then return 0 end
call('HDEL', box, 'trying')
come_back(delay)
if tonumber(hold) > 0 then
  call('HSET', rate, 'hold', now + hold)
  call('PEXPIRE', rate, math.max(hold, 7200000))
end
return 1

-- [send_undo] keys: due box
-- arguments: conversation fence delay
-- An attempt that was recorded and will not be made, since too few replicas know of it: all is as it was before.
if not held() then return 0 end
local trying, pair = string.match(call('HGET', box, 'was') or '', '^(%d*) ([%d.]+)$')
call('HDEL', box, 'trying')
if (trying or '') ~= '' then call('HSET', box, 'trying', trying, 'unanswered', (call('HGET', box, 'unanswered') or 1) - 1) end
call('HSET', box, 'pair', pair or 0, 'sends', (call('HGET', box, 'sends') or 1) - 1)
return come_back(delay)

-- [send_done] keys: due busy box inbox outbox status fresh paused ids
-- arguments: conversation fence lease quiet reply provider state
-- The reply leaves the outbox. That the provider has it is noted whoever holds the conversation, and spares the next
-- worker a second send. An account that took a message after it was paused is not paused any more, unless it is one that
-- takes messages and then fails them: for those a status must tell.
local head = call('LINDEX', outbox, 0)
local mine = head and id_of(head) == reply
if provider ~= '' and mine then
  local since = tonumber(call('HGET', paused, 'at') or 0)
  if tonumber(call('HGET', box, 'trying') or 0) >= since and call('HGET', paused, 'by') ~= 'status' then call('DEL', paused) end
  call('HSET', box, 'sent', provider)
end
if not held() then return 0 end
if mine then
  call('LPOP', outbox)
  call('HDEL', box, 'sends', 'trying', 'sent', 'slot', 'unanswered', 'was', 'after:' .. reply)
  if provider ~= '' then
    call('RPUSH', ids, provider .. ' ' .. reply)
    call('LTRIM', ids, -50, -1)
  end
end
advance(reply, state)
return release()

-- [status] keys: due box outbox status paused
-- arguments: conversation reply provider state bot wake
-- What became of a reply only ever advances. One that is about to be sent, perhaps again, turns out to have arrived, and
-- whoever waits for this very answer is woken. A message that arrived ends a pause that statuses had begun.
advance(reply, state)
local arrived = string.sub(state, 1, 6) ~= 'failed'
if arrived and call('HGET', paused, 'by') == 'status' then call('DEL', paused) end
local head = call('LINDEX', outbox, 0)
if not head or id_of(head) ~= reply or not (arrived or call('HEXISTS', box, 'trying') == 1) then return 0 end
call('HSET', box, 'sent', provider)
if call('HEXISTS', box, 'parked') == 1 and call('ZADD', due, 'XX', 'LT', 'CH', now, conversation) == 1 then
  tell(wake, bot)
end
return 1

-- [pause] keys: paused
-- arguments: code reason by probe
-- 1 for the first to say so, and only for them: one alert. Until `probe` ms have gone by nothing is sent, then one message.
local first = call('HSETNX', paused, 'at', now)
call('HSET', paused, 'code', code, 'reason', reason, 'by', by, 'probe', now + probe)
return first

-- [forget] keys: due active transcript status ids thread timers follow
-- arguments: conversation oldest
-- What was said goes, if nothing of it is still to be done and nothing was said since `oldest`.
local last = call('ZSCORE', active, conversation)
if call('ZSCORE', due, conversation) or not last or tonumber(last) >= tonumber(oldest) then return 0 end
call('DEL', transcript, status, ids, thread, follow)
call('ZREM', timers, conversation)
forgotten(conversation)
return call('ZREM', active, conversation)
