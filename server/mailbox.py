"""The keyed mailbox: one inbox, one outbox and one lease per conversation, on plain Redis.

One sorted set per bot says when each conversation next needs a worker; that one idea carries debounce, a crashed worker
(its lease ends), retries and pacing. Every step is one atomic script with the server's clock, and every step of a worker
names the fence it was given, so one that lost its lease changes nothing.

    due        ZSET conversation -> ms   when it needs a worker; in a worker's hands: when its lease ends
    busy       SET                       conversations in a worker's hands or parked: new messages leave `due` alone
    inbox:C    LIST                      accepted messages that no finished turn has taken
    box:C      HASH                      first (start of the burst), fence, turn, size, attempts, sends, parked
    outbox:C   LIST                      replies decided and not yet known to be sent, ids `turn:index`
    seen:M     STRING                    a message id that was accepted
    attempt:O  sent:O  STRING            a send that was begun; the provider's id of a reply it took
    transcript:C LIST, status:C HASH     what was said, and what became of each reply
    dead       HASH                      turns given up on
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis

from server.keys import WAKE, digest, key

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

_SCRIPTS = {
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
_RANKS = {"accepted": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker holds after `begin`: a reply to send, or a batch to answer, or nothing (released)."""

    fence: int
    turn_id: str = ""
    attempt: int = 0
    batch: tuple[str, ...] = ()
    reply: str = ""


class UnknownContact(LookupError):
    """There is no contact of this id."""


Go = Literal["lost", "sent", "open", "go"]


