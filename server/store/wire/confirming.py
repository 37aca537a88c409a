"""Writes that have to outlive their primary: answered once enough replicas have them (REDIS_WAIT).

Redis answers before its replicas have heard of a write, so that the last writes are gone when a primary is
lost and a replica takes over. WAIT, sent on the same connection right behind a write, is answered when the
replicas have it: https://valkey.io/commands/wait/. WAITAOF waits until it is on their disks as well:
https://valkey.io/commands/waitaof/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from redis.exceptions import RedisError

from server.store.keys import SHARED, key

# What is written; redis-py turns numbers into their decimal digits.
Value = str | bytes | int | float
# Within the 4 s in which a command has to be answered.
USUAL_MS, LONGEST_MS = 1000, 3000
MOST_REPLICAS = 9


class NotConfirmed(RedisError):
    """Too few replicas have a write. It stands on its primary, whose `answer` this is, and may be lost with
    it: what asked for it has to be asked again."""

    def __init__(self, why: str, answer: Any = None) -> None:
        super().__init__(why)  # pyright: ignore[reportUnknownMemberType] - redis-py types it in part
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many replicas must have a write, for how many ms that is waited for, and whether they must have it
    on disk."""

    replicas: int
    ms: int = USUAL_MS
    disk: bool = False

    @property
    def command(self) -> tuple[Value, ...]:
        """What is asked behind the write."""
        return ("WAITAOF", 1, self.replicas, self.ms) if self.disk else ("WAIT", self.replicas, self.ms)

    def refusal(self, answer: Any) -> str:
        """Why an answer to `command` does not confirm the write; empty when it does."""
        if isinstance(answer, Exception):
            return f"{self.command[0]}: {answer}"
        local, reached = answer if self.disk else (1, answer)
        if reached < self.replicas:
            return f"{reached} of {self.replicas} replicas had it after {self.ms} ms (REDIS_WAIT)"
        return "" if local else f"it was not on the primary's disk after {self.ms} ms (REDIS_WAIT)"


def read_confirmation(text: str) -> Confirmation | None:
    """REDIS_WAIT: `replicas[:ms][:disk]`; None for nothing and for `0`. Raises ValueError."""
    replicas, *rest = text.strip().split(":")
    disk = rest[-1:] == ["disk"]
    times = rest[:-1] if disk else rest
    if replicas in ("", "0") and not rest:
        return None
    if not all(part.isascii() and part.isdigit() for part in (replicas, *times)) or len(times) > 1:
        raise ValueError("write replicas[:ms][:disk], such as 1, 1:500 or 1:2000:disk")
    ms = int(times[0]) if times else USUAL_MS
    if not 1 <= int(replicas) <= MOST_REPLICAS:
        raise ValueError(f"from 1 to {MOST_REPLICAS} replicas can be waited for; 0 waits for none")
    if not 1 <= ms <= LONGEST_MS:
        raise ValueError(f"it waits for 1 to {LONGEST_MS} ms")
    return Confirmation(int(replicas), ms, disk)


def touch(beside: str | bytes | None = None) -> tuple[Value, ...]:
    """A write that goes behind what may have written nothing, such as a message that is known already: Valkey
    confirms only what the connection itself has written. `beside`: a key in whose slot it has to be."""
    name = beside.decode() if isinstance(beside, bytes) else beside
    place = key(SHARED, "confirmed") if name is None else f"{name.partition('}')[0]}}}:confirmed"
    return ("SET", place, 1, "PX", 60_000)


class Confirming(Protocol):
    """What is used of a client."""

    async def confirmed(self, *command: Value) -> Any: ...


async def outlives(redis: Confirming, bot_id: str) -> None:
    """Return once enough replicas have all that was written of a bot before. Raises NotConfirmed."""
    await redis.confirmed(*touch(key(bot_id, "")))


def with_refusals(answers: Sequence[Any], waited: Any, confirmation: Confirmation) -> list[Any]:
    """The answers of confirmed writes: a NotConfirmed in place of each that too few replicas have."""
    why = confirmation.refusal(waited)
    return [
        NotConfirmed(why, answer) if why and not isinstance(answer, Exception) else answer
        for answer in answers
    ]
