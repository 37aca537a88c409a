"""What providers told of numbers, kept: the latest of each aspect, and a short history.

health:A        HASH     aspect -> JSON of an `Aspect`; `number` and `business_account` as texts
health_told:A   ZSET     JSON of a `ToldNotice` -> its time (ms)
health_of       SET      the numbers that anything was told of
{*}:unread_fields  HASH  webhook field that means nothing to us -> how often it came
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from channels.content.account import AccountNotice, NumberIdentity
from server.clock import now_ms
from server.observability.health.aspects import aspects_of, health_from
from server.observability.health.record import NumberHealth, ToldNotice
from server.store.client import Redis
from server.store.keys import SHARED, key
from server.store.readable import fields_of, readable
from server.store.scripts import Scripts

# Notices of a number that are kept, and different names of fields that are counted.
HISTORY, NAMES = 100, 200
_IGNORED = key(SHARED, "unread_fields")
# Of a number: who it is, in the hash of its aspects.
_IDENTITY = ("number", "business_account")


class HealthRecord:
    """The records of every number."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = Scripts(redis, Path(__file__).with_suffix(".lua"))
        self._known: dict[tuple[str, str], NumberIdentity] = {}

    async def tell(self, bot_id: str, account: str, notice: AccountNotice) -> bool:
        """Keep a notice; False for one that was kept before. One that comes after a newer one of its kind
        changes nothing but the history."""
        at, known = notice.at or now_ms(), (await self._known_of(bot_id, account))[1]
        before = health_from(account, known, now_ms())
        aspects = aspects_of(notice.model_copy(update={"at": at}), before)
        told = ToldNotice(at=notice.at, field=notice.field, event=notice.event, detail=_detail(notice))
        rows = {name: {**row, "at": at, "told": now_ms()} for name, row in aspects.items()}
        for name, row in rows.items():  # what is told again was heard when it was first told
            old = known.get(name, {})
            rows[name] = old if {**old, "told": 0} == {**row, "told": 0} else row
        flat = [text for name, row in rows.items() for text in (name, json.dumps(row))]
        keys = [*(key(bot_id, part, account) for part in ("health", "health_told")), key(bot_id, "health_of")]
        asked = {"notice": told.model_dump_json(), "at": at, "most": HISTORY, "account": account}
        return bool(await self._scripts.run("tell", keys, asked, *flat))

    async def introduce(self, bot_id: str, account: str, identity: NumberIdentity) -> None:
        """Remember the digits and the business account of a number, as its messages name them."""
        if self._known.get((bot_id, account)) == identity:
            return
        row = {name: value for name in _IDENTITY if (value := getattr(identity, name))}
        if row:
            await self._redis.hset(key(bot_id, "health", account), mapping=row)
        self._known[bot_id, account] = identity

    async def identity(self, bot_id: str, account: str) -> NumberIdentity:
        """What is remembered of a number."""
        found = await self._redis.hmget(key(bot_id, "health", account), list(_IDENTITY))
        digits, business = ((raw or b"").decode() for raw in found)
        return NumberIdentity(number=digits, business_account=business)

    async def accounts(self, bot_id: str) -> list[str]:
        """The numbers of a bot that anything was told of."""
        return sorted(raw.decode() for raw in await self._redis.smembers(key(bot_id, "health_of")))

    async def of(self, bot_id: str, account: str) -> NumberHealth:
        """How a number stands now, without its history."""
        texts, aspects = await self._known_of(bot_id, account)
        return health_from(account, aspects, now_ms()).model_copy(update=texts)

    async def _known_of(self, bot_id: str, account: str) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
        """(who a number is, what was told of it by aspect)."""
        raw: Mapping[bytes, bytes] = await self._redis.hgetall(key(bot_id, "health", account))
        row = {name.decode(): value for name, value in raw.items()}
        texts = {name: row.pop(name).decode() for name in _IDENTITY if name in row}
        aspects: dict[str, dict[str, Any]] = {
            name: found for name, value in row.items() for found in readable([value], fields_of, "a notice")
        }
        return texts, aspects

    async def with_history(self, bot_id: str, account: str, most: int = 20) -> NumberHealth:
        """How a number stands now, with what was told last."""
        rows = await self._redis.zrange(key(bot_id, "health_told", account), -most, -1)
        told = tuple(readable(reversed(rows), ToldNotice.model_validate_json, "a notice"))
        return (await self.of(bot_id, account)).model_copy(update={"history": told})

    async def ignore(self, field: str) -> None:
        """Count a webhook field that means nothing to us."""
        if await self._redis.hexists(_IGNORED, field) or await self._redis.hlen(_IGNORED) < NAMES:
            await self._redis.hincrby(_IGNORED, field, 1)

    async def ignored(self) -> dict[str, int]:
        """How often each of them came."""
        raw = await self._redis.hgetall(_IGNORED)
        return {name.decode(): int(count) for name, count in sorted(raw.items())}


_records: WeakKeyDictionary[Redis, HealthRecord] = WeakKeyDictionary()


def record_of(redis: Redis) -> HealthRecord:
    """The one of a process for its client, which remembers the numbers it has met."""
    if redis not in _records:
        _records[redis] = HealthRecord(redis)
    return _records[redis]


def _detail(notice: AccountNotice) -> str:
    """What a notice says besides its event, in words."""
    restricted = ", ".join(one.kind for one in notice.restrictions or ())
    parts = (notice.tier, notice.topic, notice.severity, notice.status, restricted, notice.detail)
    return "; ".join(filter(None, parts))[:600]
