"""API tokens that open one bot and nothing else, for a branch, a tenant or a program.

{*}:tokens   HASH   SHA-256 of a token -> JSON of a `Token`; the token itself is shown once and kept nowhere
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from pydantic import BaseModel
from redis.asyncio import Redis

from server.bots import Desk
from server.clock import now_ms
from server.keys import SHARED, key

TOKENS = key(SHARED, "tokens")
PREFIX = "sg_"

# The one bot that the request in hand may see; empty: all of them.
scope: ContextVar[str] = ContextVar("scope", default="")


class Token(BaseModel):
    """A token that was made, without itself."""

    id: str
    bot_id: str
    name: str
    created: int


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def create(redis: Redis, bot_id: str, name: str) -> tuple[Token, str]:
    """A new token, and what it is."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(id=_digest(secret)[:12], bot_id=bot_id, name=name, created=now_ms())
    await redis.hset(TOKENS, _digest(secret), token.model_dump_json())  # pyright: ignore[reportGeneralTypeIssues]
    return token, secret


async def find(redis: Redis, secret: str) -> Token | None:
    """The token that this is."""
    if not secret.startswith(PREFIX):
        return None
    raw: Any = await redis.hget(TOKENS, _digest(secret))  # pyright: ignore[reportGeneralTypeIssues]
    return Token.model_validate_json(raw) if raw else None


async def every(redis: Redis) -> list[Token]:
    """All tokens, the oldest first."""
    rows: Any = await redis.hvals(TOKENS)  # pyright: ignore[reportGeneralTypeIssues]
    return sorted((Token.model_validate_json(row) for row in rows), key=lambda token: token.created)


async def revoke(redis: Redis, token_id: str) -> bool:
    """Let a token open nothing any more; False when there is none of that id."""
    rows: Any = await redis.hkeys(TOKENS)  # pyright: ignore[reportGeneralTypeIssues]
    found = [name for name in rows if name.decode().startswith(token_id)] if len(token_id) == 12 else []
    return bool(found and await redis.hdel(TOKENS, *found))  # pyright: ignore[reportGeneralTypeIssues]


async def revoke_all(redis: Redis, bot_id: str) -> None:
    """Let no token open this bot any more."""
    for token in await every(redis):
        if token.bot_id == bot_id:
            await revoke(redis, token.id)


class Visible(Mapping[str, Desk]):
    """The desks that the request in hand may see: whoever asks through this cannot reach another bot."""

    def __init__(self, desks: Mapping[str, Desk]) -> None:
        self._desks = desks

    def __getitem__(self, bot_id: str) -> Desk:
        if scope.get() not in ("", bot_id):
            raise KeyError(bot_id)
        return self._desks[bot_id]

    def __iter__(self) -> Iterator[str]:
        only = scope.get()
        return iter([name for name in self._desks if only in ("", name)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def values(self) -> list[Desk]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The desks of this moment."""
        return [desk for name, desk in self._desks.items() if scope.get() in ("", name)]
