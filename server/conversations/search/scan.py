"""Looking for words through Redis itself, conversation by conversation, and reading them for an index with
the same eyes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from server.store.client import Redis
from server.store.keys import key
from server.store.scripts import Scripts

# Lines read in one step, for which everybody else waits (some ms).
LINES = 1_000
# What no conversation can have been last active at: it may have changed since it was read.
UNSETTLED = -1


@dataclass(frozen=True, slots=True)
class ReadConversation:
    """What a search looks through. `active`, `changed`: ms since when it is as it was read; 0: never."""

    id: str
    active: int
    changed: int
    card: str
    lines: tuple[str, ...]

    @property
    def gone(self) -> bool:
        """Whether nothing is left of it."""
        return not self.lines and not self.card.strip("\n")


class PlainSearch:
    """The conversations of any bots, as Redis holds them."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def matches(
        self, bot_id: str, terms: list[list[str]], names: Sequence[str]
    ) -> tuple[int, list[tuple[str, str]]]:
        """How many of `names` were looked at in this step, and of those that match the id and a line."""
        asked = {"terms": json.dumps(terms, ensure_ascii=False), "lines": LINES}
        answer: list[Any] = await self._scripts.run("search", [key(bot_id, "active")], asked, *names)
        rows = cast(list[bytes], answer[1:])
        pairs = zip(rows[::2], rows[1::2], strict=True)
        return int(answer[0]), [(name.decode(), line.decode("utf-8", "replace")) for name, line in pairs]

    async def now(self, bot_id: str) -> int:
        """The time (ms) by the clock that changes are put down with."""
        return int((await self._scripts.run("read", [key(bot_id, "active")], {"lines": LINES}))[0])

    async def read(self, bot_id: str, names: Sequence[str]) -> list[ReadConversation]:
        """The first of `names`, as many as are read in one step."""
        answer: list[Any] = await self._scripts.run("read", [key(bot_id, "active")], {"lines": LINES}, *names)
        now = int(answer[0])
        return [
            ReadConversation(
                name, _since(row[0], now), _since(row[1], now), *_texts(cast(list[bytes], row[2]))
            )
            for name, row in zip(names, cast(list[Any], answer[1]), strict=False)
        ]


def _since(score: bytes, now: int) -> int:
    """A line that comes within the same millisecond would not be told from one that was read."""
    at = int(float(score or 0))
    return at if at < now else UNSETTLED


def _texts(rows: list[bytes]) -> tuple[str, tuple[str, ...]]:
    card, *lines = (row.decode("utf-8", "replace") for row in rows)
    return card, tuple(lines)