class Mailbox:
    """All mailbox steps of one bot. Times are milliseconds."""

    def __init__(self, redis: Redis, bot_id: str, *, debounce: int, longest: int, lease: int = 15_000) -> None:
        self.bot_id = bot_id
        self.lease = lease
        self._debounce, self._longest = debounce, longest
        self._redis = redis
        self._scripts = {name: redis.register_script(text) for name, text in _SCRIPTS.items()}

    async def accept(
        self,
        conversation_id: str,
        message_id: str,
        payload: str,
        entry: str,
        *,
        answer: bool = True,
        at_once: bool = False,
    ) -> bool:
        """Store a message and its transcript entry, unless its id was accepted before (then False).

        Raises UnknownContact, with nothing stored, when the conversation has no contact (any more).

        `answer`: it goes to the inbox and makes the conversation due; `at_once`: without waiting for the burst to end.
        """
        keys = self._keys(conversation_id, "inbox", "box", "due", "busy", "transcript", "active", "contact")
        seen = key(self.bot_id, "seen", digest(f"{conversation_id} {message_id}"))
        debounce = 0 if at_once else self._debounce
        times = (SEEN_SECONDS, debounce, self._longest)
        arguments = (conversation_id, payload, entry, *times, int(answer), WAKE, self.bot_id)
        stored = await self._run("accept", [seen, *keys], *arguments)
        if stored < 0:
            raise UnknownContact(conversation_id)
        return bool(stored)

    async def claim(self, count: int) -> tuple[list[str], int]:
        """(conversations now leased to the caller, milliseconds until the next is due or -1 when none waits)."""
        wait, *ids = await self._run("claim", self._keys("", "due", "busy"), self.lease, count)
        return [item.decode() for item in ids], int(float(wait))

    async def begin(self, conversation_id: str, fence: int | None = None) -> Work:
        """Take up a claimed conversation, or go on with one in hand under its fence (0 in the answer: lost)."""
        keys = self._keys(conversation_id, "due", "box", "busy", "inbox", "outbox")
        held = "" if fence is None else fence
        new, turn, attempt, batch, reply = await self._run(
            "begin", keys, conversation_id, self.lease, uuid.uuid4().hex, held
        )
        return Work(new, turn.decode(), attempt, tuple(item.decode() for item in batch), reply.decode())

    async def renew(self, conversation_id: str, fence: int) -> bool:
        """Keep the lease for another term; False when it was lost."""
        return bool(
            await self._run("renew", self._keys(conversation_id, "due", "box"), conversation_id, fence, self.lease)
        )

    async def park(self, conversation_id: str, fence: int, delay: float) -> bool:
        """Put the conversation down for `delay` milliseconds."""
        keys = self._keys(conversation_id, "due", "box")
        return bool(await self._run("park", keys, conversation_id, fence, int(delay)))

    async def commit(self, conversation_id: str, fence: int, turn_id: str, replies: Sequence[tuple[str, str]]) -> int:
        """End a turn: drop its batch and queue (reply, transcript entry) pairs. 0: the lease was lost, nothing changed."""
        keys = self._keys(conversation_id, "due", "box", "busy", "inbox", "outbox", "transcript", "active")
        flat = [text for pair in replies for text in pair]
        return await self._run("commit", keys, conversation_id, fence, self.lease, self._debounce, turn_id, *flat)

    async def bury(self, conversation_id: str, fence: int, turn_id: str, reason: str) -> int:
        """Give a turn up: its batch goes to the dead letters."""
        keys = self._keys(conversation_id, "due", "box", "busy", "inbox", "outbox", "dead")
        return await self._run("bury", keys, conversation_id, fence, self.lease, self._debounce, turn_id, reason)

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Every turn given up on, newest first."""
        rows: Any = await self._redis.hgetall(key(self.bot_id, "dead"))  # pyright: ignore[reportGeneralTypeIssues]
        letters = [{"id": turn.decode(), "bot_id": self.bot_id, **json.loads(raw)} for turn, raw in rows.items()]
        return sorted(letters, key=lambda letter: -letter["at"])

    async def revive(self, conversation_id: str, turn_id: str) -> bool:
        """Try a dead letter again; False when there is none of that id."""
        keys = self._keys(conversation_id, "dead", "inbox", "due", "busy", "box")
        found = bool(await self._run("revive", keys, conversation_id, turn_id))
        await self._redis.publish(WAKE, self.bot_id)
        return found

    async def post(self, conversation_id: str, reply: str, entry: str) -> None:
        """Queue a message that no turn wrote, such as an operator's."""
        keys = self._keys(conversation_id, "due", "box", "outbox", "transcript", "busy", "active")
        await self._run("post", keys, conversation_id, reply, entry)
        await self._redis.publish(WAKE, self.bot_id)

    async def remember(self, conversation_id: str, payload: str) -> None:
        """Let the next turn know of something that needs no answer, such as what an operator wrote."""
        await self._redis.rpush(key(self.bot_id, "inbox", conversation_id), payload)  # pyright: ignore[reportGeneralTypeIssues]

    async def send_begin(self, conversation_id: str, fence: int, reply_id: str, again: bool = False) -> tuple[Go, str]:
        """Record an attempt before the request.

        `go`: send now (detail: how many tries); `open`: an earlier attempt has no known outcome (detail: its age in ms);
        `sent`: the provider has it (detail: its id); `lost`: the lease is gone.
        """
        keys = [*self._keys(conversation_id, "due", "box"), *self._reply_keys(reply_id, "attempt", "sent")]
        go, detail = await self._run("send_begin", keys, conversation_id, fence, self.lease, int(again))
        return go.decode(), detail.decode()

    async def send_abort(self, conversation_id: str, fence: int, reply_id: str, delay: float) -> bool:
        """The request certainly did not arrive: forget the attempt and come back after `delay` ms."""
        keys = [*self._keys(conversation_id, "due", "box"), *self._reply_keys(reply_id, "attempt")]
        return bool(await self._run("send_abort", keys, conversation_id, fence, int(delay)))

    async def send_done(self, conversation_id: str, fence: int, reply_id: str, provider_id: str, state: str) -> int:
        """Take a reply off the outbox: `accepted`, or `failed REASON` when it will never be sent."""
        keys = [
            *self._keys(conversation_id, "due", "box", "busy", "inbox", "outbox", "status"),
            *self._reply_keys(reply_id, "sent"),
        ]
        return await self._run(
            "send_done", keys, conversation_id, fence, self.lease, self._debounce, reply_id, provider_id, state
        )

    async def status(self, conversation_id: str, reply_id: str, provider_id: str, state: str) -> None:
        """Apply a provider's status (`sent`, `delivered`, `read`, `failed REASON`); never steps back."""
        keys = [*self._keys(conversation_id, "due", "box", "status"), *self._reply_keys(reply_id, "sent")]
        await self._run("status", keys, conversation_id, reply_id, provider_id, state, _RANKS[state.split(" ")[0]])
        await self._redis.publish(WAKE, self.bot_id)

    async def backlog(self) -> int:
        """How many conversations wait for a worker or are in one's hands."""
        return await self._redis.zcard(key(self.bot_id, "due"))

    def _run(self, name: str, keys: Sequence[str], *args: Any) -> Any:
        return self._scripts[name](keys=list(keys), args=list(args))

    def _keys(self, conversation_id: str, *names: str) -> list[str]:
        shared = ("due", "busy", "dead", "active")
        return [key(self.bot_id, name) if name in shared else key(self.bot_id, name, conversation_id) for name in names]

    def _reply_keys(self, reply_id: str, *names: str) -> list[str]:
        return [key(self.bot_id, name, reply_id) for name in names]
