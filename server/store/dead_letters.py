"""Turns given up on: shown to people, tried again, or dropped.

dead   HASH   turn id -> JSON: conversation_id, reason, at (ms), batch (the messages, JSON each)
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from server.store.client import Redis
from server.store.keys import WAKE, key
from server.store.readable import fields_of, readable
from server.store.scripts import Scripts


class GivenUpTurn(BaseModel):
    """A turn that was given up on: `at` in ms, `batch` the messages as they are stored, which may be the
    reason."""

    model_config = ConfigDict(frozen=True)

    id: str
    bot_id: str
    conversation_id: str
    at: int
    reason: str = ""
    batch: tuple[str, ...] = ()


class DeadLetters:
    """Those of one bot."""

    def __init__(self, redis: Redis, bot_id: str) -> None:
        self.bot_id, self._redis = bot_id, redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))

    async def every(self) -> list[GivenUpTurn]:
        """All of them, newest first."""
        rows = await self._redis.hgetall(key(self.bot_id, "dead"))
        letters = [one for turn, raw in rows.items() for one in self._readable(turn.decode(), raw)]
        return sorted(letters, key=lambda letter: -letter.at)

    async def one(self, turn_id: str) -> GivenUpTurn | None:
        """The letter of a turn."""
        raw = await self._redis.hget(key(self.bot_id, "dead"), turn_id)
        return next(iter(self._readable(turn_id, raw)), None) if raw else None

    def _readable(self, turn_id: str, raw: bytes) -> list[GivenUpTurn]:
        def read(row: bytes) -> GivenUpTurn:
            return GivenUpTurn.model_validate({"id": turn_id, "bot_id": self.bot_id, **fields_of(row)})

        return readable([raw], read, "a dead letter")

    async def count(self) -> int:
        """How many there are."""
        return await self._redis.hlen(key(self.bot_id, "dead"))

    async def revive(self, turn_id: str) -> bool:
        """Try the turn again; False when there is no letter of it."""
        letter = await self.one(turn_id)
        if letter is None:
            return False
        conversation_id = letter.conversation_id
        shared = {"dead", "due", "busy"}
        keys = [
            key(self.bot_id, part, *([] if part in shared else [conversation_id]))
            for part in self._scripts.keys("revive")
        ]
        asked = {"conversation": conversation_id, "turn": turn_id, "bot": self.bot_id, "wake": WAKE}
        return bool(await self._scripts.run("revive", keys, asked))

    async def drop(self, *turn_ids: str) -> int:
        """Forget letters; how many there were."""
        return await self._redis.hdel(key(self.bot_id, "dead"), *turn_ids) if turn_ids else 0
