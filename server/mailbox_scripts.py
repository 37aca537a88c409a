"""The mailbox's steps as Redis scripts: each atomic, on one slot, with the server's clock.

A step of a worker names the fence it was given by `begin`; when another worker has taken over since, it returns 0 and
changes nothing. Key names are explained in `server.mailbox`.
"""

from __future__ import annotations

DAY = 86_400
# Meta repeats an unacknowledged webhook for up to 7 days (webhooks overview).
SEEN_SECONDS = 8 * DAY
SENT_SECONDS = 30 * DAY

_NOW = "local t = redis.call('TIME'); local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
_FENCED = _NOW + "if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[2] then return 0 end\n"

# KEYS seen inbox box due busy transcript active contact | ARGV conversation payload entry ttl debounce longest answer wake bot
_ACCEPT = (
    _NOW
    + """
if redis.call('EXISTS', KEYS[8]) == 0 then return -1 end
if not redis.call('SET', KEYS[1], '1', 'NX', 'EX', ARGV[4]) then return 0 end
redis.call('RPUSH', KEYS[6], ARGV[3])
redis.call('ZADD', KEYS[7], now, ARGV[1])
if ARGV[7] == '0' then return 1 end
redis.call('RPUSH', KEYS[2], ARGV[2])
if redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 1 then return 1 end
redis.call('HSETNX', KEYS[3], 'first', now)
redis.call('ZADD', KEYS[4], math.min(now + ARGV[5], redis.call('HGET', KEYS[3], 'first') + ARGV[6]), ARGV[1])
redis.call('PUBLISH', ARGV[8], ARGV[9])
return 1
"""
)
# KEYS due busy | ARGV lease count -> {milliseconds to the next one or -1, conversations...}
_CLAIM = (
    _NOW
    + """
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[1], now + ARGV[1], id)
  redis.call('SADD', KEYS[2], id)
end
local head = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
table.insert(ids, 1, head[2] and tostring(math.max(0, head[2] - now)) or '-1')
return ids
"""
)
# KEYS due box busy inbox outbox | ARGV conversation lease new-turn fence ('' right after a claim)
_BEGIN = (
    _NOW
    + """
if ARGV[4] ~= '' and redis.call('HGET', KEYS[2], 'fence') ~= ARGV[4] then return {0, '', 0, {}, ''} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[2], 'parked')
local fence = redis.call('HINCRBY', KEYS[2], 'fence', 1)
local head = redis.call('LINDEX', KEYS[5], 0)
if head then return {fence, '', 0, {}, head} end
local turn = redis.call('HGET', KEYS[2], 'turn')
if not turn then
  local size = redis.call('LLEN', KEYS[4])
  redis.call('HDEL', KEYS[2], 'first')
  if size == 0 then
    redis.call('ZREM', KEYS[1], ARGV[1])
    redis.call('SREM', KEYS[3], ARGV[1])
    return {fence, '', 0, {}, ''}
  end
  turn = ARGV[3]
  redis.call('HSET', KEYS[2], 'turn', turn, 'size', size, 'attempts', 0)
end
local attempt = redis.call('HINCRBY', KEYS[2], 'attempts', 1)
return {fence, turn, attempt, redis.call('LRANGE', KEYS[4], 0, redis.call('HGET', KEYS[2], 'size') - 1), ''}
"""
)
# KEYS due box | ARGV conversation fence lease
_RENEW = _FENCED + "redis.call('ZADD', KEYS[1], 'XX', now + ARGV[3], ARGV[1]); return 1"
# KEYS due box | ARGV conversation fence delay : come back then, and nobody before
_PARK = (
    _FENCED
    + """
redis.call('HSET', KEYS[2], 'parked', 1)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
return 1
"""
)
# Shared end of every step. KEYS[1..5] = due box busy inbox outbox; LEASE and QUIET are filled in.
_RELEASE = """
if redis.call('LLEN', KEYS[5]) > 0 then
  redis.call('ZADD', KEYS[1], now + LEASE, ARGV[1])
  return 1
end
redis.call('SREM', KEYS[3], ARGV[1])
if redis.call('LLEN', KEYS[4]) > 0 then
  redis.call('HSET', KEYS[2], 'first', now)
  redis.call('ZADD', KEYS[1], now + QUIET, ARGV[1])
  return 2
end
redis.call('ZREM', KEYS[1], ARGV[1])
return 3
""".replace("LEASE", "ARGV[3]").replace("QUIET", "ARGV[4]")
# KEYS due box busy inbox outbox transcript active | ARGV conversation fence lease quiet turn reply entry reply entry ...
_COMMIT = (
    _FENCED
    + """
if redis.call('HGET', KEYS[2], 'turn') == ARGV[5] then
  redis.call('LTRIM', KEYS[4], redis.call('HGET', KEYS[2], 'size'), -1)
  redis.call('HDEL', KEYS[2], 'turn', 'size', 'attempts')
  for i = 6, #ARGV, 2 do
    redis.call('RPUSH', KEYS[5], ARGV[i])
    redis.call('RPUSH', KEYS[6], ARGV[i + 1])
  end
  redis.call('ZADD', KEYS[7], now, ARGV[1])
end
"""
    + _RELEASE
)
# KEYS due box busy inbox outbox dead | ARGV conversation fence lease quiet turn reason
_BURY = (
    _FENCED
    + """
if redis.call('HGET', KEYS[2], 'turn') == ARGV[5] then
  local size = tonumber(redis.call('HGET', KEYS[2], 'size'))
  local batch = redis.call('LRANGE', KEYS[4], 0, size - 1)
  redis.call('HSET', KEYS[6], ARGV[5], cjson.encode({conversation_id = ARGV[1], reason = ARGV[6], at = now, batch = batch}))
  redis.call('LTRIM', KEYS[4], size, -1)
  redis.call('HDEL', KEYS[2], 'turn', 'size', 'attempts')
end
"""
    + _RELEASE
)
# KEYS dead inbox due busy box | ARGV conversation turn : the batch goes back to the head of the inbox, or, while a turn has
# its own batch counted off there, behind it
_REVIVE = (
    _NOW
    + """
local raw = redis.call('HGET', KEYS[1], ARGV[2])
if not raw then return 0 end
local batch = cjson.decode(raw).batch
if redis.call('HEXISTS', KEYS[5], 'turn') == 1 then
  for i = 1, #batch do redis.call('RPUSH', KEYS[2], batch[i]) end
else
  for i = #batch, 1, -1 do redis.call('LPUSH', KEYS[2], batch[i]) end
end
redis.call('HDEL', KEYS[1], ARGV[2])
if redis.call('SISMEMBER', KEYS[4], ARGV[1]) == 0 then redis.call('ZADD', KEYS[3], now, ARGV[1]) end
return 1
"""
)
# KEYS due box outbox transcript busy active | ARGV conversation reply entry : a message outside any turn
_POST = (
    _NOW
    + """
redis.call('RPUSH', KEYS[3], ARGV[2])
redis.call('RPUSH', KEYS[4], ARGV[3])
redis.call('ZADD', KEYS[6], now, ARGV[1])
if redis.call('SISMEMBER', KEYS[5], ARGV[1]) == 0 then redis.call('ZADD', KEYS[1], now, ARGV[1]) end
return 1
"""
)
# KEYS due box attempt sent | ARGV conversation fence lease again -> {outcome, detail}
_SEND_BEGIN = (
    _NOW
    + """
if redis.call('HGET', KEYS[2], 'fence') ~= ARGV[2] then return {'lost', ''} end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
local id = redis.call('GET', KEYS[4])
if id then return {'sent', id} end
local before = redis.call('GET', KEYS[3])
if before and ARGV[4] == '0' then return {'open', tostring(now - before)} end
redis.call('SET', KEYS[3], now, 'EX', SENT)
return {'go', tostring(redis.call('HINCRBY', KEYS[2], 'sends', 1))}
""".replace("SENT", str(SENT_SECONDS))
)
# KEYS due box attempt | ARGV conversation fence delay : certainly not sent
_SEND_ABORT = (
    _FENCED
    + """
redis.call('DEL', KEYS[3])
redis.call('HSET', KEYS[2], 'parked', 1)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
return 1
"""
)
# KEYS due box busy inbox outbox status sent | ARGV conversation fence lease quiet reply-id provider-id state
# That the provider has it is true whoever holds the lease, and spares the next worker a second send.
_SEND_DONE = (
    """
if ARGV[6] ~= '' then redis.call('SET', KEYS[7], ARGV[6], 'EX', SENT) end
""".replace("SENT", str(SENT_SECONDS))
    + _FENCED
    + """
local head = redis.call('LINDEX', KEYS[5], 0)
if head and cjson.decode(head).id == ARGV[5] then
  redis.call('LPOP', KEYS[5])
  redis.call('HDEL', KEYS[2], 'sends')
  redis.call('HSETNX', KEYS[6], ARGV[5], ARGV[7])
end
"""
    + _RELEASE
)
# KEYS due box status sent | ARGV conversation reply-id provider-id state rank : ranks only rise
_STATUS = (
    _NOW
    + """
local ranks = {accepted = 0, sent = 1, delivered = 2, read = 3, failed = 4}
local old = redis.call('HGET', KEYS[3], ARGV[2])
local rank = old and ranks[string.match(old, '^%a+')] or -1
if tonumber(ARGV[5]) > rank then redis.call('HSET', KEYS[3], ARGV[2], ARGV[4]) end
redis.call('SET', KEYS[4], ARGV[3], 'EX', SENT)
if redis.call('HEXISTS', KEYS[2], 'parked') == 1 then redis.call('ZADD', KEYS[1], 'XX', 'LT', now, ARGV[1]) end
return 1
""".replace("SENT", str(SENT_SECONDS))
)

SCRIPTS = {
    "accept": _ACCEPT,
    "claim": _CLAIM,
    "begin": _BEGIN,
    "renew": _RENEW,
    "park": _PARK,
    "commit": _COMMIT,
    "bury": _BURY,
    "revive": _REVIVE,
    "post": _POST,
    "send_begin": _SEND_BEGIN,
    "send_abort": _SEND_ABORT,
    "send_done": _SEND_DONE,
    "status": _STATUS,
}
