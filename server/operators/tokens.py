"""Operators: people and programs, each with a token of their own, a role, and the bots it opens.

API_TOKEN is the first of them and may do everything; the others are made with it.

{*}:tokens   HASH   SHA-256 of a token -> JSON of an `Operator`; the token itself is shown once and kept
             nowhere
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Literal

from pydantic import Field, model_validator

from channels.json_parts import as_dict
from server.bots.bot import BotRuntime
from server.clock import now_ms
from server.config.settings import Settings
from server.store.client import Redis
from server.store.keys import SHARED, key
from server.store.readable import readable
from server.store.records import Record

TOKENS = key(SHARED, "tokens")
PREFIX = "sg_"

# `owner`: everything (of the bots it opens); `agent`: talks to contacts and looks after them; `read_only`:
# looks.
Role = Literal["owner", "agent", "read_only"]


class Operator(Record):
    """Whose token it is, without the token."""

    id: str = Field(description="The token's id; `api_token` is the setting API_TOKEN")
    name: str = Field(description="Whose it is")
    role: Role = Field(
        default="owner", description="What it allows: everything, talking to contacts, or looking"
    )
    bots: tuple[str, ...] = Field(default=(), description="The bots it opens; none named: all of them")
    created: int = Field(default=0, description="When it was made, Unix milliseconds")

    @model_validator(mode="before")
    @classmethod
    def _as_it_was(cls, row: Any) -> Any:
        if "bot_id" not in (stored := as_dict(row)):
            return row
        bot_id = stored["bot_id"]  # stored when a token opened one bot
        return {**{name: value for name, value in stored.items() if name != "bot_id"}, "bots": [bot_id]}

    def sees(self, bot_id: str | None) -> bool:
        """Whether it opens a bot; None stands for what belongs to the deployment."""
        return not self.bots or bot_id in self.bots


MASTER = Operator(id="api_token", name="API_TOKEN")
# Who makes the HTTP request in hand: each has a context of its own, and whatever answers it may look. No turn
# reads it.
who: ContextVar[Operator] = ContextVar("who", default=MASTER)


def digest_of(token: str) -> str:
    """What a token is stored under."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def create_operator(
    redis: Redis, bots: Sequence[str], name: str, role: Role = "owner"
) -> tuple[Operator, str]:
    """A new operator, and the token."""
    secret = PREFIX + secrets.token_urlsafe(32)
    operator = Operator(id=digest_of(secret)[:12], bots=tuple(bots), name=name, role=role, created=now_ms())
    await redis.hset(TOKENS, digest_of(secret), operator.model_dump_json())
    return operator, secret


async def find_operator(redis: Redis, secret: str) -> Operator | None:
    """The operator of a token."""
    return await of_digest(redis, digest_of(secret)) if secret.startswith(PREFIX) else None


async def of_digest(redis: Redis, digest: str) -> Operator | None:
    """The operator of a token's digest."""
    raw = await redis.hget(TOKENS, digest)
    return next(iter(_operators([raw])), None)


async def feed_address(settings: Settings, redis: Redis, bot_id: str) -> str:
    """Where whoever makes the request in hand finds the calendar of a bot. It ends with them: nobody reads it
    any more once their token is revoked, or API_TOKEN another."""
    operator = who.get()
    digest = await _digest(settings, redis, operator.id)
    return f"/calendar/{bot_id}/{_feed_secret(operator.id, digest, bot_id)}.ics" if digest else ""


async def of_feed(settings: Settings, redis: Redis, bot_id: str, secret: str) -> Operator | None:
    """Whose calendar address that is; None for nobody's."""
    operator_id = secret.partition("-")[0]
    digest = await _digest(settings, redis, operator_id)
    wanted = _feed_secret(operator_id, digest, bot_id)
    if not digest or not hmac.compare_digest(wanted.encode(), secret.encode("utf-8", "replace")):
        return None
    operator = MASTER if operator_id == MASTER.id else await of_digest(redis, digest)
    return operator if operator and operator.sees(bot_id) else None


def _feed_secret(operator_id: str, digest: str, bot_id: str) -> str:
    made = hmac.new(digest.encode(), f"calendar {bot_id}".encode(), hashlib.sha256).hexdigest()[:40]
    return f"{operator_id}-{made}"


async def _digest(settings: Settings, redis: Redis, operator_id: str) -> str:
    """What an operator's token is stored under; empty for nobody's id."""
    if operator_id == MASTER.id:
        return digest_of(settings.operator_token)
    names = await redis.hkeys(TOKENS)
    found = [name.decode() for name in names if name.decode().startswith(operator_id)]
    return found[0] if len(operator_id) == 12 and len(found) == 1 else ""


async def all_operators(redis: Redis) -> list[Operator]:
    """All operators with tokens of their own, the oldest first."""
    rows = await redis.hvals(TOKENS)
    return sorted(_operators(rows), key=lambda operator: operator.created)


def _operators(rows: Sequence[bytes | None]) -> list[Operator]:
    """Those that can be read; a token whose row cannot opens nothing."""
    return readable(rows, Operator.model_validate_json, "a token")


async def revoke(redis: Redis, token_id: str) -> bool:
    """Let a token open nothing any more; False when there is none of that id."""
    rows = await redis.hkeys(TOKENS)
    found = [name for name in rows if name.decode().startswith(token_id)] if len(token_id) == 12 else []
    return bool(found and await redis.hdel(TOKENS, *found))


async def forget_bot(redis: Redis, bot_id: str) -> None:
    """Let no token open this bot any more; one that opened only it opens nothing."""
    rows = await redis.hgetall(TOKENS)
    for digest, row in rows.items():
        operator = next(iter(_operators([row])), None)
        if operator is None or bot_id not in operator.bots:
            continue
        if left := tuple(name for name in operator.bots if name != bot_id):
            await redis.hset(TOKENS, digest, operator.model_copy(update={"bots": left}).model_dump_json())
        else:
            await redis.hdel(TOKENS, digest)


class Visible(Mapping[str, BotRuntime]):
    """The bots that whoever makes the request in hand may see: through this nobody reaches another bot."""

    def __init__(self, runtimes: Mapping[str, BotRuntime]) -> None:
        self._desks = runtimes

    def __getitem__(self, bot_id: str) -> BotRuntime:
        if not who.get().sees(bot_id):
            raise KeyError(bot_id)
        return self._desks[bot_id]

    def __iter__(self) -> Iterator[str]:
        operator = who.get()
        return iter([name for name in self._desks if operator.sees(name)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def values(self) -> list[BotRuntime]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The runtimes of this moment."""
        operator = who.get()
        return [runtime for name, runtime in self._desks.items() if operator.sees(name)]
