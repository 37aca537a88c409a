"""What may happen, and how often: the bounds of one search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from channels.base import Failure, Kind
from server.pipeline.sender import UNKNOWN_TRIES
from tests.durability.protocol.real_worker import Replies

ONE_REPLY = Replies()


class Written(NamedTuple):
    """A message of a contact: how often it is delivered, and what it amends."""

    id: str
    deliveries: int = 1
    conversation: str = "c"
    kind: Kind = "text"
    amends: str = ""


class Luck(NamedTuple):
    """How many of each may still happen: a worker dies; a live worker's lease ends; the answer of a script
    does not come back, so that the client sends it again; too few replicas have a write in time; the provider
    refuses; it takes a message or not without an answer; a turn fails; an operator takes over or gives back,
    writes, or has a dead letter tried again; a worker is stopped and lets go; the 24-hour window closes; a
    replica takes the primary's place."""

    crash: int = 0
    expire: int = 0
    unheard: int = 0
    unconfirmed: int = 0
    refuse: int = 0
    silence: int = 0
    fail: int = 0
    assign: int = 0
    post: int = 0
    revive: int = 0
    stop: int = 0
    close: int = 0
    failover: int = 0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One search.

    `refusals`: of which kind (`channels.base.SendError`). `callbacks`: statuses carry our id. `prompt`: they
    come within the grace, and a request leaves within it, so that an attempt is repeated only when nothing
    of it arrived or will.
    `depth`: how many of the last writes a failover may lose; `waits`: whether REDIS_WAIT is set, so that what
    the product has confirmed is never lost, nor what was written before it, but for what stands in `but`.
    `strict`: a reply that arrives twice is a fault even where nobody can know that it has arrived."""

    name: str
    written: tuple[Written, ...]
    luck: Luck
    workers: int = 2
    replies: Replies = ONE_REPLY
    attempts: int = 5
    refusals: tuple[Failure, ...] = ("retry",)
    callbacks: bool = True
    prompt: bool = True
    depth: int = 0
    waits: bool = False
    but: frozenset[str] = frozenset()
    strict: bool = False

    @property
    def conversations(self) -> tuple[str, ...]:
        """Of all messages."""
        return tuple(dict.fromkeys(message.conversation for message in self.written))

    def __str__(self) -> str:
        return self.name

    def confirms(self, name: str, confirmed: bool) -> bool:
        """Whether a failover loses nothing up to this script."""
        return self.waits and confirmed and name not in self.but

    @property
    def once(self) -> bool:
        """Whether every reply arrives once."""
        return self.strict or (self.callbacks and self.prompt)

    @property
    def answers(self) -> bool:
        """Whether nothing may keep a turn from being answered."""
        luck = self.luck
        refused = luck.refuse and "change" in self.refusals
        given_up = luck.silence + luck.unheard + luck.crash + luck.stop >= UNKNOWN_TRIES and luck.silence
        return not (luck.assign or luck.close or luck.fail or refused or given_up)

    @property
    def looks(self) -> bool:
        """Whether it matters when a contact is read."""
        return bool(self.luck.assign or self.luck.close)


class Hand(NamedTuple):
    """A worker: `place` in what it does (0: it has nothing in hand), its `fence` less the newest one of its
    conversation, whether its lease has `ended`, whether what it `read` is not so any more."""

    place: int = 0
    fence: int = 0
    ended: bool = False
    outdated: bool = False


class World(NamedTuple):
    """A state: what is stored (`box`), what was stored before the last writes and by how much each fence was
    lower then (`past`), workers, and what is true outside: deliveries `left`, messages `acked` and `done` by
    which turn, number of `turns` begun, replies `queued`, requests that `arrived`, statuses to be `told`,
    replies `known` to have arrived and those `repeated` because nobody knew, whether a `person` has the
    conversation, whether the window is `closed`."""

    box: int
    hands: tuple[Hand, ...]
    left: tuple[int, ...]
    luck: Luck
    past: tuple[tuple[int, tuple[int, ...]], ...] = ()
    acked: tuple[str, ...] = ()
    done: tuple[tuple[str, str], ...] = ()
    turns: int = 0
    queued: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()
    told: tuple[tuple[str, str, str], ...] = ()
    known: frozenset[str] = frozenset()
    repeated: tuple[str, ...] = ()
    person: bool = False
    closed: bool = False

    def spend(self, kind: str, **changes: object) -> World:
        """The world after one of what may happen has."""
        return self._replace(luck=self.luck._replace(**{kind: getattr(self.luck, kind) - 1}), **changes)

    def with_hand(self, who: int, hand: Hand, **changes: object) -> World:
        """The world with one worker changed."""
        return self._replace(hands=(*self.hands[:who], hand, *self.hands[who + 1 :]), **changes)


What = Literal[
    "deliver",
    "claim",
    "script",
    "read",
    "turn",
    "fail",
    "send",
    "grace",
    "renew",
    "crash",
    "time",
    "tell",
    "assign",
    "post",
    "revive",
    "stop",
    "close",
    "failover",
]


class Move(NamedTuple):
    """Something that may happen next; `who`: the worker or the message; `how`: which of its outcomes;
    `asked`: the number of the script that runs for it, -1 for none."""

    what: What
    who: int = 0
    how: str = ""
    asked: int = -1
