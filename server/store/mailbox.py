"""The keyed mailbox: one inbox, one outbox and one lease per conversation, on plain Redis.

One sorted set per bot says when each conversation next needs a worker; that one idea carries debounce, a
crashed worker (its lease ends), retries and pacing. Every step is one atomic script (`mailbox.lua`) with the
server's clock, and every step of a worker names the fence it was given, so one that lost its lease changes
nothing.

    due        ZSET conversation -> ms   when it needs a worker; in a worker's hands: when its lease ends
    busy       SET                       conversations in a worker's hands or parked: new messages leave `due`
               alone
    fresh      SET                       conversations where somebody has just begun to write
    inbox:C    LIST                      accepted messages that no finished turn has taken
    outbox:C   LIST                      replies decided and not yet known to be sent, ids `turn:index`
    seen:C     ZSET                      digests of the message ids accepted in the last 8 days
    box:C      HASH  first               ms of the start of a burst
                     fence, parked       who holds it, no two ever alike; whether it was put down until `due`
                     turn, size, singly  the turn in hand, and how many messages it takes
                     attempts, failures  how often it was begun, and how often it failed
                     characters          length of what waits
                     turns               ms until which this contact's share of turns is used (GCRA)
                     trying, sent        the first reply of the outbox: attempt begun, provider's id
                     was                 `trying` and `pair` before the last attempt, should it be taken back
                     sends, unanswered   how many attempts it took, how many of them were repeated without an
                                         answer
                     after:O             ms before which a reply must not go out
                     pair, slot          ms until which this contact's share is used; the number's slot it has
                                         reserved
    ids:C      LIST                      `provider's id reply` of the last 50 sent
    rate:A     HASH   used, hold         ms until which the share of a number is used (GCRA), and nothing is
               wanted from it
    paused:A   HASH   at, code, reason, by, probe   why nothing is sent from a number
    transcript:C LIST, status:C HASH     what was said, and what became of each reply
    timers     ZSET conversation -> ms   when the next touch is due
    follow:C   STRING                    the plan of touches, JSON
    funnel     HASH                      what became of touches, counted
    dead       HASH                      turns given up on
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import structlog

from channels.base import Message, Pace
from server.store.client import Redis
from server.store.counters import COUNTING, day_of
from server.store.keys import WAKE, key
from server.store.open_attempts import OpenAttempts
from server.store.records import Entry, Plan, Reply, SendState, entry_line, messages_of
from server.store.scripts import Scripts
from server.store.wire.confirming import NotConfirmed

SECOND, DAY = 1000, 86_400_000
# Meta repeats an unacknowledged webhook for up to 7 days (webhooks overview).
REMEMBER = 8 * DAY
# While an account is paused, one message is tried this often.
PROBE = 60 * SECOND

# Promises are made on the strength of these: to the provider that a message or status is kept, and to a
# customer that no reply comes twice.
_CONFIRMED = ("accept", "post", "status", "send_begin")

_SHARED = ("due", "busy", "fresh", "active", "dead", "timers", "funnel")

log = structlog.get_logger()

Go = Literal["lost", "sent", "open", "wait", "go"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How a bot takes its messages. Times are ms; `keep` 0 keeps transcripts for ever; figures are counted by
    the days of `timezone`; a contact has at most `turns` in an hour (0: as many as they like)."""

    debounce: int = 1500
    longest: int = 8000
    lease: int = 15_000
    messages: int = 50
    characters: int = 20_000
    age: int = DAY
    lines: int = 2000
    keep: int = 0
    timezone: str = "UTC"
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker holds after `begin`: a reply to send, or a batch to answer, or nothing (released).
    `unread`: of each message of the batch that is not as we wrote it, why."""

    fence: int
    turn_id: str = ""
    attempt: int = 0
    failures: int = 0
    batch: tuple[Message, ...] = ()
    reply: Reply | None = None
    unread: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """How many messages the batch has."""
        return len(self.batch) + len(self.unread)


@dataclass(frozen=True, slots=True)
class Claimed:
    """Conversations now leased to the caller, those where somebody has begun to write, ms until the next is
    due or -1."""

    ids: list[str]
    fresh: list[str]
    wait: int


@dataclass(frozen=True, slots=True)
class TurnOutcome:
    """What a turn leaves behind besides its replies: the plan of touches (None: as it was), and what the turn
    counts as in the funnel."""

    plan: Plan | None = None
    count: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of asking to send.

    `go`: send now (detail: how many tries); `open`: an earlier attempt has no known outcome (detail: for how
    many ms one could have been noted); `sent`: the provider has it (detail: its id); `wait`: not yet, put
    down (detail: ms); `lost`: the lease is gone. `unanswered`: how many attempts were repeated without an
    answer."""

    go: Go
    detail: str = ""
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message comes in. `answer`: it goes to the inbox and makes the conversation due; `heard`: the
    contact wrote it; `at_once`: without waiting for the burst to end; `assignee`: who has the conversation
    from now on."""

    assignee: str = ""
    answer: bool = True
    heard: bool = True
    at_once: bool = False


NOTHING, USUAL = TurnOutcome(), Arrival()


class UnknownContact(LookupError):
    """There is no contact of this id."""


class Mailbox:
    """All mailbox steps of one bot."""

    def __init__(self, redis: Redis, bot_id: str, limits: Limits) -> None:
        self.bot_id, self.limits = bot_id, limits
        self._redis = redis
        self._open = OpenAttempts(redis)
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"), COUNTING)
        self._constant = {
            **{
                name: getattr(limits, name)
                for name in ("debounce", "longest", "lease", "characters", "age", "turns")
            },
            **{"lines": limits.lines, "keep": limits.keep, "most": limits.messages, "quiet": limits.debounce},
            **{"bot": bot_id, "wake": WAKE, "remember": REMEMBER, "probe": PROBE},
        }

    async def accept(
        self, conversation_id: str, message: Message, entry: Entry, how: Arrival = USUAL
    ) -> bool:
        """Store a message and its line of the transcript, unless its id was accepted before (then False).

        Raises UnknownContact, with nothing stored, when the conversation has no contact (any more)."""
        digest = hashlib.blake2b(message.id.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        said: dict[str, Any] = {
            "digest": digest,
            "payload": message.model_dump_json(),
            "entry": entry_line(entry),
        }
        said |= {"length": len(message.text), "to": message.account, "assignee": how.assignee}
        said |= {"answer": int(how.answer), "heard": int(how.heard)}
        if how.at_once:
            said["debounce"] = 0
        stored = await self._run("accept", conversation_id, **said)
        if stored < 0:
            raise UnknownContact(conversation_id)
        return bool(stored)

    async def claim(self, count: int) -> Claimed:
        """Lease what is due, at most `count` conversations."""
        wait, ids, fresh = await self._run("claim", "", count=count)
        return Claimed([item.decode() for item in ids], [item.decode() for item in fresh], int(float(wait)))

    async def newest(self, conversation_id: str) -> Message | None:
        """The last message in the inbox. Raises ValueError when it is not as we wrote it."""
        found = await self._redis.lindex(key(self.bot_id, "inbox", conversation_id), -1)
        return Message.model_validate_json(found.split(b" ", 2)[2]) if found else None

    async def begin(self, conversation_id: str, fence: int | None = None) -> Work:
        """Take up a claimed conversation, or go on with one in hand under its fence (0 in the answer: lost).
        Raises ValueError for a reply that is not as we wrote it."""
        held = "" if fence is None else fence
        found = await self._run("begin", conversation_id, turn=uuid.uuid4().hex, fence=held)
        new, turn, attempt, failures, rows, head = found
        batch, unread = messages_of(rows)
        reply = Reply.model_validate_json(head) if head else None
        return Work(new, turn.decode(), attempt, failures, batch, reply, unread)

    async def renew(self, held: Sequence[tuple[str, int]]) -> list[int]:
        """Keep leases, each a conversation and the fence it is held by, for another term; which are lost."""
        return await self._run("renew", "", *(str(part) for pair in held for part in pair))

    async def park(self, conversation_id: str, fence: int, delay: float, failed: bool = False) -> bool:
        """Put the conversation down for `delay` ms; `failed`: because its turn did."""
        return bool(
            await self._run("park", conversation_id, fence=fence, delay=int(delay), failed=int(failed))
        )

    async def hand_back(self, conversation_id: str, fence: int, delay: float = 0) -> bool:
        """Let another worker go on with it, after `delay` ms."""
        return bool(await self._run("hand_back", conversation_id, fence=fence, delay=int(delay)))

    async def commit(
        self,
        conversation_id: str,
        fence: int,
        turn_id: str,
        replies: Sequence[tuple[Reply, Entry]],
        then: TurnOutcome = NOTHING,
    ) -> int:
        """End a turn: drop its batch, queue replies, each with its line of the transcript. 0: the lease was
        lost, nothing changed."""
        flat = [text for reply, entry in replies for text in (reply.model_dump_json(), entry_line(entry))]
        left: dict[str, Any] = {"plan": "", "timer": 0, "count": then.count}
        if then.plan:
            left |= {"plan": then.plan.model_dump_json(), "timer": then.plan.timer}
        return await self._run("commit", conversation_id, *flat, fence=fence, turn=turn_id, **left)

    async def split(self, conversation_id: str, fence: int, turn_id: str) -> bool:
        """Drop a turn; its messages come again one by one."""
        return bool(await self._run("split", conversation_id, fence=fence, turn=turn_id))

    async def bury(self, conversation_id: str, fence: int, turn_id: str, reason: str) -> int:
        """Give a turn up: its batch goes to the dead letters."""
        return await self._run("bury", conversation_id, fence=fence, turn=turn_id, reason=reason)

    async def post(self, conversation_id: str, reply: Reply, entry: Entry, delay: float = 0) -> bool:
        """Queue a message that no turn wrote, such as an operator's; False when one of its id was queued
        before."""
        texts = {"reply": reply.model_dump_json(), "entry": entry_line(entry)}
        return bool(await self._run("post", conversation_id, **texts, delay=int(delay)))

    async def remember(self, conversation_id: str, message: Message) -> None:
        """Let the next turn know of something that needs no answer, such as what an operator wrote."""
        await self._run("note", conversation_id, payload=message.model_dump_json())

    async def send_begin(
        self, conversation_id: str, fence: int, account: str, reply_id: str, pace: Pace, again: bool = False
    ) -> Attempt:
        """Record an attempt to send the first reply of the outbox, before the request; or say why not. One
        that would not outlive the primary is taken back and made again soon."""
        shares = {"interval": pace.interval, "burst": pace.burst}
        pairs = {"pair_interval": pace.pair_interval, "pair_burst": pace.pair_burst}
        asked = {"fence": fence, "reply": reply_id, "again": int(again)}
        try:
            found = await self._run(
                "send_begin", conversation_id, account=account, **asked, **shares, **pairs
            )
        except NotConfirmed as error:
            found = error.answer
            if found[0] == b"go":
                log.warning("send_put_off", bot=self.bot_id, conversation=conversation_id, why=str(error))
                await self._run("send_undo", conversation_id, fence=fence, delay=SECOND)
                return Attempt("wait")
        go, detail, unanswered = (item.decode() for item in found)
        if go == "open":
            detail = str(min(int(detail), await self._open.noted_for(key(self.bot_id, "due"), reply_id)))
        return Attempt(go, detail, int(unanswered or 0))

    async def send_abort(
        self, conversation_id: str, fence: int, account: str, delay: float, hold: float = 0
    ) -> bool:
        """The request certainly did not arrive: forget the attempt and come back after `delay` ms, and send
        nothing from this number for `hold` ms."""
        times = {"delay": int(delay), "hold": int(hold)}
        return bool(await self._run("send_abort", conversation_id, account=account, fence=fence, **times))

    async def send_done(
        self, conversation_id: str, fence: int, account: str, reply: str, provider_id: str, state: SendState
    ) -> int:
        """Take a reply off the outbox: `accepted`, or `failed`, with the reason `no answer` when it may yet
        have arrived."""
        done = {"reply": reply, "provider": provider_id, "state": state.kept}
        return await self._run("send_done", conversation_id, account=account, fence=fence, **done)

    async def status(
        self, conversation_id: str, account: str, reply_id: str, provider_id: str, state: SendState
    ) -> None:
        """Apply a provider's status (`sent`, `delivered`, `read`, `failed`); never steps back."""
        told = {"reply": reply_id, "provider": provider_id, "state": state.kept}
        await self._run("status", conversation_id, account=account, **told)

    async def pause(
        self, account: str, code: int, reason: str, by: Literal["answer", "status"] = "answer"
    ) -> bool:
        """Send nothing from a number but a message now and then, until one is taken, or arrives when it was a
        status that said so; True for the first to say so."""
        return bool(await self._run("pause", "", account=account, code=code, reason=reason, by=by))

    async def forget(self, conversation_id: str, oldest: int) -> bool:
        """Drop what was said in a conversation that has been silent since `oldest` (ms) and has nothing to be
        done."""
        return bool(await self._run("forget", conversation_id, oldest=oldest))

    async def paused(self, account: str) -> dict[str, str]:
        """Since when (ms) and why nothing is sent from a number; empty when it works."""
        found = await self._redis.hgetall(key(self.bot_id, "paused", account))
        return {name.decode(): value.decode() for name, value in found.items()}

    async def backlog(self) -> int:
        """How many conversations wait for a worker or are in one's hands."""
        return await self._redis.zcard(key(self.bot_id, "due"))

    async def _run(
        self, name: str, conversation_id: str, *rest: str, account: str = "", **arguments: Any
    ) -> Any:
        keys = [
            key(self.bot_id, part)
            if part in _SHARED
            else key(self.bot_id, part, account if part in ("rate", "paused") else conversation_id)
            for part in self._scripts.keys(name)
        ]
        return await self._scripts.run(
            name,
            keys,
            {
                **self._constant,
                "day": day_of(self.limits.timezone),
                "conversation": conversation_id,
                "account": arguments.pop("to", ""),
                **arguments,
            },
            *rest,
            confirmed=name in _CONFIRMED,
        )
