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
from server.mailbox_scripts import SCRIPTS, SEEN_SECONDS

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
        self._scripts = {name: redis.register_script(text) for name, text in SCRIPTS.items()}

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
